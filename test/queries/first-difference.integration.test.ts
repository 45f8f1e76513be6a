/**
 * The first difference equals looking at every moment that a service may have seen, on random histories whose changesets,
 * starts, ends and sunsets fall on the same hours; and by example where much happened. Asked as the role of the HTTP side.
 */
import fc from 'fast-check';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createPool } from '../../src/database/pool.ts';
import type { FirstDifference } from '../../src/domain/blame-questions.ts';
import type { AnyChange } from '../../src/domain/change.ts';
import type { RecordedEvent } from '../../src/domain/event.ts';
import { formatInstant, parseInstant } from '../../src/domain/instant.ts';
import type { Moment } from '../../src/domain/questions.ts';
import type { Context, Scope } from '../../src/domain/scope.ts';
import { firstDifference } from '../../src/queries/first-difference.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import {
  anyChange,
  beginning,
  contexts,
  historyOf,
  modelIds,
  modelKey,
  type Step,
  stringKey,
} from '../support/random-histories.ts';
import { replayedFirstDifference } from '../support/replayed-first-difference.ts';
import { project, tell } from './ledger-story.ts';

const start = Date.UTC(2026, 0, 1);
const hourMs = 3_600_000;

let database: TestDatabase;
let pool: pg.Pool;
beforeAll(async () => {
  database = await createTestDatabase();
  pool = createPool(database.url, { role: 'varve_http', max: 4, applicationName: 'first-difference' });
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

const instantOf = (event: RecordedEvent | undefined): number => parseInstant(event?.recordedAt ?? '') ?? 0;

/** Every hour in which something of a random history may start, end or retire, and more. */
const everyHour = Array.from({ length: 200 }, (_, count) => start + count * hourMs);

const told = (found: FirstDifference | undefined) =>
  found && { revision: found.revision, at: found.at, event: found.event?.revision };

const hours = fc.integer({ min: 0, max: 12 }).map((count) => formatInstant(start + count * hourMs));
const dense = fc.record(
  { effectiveFrom: hours, effectiveUntil: hours, replaceScheduled: fc.boolean() },
  { requiredKeys: [] },
);

/** Few words, scopes and hours, so that starts and ends meet changesets that take back what they do. */
const denseChange: fc.Arbitrary<AnyChange> = fc
  .record({
    scope: fc.constantFrom<Scope>('global', 'global', 'user:u'),
    value: fc.constantFrom('fallback', 'a', undefined),
    interval: dense,
  })
  .map(({ scope, value, interval }) => {
    const place = { key: stringKey, scope, ...interval };
    return value === undefined
      ? { type: 'clearOverride', ...place }
      : { type: 'setOverride', ...place, value };
  });

/** A model that was deprecated comes back by an update of its status, too. */
const change: fc.Arbitrary<AnyChange> = fc.oneof(
  { weight: 12, arbitrary: anyChange },
  { weight: 12, arbitrary: denseChange },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom(...modelIds)
      .map((id): AnyChange => ({ type: 'updateModel', id, updates: { status: 'active' } })),
  },
);

function eventsOf(ledger: string, steps: readonly Step[]): readonly RecordedEvent[] {
  let at = start;
  const timed = [beginning, ...steps].map(({ hours, changes }) => {
    at += hours * hourMs;
    return { at, changes };
  });
  return tell(ledger, timed, true);
}

describe('the first difference', () => {
  test('is the one that looking at every moment finds', async () => {
    let ledgers = 0;
    let differences = 0;
    let byTimeAlone = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(historyOf(change, 3), historyOf(denseChange, 3)),
        fc.nat(),
        fc.constantFrom(0, hourMs / 2, 5 * hourMs),
        fc.constantFrom(0, hourMs, 30 * hourMs),
        async (steps, place, waited, watched) => {
          ledgers += 1;
          const ledger = `looked-${ledgers}`;
          const events = eventsOf(ledger, steps);
          await project(database.pool, events);
          const atOf = (revision: number) => instantOf(events[revision - 1]);
          const asked = place % (events.length + 1);
          // A revision at its own time, or what was the head at a later time.
          const at = Math.max(start, atOf(asked)) + waited;
          const asOf = waited === 0 ? asked : events.filter((event) => instantOf(event) <= at).length;
          const to = { asOf: events.length, at: Math.max(atOf(events.length), at) + watched };
          for (const key of [stringKey, modelKey]) {
            for (const context of contexts) {
              const question = { key, context, from: { asOf, at }, to };
              const found = await firstDifference(pool, ledger, question);
              const looked = replayedFirstDifference(events, question, everyHour);
              expect(told(found)).toEqual(told(looked));
              expect(found?.after).toEqual(looked?.after);
              expect(found?.before?.value).toEqual(looked?.before?.value);
              if (found === undefined) continue;
              differences += 1;
              if (found.event === undefined) byTimeAlone += 1;
            }
          }
        },
      ),
      { numRuns: 150 },
    );
    expect(differences).toBeGreaterThan(100);
    expect(byTimeAlone).toBeGreaterThan(20);
  }, 300_000);

  test('an end before the last revision asked about, and one in the middle of a changeset', async () => {
    const ledger = 'ends';
    const define: AnyChange = { type: 'defineKey', key: 'k', valueType: 'number', fallback: 0 };
    const set = (value: number): AnyChange => ({ type: 'setOverride', key: 'k', scope: 'global', value });
    const events = tell(ledger, [
      { at: start, changes: [define, set(1)] },
      { at: start + 1000, changes: [set(2), set(1)] },
      { at: start + 2000, changes: [set(3)] },
    ]);
    await project(database.pool, events);
    const ask = (fromRevision: number, toRevision: number) =>
      firstDifference(pool, ledger, {
        key: 'k',
        context: {},
        from: { asOf: fromRevision, at: instantOf(events[fromRevision - 1]) },
        to: { asOf: toRevision, at: instantOf(events[toRevision - 1]) },
      });
    expect(told(await ask(2, 5))).toEqual({ revision: 3, at: start + 1000, event: 3 });
    expect(told(await ask(4, 5))).toEqual({ revision: 5, at: start + 2000, event: 5 });
    expect(await ask(4, 4)).toBeUndefined();
    expect(await ask(2, 2)).toBeUndefined();
    const found = await ask(2, 3);
    expect(found?.before).toMatchObject({ value: 1, revision: 2 });
    expect(found?.after).toMatchObject({ value: 2, revision: 3, scope: 'global', reason: 'STATIC' });
    expect(found?.event).toMatchObject({ type: 'OverrideSet', actor: { id: 'ann' }, reason: 'because' });
  });

  test('sees what starts in the millisecond of a changeset that takes it back with its second event', async () => {
    const ledger = 'met';
    const define = (key: string, fallback: number): AnyChange => {
      return { type: 'defineKey', key, valueType: 'number', fallback };
    };
    const set = (value: number): AnyChange => ({ type: 'setOverride', key: 'k', scope: 'global', value });
    const scheduled = { ...set(2), effectiveFrom: formatInstant(start + 1000) };
    const events = tell(ledger, [
      { at: start, changes: [define('k', 1), define('other', 1), scheduled] },
      { at: start + 1000, changes: [define('other', 2), set(1)] },
    ]);
    await project(database.pool, events);
    const ask = (key: string, asOf: number) => {
      const to = { asOf: 5, at: start + 9000 };
      return firstDifference(pool, ledger, { key, context: {}, from: { asOf, at: start }, to });
    };
    expect(told(await ask('k', 3))).toEqual({ revision: 4, at: start + 1000, event: undefined });
    expect(told(await ask('other', 3))).toEqual({ revision: 4, at: start + 1000, event: 4 });
  });

  test('is found behind thousands of events that say the same, of the key and of its models', async () => {
    const ledger = 'long';
    const other: Context = { user: 'nobody' };
    const changes: AnyChange[] = [
      { type: 'addModel', model: { id: 'acme/a', name: 'a', contextWindow: 1 } },
      { type: 'addModel', model: { id: 'acme/b', name: 'b', contextWindow: 1 } },
      { type: 'defineKey', key: 'm', valueType: 'model', fallback: 'acme/a' },
    ];
    const steps = Array.from({ length: 1_500 }, (_, index) => {
      const status = index % 2 === 0 ? 'beta' : 'active';
      const same: AnyChange = { type: 'setOverride', key: 'm', scope: 'global', value: 'acme/a' };
      const cleared: AnyChange = { type: 'clearOverride', key: 'm', scope: 'global' };
      const updated: AnyChange = { type: 'updateModel', id: 'acme/a', updates: { status } };
      return { at: start + (index + 1) * 1000, changes: [index % 2 === 0 ? same : cleared, updated] };
    });
    const retired: AnyChange = {
      type: 'deprecateModel',
      id: 'acme/a',
      successor: 'acme/b',
      sunsetAt: formatInstant(start + 1_600_000),
    };
    const events = tell(ledger, [
      { at: start, changes },
      ...steps,
      { at: start + 1_550_000, changes: [retired] },
      {
        at: start + 1_700_000,
        changes: [{ type: 'setOverride', key: 'm', scope: 'tier:1', value: 'acme/b' }],
      },
    ]);
    await project(database.pool, events);
    const question = {
      key: 'm',
      context: other,
      from: { asOf: 3, at: start },
      to: { asOf: events.length, at: start + 1_700_000 },
    };
    const found = await firstDifference(pool, ledger, question);
    expect(told(found)).toEqual({ revision: events.length, at: start + 1_600_000, event: undefined });
    expect(found?.before?.value).toBe('acme/a');
    expect(found?.after).toMatchObject({ value: 'acme/b', model: { followed: ['acme/a'] } });
    const earlier = { ...question, to: { asOf: events.length - 1, at: start + 1_650_000 } };
    expect(told(await firstDifference(pool, ledger, earlier))).toMatchObject({ revision: null });
    // After so many events it says from where to ask on, and asking on from there finds the same.
    const stopped = await firstDifference(pool, ledger, question, 1_000).catch((error: unknown) => error);
    expect(stopped).toMatchObject({ code: 'limited', reason: 'too_many_events' });
    const reached = Number(/up to revision (\d+)/.exec(String(stopped))?.[1]);
    expect(reached).toBeGreaterThan(900);
    const on = { ...question, from: { asOf: reached, at: instantOf(events[reached - 1]) } };
    expect(told(await firstDifference(pool, ledger, on))).toEqual(told(found));
  });

  test('sees the last of a hundred scheduled changes that say the same', async () => {
    const ledger = 'scheduled';
    const define: AnyChange = { type: 'defineKey', key: 'k', valueType: 'number', fallback: 1 };
    const scheduled = Array.from({ length: 100 }, (_, index): AnyChange => {
      const from = formatInstant(start + (index + 1) * 1000);
      return {
        type: 'setOverride',
        key: 'k',
        scope: 'user:u',
        value: index < 99 ? 1 : 2,
        effectiveFrom: from,
      };
    });
    const events = tell(ledger, [{ at: start, changes: [define, ...scheduled] }]);
    await project(database.pool, events);
    const from = { asOf: events.length, at: start };
    const question = { key: 'k', context: { user: 'u' }, from, to: { ...from, at: start + 1_000_000 } };
    const found = await firstDifference(pool, ledger, question);
    expect(told(found)).toEqual({ revision: null, at: start + 100_000, event: undefined });
    const short = { ...question, to: { ...from, at: start + 99_999 } };
    expect(await firstDifference(pool, ledger, short)).toBeUndefined();
  });

  test('is that a key becomes known, or is retired', async () => {
    const ledger = 'known';
    const define: AnyChange = { type: 'defineKey', key: 'k', valueType: 'number', fallback: 1 };
    const events = tell(ledger, [
      { at: start, changes: [{ ...define, key: 'other' }] },
      { at: start + 1000, changes: [define] },
      { at: start + 2000, changes: [{ type: 'retireKey', key: 'k' }] },
    ]);
    await project(database.pool, events);
    const to = { asOf: 3, at: start + 5000 };
    const ask = (from: Moment) => firstDifference(pool, ledger, { key: 'k', context: {}, from, to });
    const defined = await ask({ asOf: 0, at: 0 });
    expect(defined).toMatchObject({ revision: 2, before: undefined, after: { value: 1 } });
    const gone = await ask({ asOf: 2, at: start + 1000 });
    expect(gone).toMatchObject({ revision: 3, before: { value: 1 }, after: undefined });
    expect(gone?.event?.type).toBe('KeyRetired');
  });
});
