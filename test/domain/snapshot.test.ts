/**
 * Snapshots and the values view: what a client puts together of them resolves as the server does, for every history.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { forever } from '../../src/domain/assertion.ts';
import { LiveState } from '../../src/domain/live-state.ts';
import { resolve } from '../../src/domain/resolve.ts';
import { scopeFilter } from '../../src/domain/scope-filter.ts';
import {
  holdSnapshot,
  putSnapshotLine,
  type SnapshotLine,
  snapshotLines,
} from '../../src/domain/snapshot.ts';
import { putValuesEvent, valuesView } from '../../src/domain/values-view.ts';
import { type History, histories, historyContexts } from '../support/histories.ts';

function fold(history: History): LiveState {
  const state = new LiveState();
  for (const changeset of history) for (const event of changeset) state.apply(event);
  return state;
}

/** As it goes over the wire. */
function copied(line: SnapshotLine): SnapshotLine {
  return JSON.parse(JSON.stringify(line)) as SnapshotLine;
}

function restored(lines: Iterable<SnapshotLine>): LiveState {
  const state = new LiveState();
  for (const line of lines) putSnapshotLine(state, copied(line));
  return state;
}

function answers(state: LiveState, moments: readonly number[], known: LiveState) {
  return [...known.slots.keys()].flatMap((key) =>
    historyContexts.flatMap((context) => moments.map((at) => resolve(state, key, context, at))),
  );
}

function momentsOf(state: LiveState): readonly number[] {
  const day = 86_400_000;
  return [0, 1, day / 24, day, 7 * day, 40 * day, 400 * day].map((later) => state.recordedAt + later);
}

describe('over random histories', () => {
  test('a snapshot resolves as the state that it was taken of', () => {
    fc.assert(
      fc.property(histories(), (history) => {
        const state = fold(history);
        const lines = [...snapshotLines(holdSnapshot(state), 'default')];
        const copy = restored(lines);
        expect(answers(copy, momentsOf(state), state)).toEqual(answers(state, momentsOf(state), state));
        expect([copy.revision, copy.recordedAt]).toEqual([state.revision, state.recordedAt]);
        expect(lines.at(-1)).toEqual({ type: 'end', count: lines.length - 2 });
      }),
      { numRuns: 150 },
    );
  });

  test('a snapshot and the values view after it resolve as the server does after each changeset', () => {
    fc.assert(
      fc.property(histories(), fc.double({ min: 0, max: 1, noNaN: true }), (history, part) => {
        const cut = Math.floor(history.length * part);
        const state = fold(history.slice(0, cut));
        const client = restored(snapshotLines(holdSnapshot(state), 'default'));
        for (const changeset of history.slice(cut)) {
          for (const event of changeset) {
            state.apply(event);
            const shown = valuesView(event);
            if (shown !== undefined) putValuesEvent(client, JSON.parse(JSON.stringify(shown)));
          }
          expect(answers(client, momentsOf(state), state)).toEqual(answers(state, momentsOf(state), state));
        }
      }),
      { numRuns: 150 },
    );
  });

  test('a key that was retired before the snapshot may be retired again after it', () => {
    const client = new LiveState();
    putValuesEvent(client, {
      type: 'KeyRetired',
      data: { key: 'a.b' },
      revision: 3,
      schemaVersion: 1,
      subject: 'key:a.b',
      version: 3,
      recordedAt: '2026-01-01T00:00:00.000Z',
      changesetId: 'c',
      last: true,
    });
    expect(client.key('a.b')).toBeUndefined();
  });

  test('what was taken hold of does not change when the state goes on', () => {
    fc.assert(
      fc.property(histories(), (history) => {
        const half = Math.floor(history.length / 2);
        const state = fold(history.slice(0, half));
        const held = holdSnapshot(state);
        const before = JSON.stringify([...snapshotLines(held, 'default')]);
        for (const changeset of history.slice(half)) for (const event of changeset) state.apply(event);
        expect(JSON.stringify([...snapshotLines(held, 'default')])).toBe(before);
      }),
      { numRuns: 50 },
    );
  });
});

describe('scopes', () => {
  const state = new LiveState();
  const definition = { key: 'k', valueType: 'integer', fallback: 0 } as const;
  state.put('key:k', { version: 1, revision: 1, definition, retired: false });
  for (const [index, scope] of ['global', 'tier:1', 'tier:2', 'tenant:acme', 'user:u', 'user:v'].entries()) {
    const assertion = { kind: 'value', value: index, from: 0, until: 10, revision: index + 2 } as const;
    state.put(`override:k@${scope}`, { version: 1, assertions: [assertion] });
  }
  state.revision = 7;

  const scopesIn = (patterns?: readonly string[]) =>
    [...snapshotLines(holdSnapshot(state, patterns), 'x')].flatMap((line) =>
      line.type === 'override' ? [line.scope] : [],
    );

  test.each<[string, readonly string[] | undefined, readonly string[]]>([
    ['all', undefined, ['global', 'tier:1', 'tier:2', 'tenant:acme', 'user:u', 'user:v']],
    [
      'one of each',
      ['global', 'tier:2', 'tenant:acme', 'user:v'],
      ['global', 'tier:2', 'tenant:acme', 'user:v'],
    ],
    ['a whole kind', ['user:*'], ['user:u', 'user:v']],
    ['a whole kind and one of it', ['tier:1', 'tier:*'], ['tier:1', 'tier:2']],
    ['the same twice', ['tier:1', 'tier:1'], ['tier:1']],
    ['one that is not there', ['user:w'], []],
  ])('%s', (_name, patterns, scopes) => {
    expect(scopesIn(patterns)).toEqual(scopes);
  });

  test('of many keys, the same as what a filter lets through of all', () => {
    const scope = fc.constantFrom('global', ...['tier', 'tenant', 'user'].flatMap((kind) => idsOf(kind)));
    const pattern = fc.oneof(scope, fc.constantFrom('tier:*', 'tenant:*', 'user:*'));
    fc.assert(
      fc.property(fc.array(fc.array(scope), { maxLength: 4 }), fc.array(pattern), (keys, patterns) => {
        const held = new LiveState();
        for (const [index, scopes] of keys.entries())
          for (const one of scopes)
            held.put(`override:k${index}@${one}`, { version: 1, assertions: [always] });
        const { covers } = scopeFilter(patterns);
        expect(overridesIn(held, patterns)).toEqual(
          overridesIn(held).filter(({ scope: one }) => covers(one)),
        );
      }),
    );
  });
});

const always = { kind: 'value', value: 1, from: 0, until: forever, revision: 1 } as const;

const idsOf = (kind: string) => ['a', 'b', 'c', 'd:e'].map((id) => `${kind}:${id}`);

/** In one order, as a snapshot promises none. */
function overridesIn(state: LiveState, patterns?: readonly string[]) {
  const lines = [...snapshotLines(holdSnapshot(state, patterns), 'x')];
  const overrides = lines.flatMap((line) => (line.type === 'override' ? [line] : []));
  const nameOf = ({ key, scope }: { readonly key: string; readonly scope: string }) => `${key}@${scope}`;
  return overrides.toSorted((one, other) => (nameOf(one) < nameOf(other) ? -1 : 1));
}
