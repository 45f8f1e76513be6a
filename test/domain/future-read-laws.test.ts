/**
 * A read of the future made today is the read on that day, if nothing else happens to what is asked: however the ledger
 * lives on meanwhile, and whatever a server forgets of what is over.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { EventBody } from '../../src/domain/event.ts';
import { keySubject, modelSubject, overrideSubject } from '../../src/domain/event.ts';
import { formatInstant } from '../../src/domain/instant.ts';
import { LiveState } from '../../src/domain/live-state.ts';
import { type Resolution, resolve } from '../../src/domain/resolve.ts';
import {
  anyChange,
  contexts,
  historyOf,
  modelKey,
  moments,
  play,
  stringKey,
} from '../support/random-histories.ts';

const keys = [stringKey, modelKey];

/** What everybody gets at a moment. */
function answersAt(state: LiveState, at: number): readonly (Resolution | undefined)[] {
  return keys.flatMap((key) => contexts.map((context) => resolve(state, key, context, at)));
}

function happen(state: LiveState, at: number, body: EventBody): void {
  state.apply({ ...body, revision: state.revision + 1, recordedAt: formatInstant(at) });
}

/** The state as a server has it that starts from the read models. */
function reloaded(state: LiveState): LiveState {
  const copy = new LiveState();
  copy.recordedAt = state.recordedAt;
  const subjects = [
    ...[...state.keys()].map(({ definition }) => keySubject(definition.key)),
    ...[...state.models()].map(({ id }) => modelSubject(id)),
    ...keys.flatMap((key) => [...state.overridesOf(key)].map(([scope]) => overrideSubject(key, scope))),
  ];
  for (const subject of subjects) copy.put(subject, JSON.parse(JSON.stringify(state.subject(subject))));
  copy.revision = state.revision;
  return copy;
}

test('on random histories, while others write, and after a start', () => {
  fc.assert(
    fc.property(historyOf(anyChange, 4), (steps) => {
      const { state, now } = play(steps);
      const ahead = moments
        .filter((moment) => moment >= now)
        .map((at) => [at, answersAt(state, at)] as const);
      for (const [at, answers] of ahead) {
        happen(state, at, { type: 'RevisionTagged', data: { name: `t${at}`, revision: 1 } });
        const other = { key: stringKey, scope: 'user:somebody else', value: 'x' } as const;
        happen(state, at, { type: 'OverrideSet', data: other });
        expect(answersAt(state, at)).toStrictEqual(answers);
        expect(answersAt(reloaded(state), at)).toStrictEqual(answers);
      }
    }),
    { numRuns: 100 },
  );
});

test('also when each layer is told of something much later, and forgets what is over', () => {
  const muchLater = { effectiveFrom: '2030-01-01T00:00:00.000Z' };
  const known = (answer: Resolution | undefined) => answer && { ...answer, validUntil: undefined };
  fc.assert(
    fc.property(historyOf(anyChange, 4), (steps) => {
      const { state, now } = play(steps);
      const ahead = moments
        .filter((moment) => moment >= now)
        .map((at) => [at, answersAt(state, at)] as const);
      for (const [at, answers] of ahead) {
        for (const key of keys) {
          for (const [scope] of state.overridesOf(key)) {
            happen(state, at, { type: 'OverrideCleared', data: { key, scope, ...muchLater } });
          }
        }
        expect(answersAt(state, at).map(known)).toStrictEqual(answers.map(known));
      }
    }),
    { numRuns: 100 },
  );
});
