/**
 * The compact state: whatever happens in a ledger, it resolves as the live state does, from whichever snapshot it began
 * and at every revision since; it knows when something turns by itself; and what it holds is small.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { forever } from '../../src/domain/assertion.ts';
import type { RecordedEvent } from '../../src/domain/event.ts';
import { LiveState } from '../../src/domain/live-state.ts';
import { resolve } from '../../src/domain/resolve.ts';
import { holdSnapshot, putSnapshotLine, snapshotLines } from '../../src/domain/snapshot.ts';
import { nextTurn } from '../../src/domain/turns.ts';
import { valuesView } from '../../src/domain/values-view.ts';
import { putChangeset, stageChangeset, type ValuesChangeset } from '../../src/sdk/apply-changeset.ts';
import { heldScopes } from '../../src/sdk/held-scopes.ts';
import { ValuesState } from '../../src/sdk/values-state.ts';
import { type History, histories, historyContexts } from '../support/histories.ts';

const everything = heldScopes(undefined);
const day = 86_400_000;
const laters = [0, 1, day / 24, day, 7 * day, 40 * day, 400 * day];
function fromSnapshot(live: LiveState): ValuesState {
  const state = new ValuesState();
  for (const line of snapshotLines(holdSnapshot(live), 'default')) {
    putSnapshotLine(state, JSON.parse(JSON.stringify(line)));
  }
  return state;
}

function asStreamed(changeset: readonly RecordedEvent[]): ValuesChangeset {
  const { revision = 0, recordedAt = '' } = changeset.at(-1) ?? {};
  const events = changeset.flatMap((event) => valuesView(event) ?? []);
  return { revision, recordedAt, events: JSON.parse(JSON.stringify(events)) };
}

const answers = (state: LiveState | ValuesState, { slots, recordedAt }: LiveState) =>
  [...slots.keys()].flatMap((key) =>
    historyContexts.flatMap((context) =>
      laters.map((later) => resolve(state, key, context, recordedAt + later)),
    ),
  );

/** The first moment after the head at which an override or a model turns. */
function firstTurn(live: LiveState): number {
  const overrides = [...live.slots.keys()].flatMap((key) => [...live.overridesOf(key)]);
  const models = [...live.models()].map((model) => ({ ...model, prices: [] }));
  return Math.min(
    forever,
    ...[...overrides.map(([, state]) => state), ...models].map((state) => nextTurn(state, live.recordedAt)),
  );
}

async function compare(history: History, part: number): Promise<void> {
  const live = new LiveState();
  const cut = Math.floor(history.length * part);
  for (const changeset of history.slice(0, cut)) for (const event of changeset) live.apply(event);
  const state = fromSnapshot(live);
  expect(answers(state, live)).toEqual(answers(live, live));
  for (const changeset of history.slice(cut)) {
    for (const event of changeset) live.apply(event);
    const streamed = asStreamed(changeset);
    putChangeset(state, streamed, await stageChangeset(state, streamed, everything));
    expect([state.revision, state.recordedAt]).toEqual([live.revision, live.recordedAt]);
    expect(answers(state, live)).toEqual(answers(live, live));
    // What is due stays until it is taken.
    while (state.timetable.take(live.recordedAt, (subject) => state.subject(subject), 1_000) !== undefined);
    // What was taken back may still stand there: it is passed over when its moment comes.
    expect(state.timetable.soonest).toBeLessThanOrEqual(firstTurn(live));
  }
}

describe('over random histories', () => {
  test('a snapshot and the changesets after it resolve as the server does at every revision', async () => {
    await fc.assert(fc.asyncProperty(histories(), fc.double({ min: 0, max: 1, noNaN: true }), compare), {
      numRuns: 150,
    });
  });
});

const value = (revision: number, of: unknown) =>
  ({ revision, from: 1, until: forever, kind: 'value', value: of }) as const;

test('rows and values that nobody needs any more are used again', () => {
  const state = new ValuesState();
  state.recordedAt = 1;
  const collect = garbageCollector();
  const fill = (round: number) => {
    for (let user = 0; user < 20_000; user++) {
      const assertion = value(round, `a value of round ${round} for ${user}`);
      state.put(`override:a.b@user:u-${user}`, { version: round, assertions: [assertion] } as never);
    }
  };
  fill(1);
  const before = collect();
  for (let round = 2; round <= 6; round++) fill(round);
  expect(collect() - before).toBeLessThan(2_000_000);
  expect(state.subject('override:a.b@user:u-7')).toEqual({
    version: 6,
    assertions: [value(6, 'a value of round 6 for 7')],
  });
});

test('an override takes at most 150 bytes', () => {
  const collect = garbageCollector();
  const before = collect();
  const state = new ValuesState();
  state.recordedAt = 1;
  const count = 100_000;
  for (let index = 0; index < count; index++) {
    const subject = `override:ai.key_${index % 20}.model@user:u-${index.toString(16).padStart(16, '0')}`;
    const assertion = value(index, `openai/model-${index % 50}`);
    state.put(JSON.parse(JSON.stringify(subject)), { version: 1, assertions: [assertion] } as never);
  }
  expect((collect() - before) / count).toBeLessThan(150);
  expect(state.slots.size).toBe(20);
});

/** Answers how many bytes are in use after everything else was let go. */
function garbageCollector(): () => number {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  return () => {
    gc();
    gc();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
}
