/**
 * The law of the write path: whatever two racing servers were asked, what each holds in memory is what replaying the log
 * from nothing makes, and every answer stands in the log.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { AnyChange } from '../../src/domain/change.ts';
import { formatInstant } from '../../src/domain/instant.ts';
import { LiveState } from '../../src/domain/live-state.ts';
import type { ChangesetResult } from '../../src/ledger/changeset.ts';
import { contentOf, openStand, start } from './writer-stand.ts';

const keys = ['limits.tokens', 'flags.a', 'flags.b'];
const models = ['acme/one', 'acme/two', 'zeta/one'];
const hourMs = 3_600_000;

/** What there is at first, so that not everything is refused. */
const world: readonly AnyChange[] = [
  ...keys
    .slice(1)
    .map((name) => ({ type: 'defineKey', key: name, valueType: 'integer', fallback: 0 }) as const),
  ...models
    .slice(1)
    .map(
      (id) =>
        ({ type: 'addModel', model: { id, provider: id.slice(0, 4), name: id, contextWindow: 1 } }) as const,
    ),
];

const key = fc.constantFrom(...keys);
const scope = fc.constantFrom('global' as const, 'tier:1' as const, 'user:a' as const, 'user:b@c:d' as const);
const model = fc.constantFrom(...models);
const hours = fc.integer({ min: -2, max: 12 });
const price = fc.integer({ min: 1, max: 50 }).map((cents) => ({ input: `${cents / 10}` }));

/** Wishes from a small world, so that they meet; many are refused. `now` is the moment at which they are sent. */
const change = (now: number): fc.Arbitrary<AnyChange> => {
  const moment = hours.map((count) => formatInstant(now + count * hourMs));
  const interval = fc.oneof(
    fc.constant({}),
    fc.record({ effectiveFrom: moment }),
    fc.record({ effectiveFrom: moment, effectiveUntil: moment }),
    fc.record({ effectiveUntil: moment }),
  );
  const place = fc.record({ key, scope, replaceScheduled: fc.boolean() });
  return fc.oneof(
    fc.record({
      type: fc.constant('defineKey' as const),
      key,
      valueType: fc.constant('integer' as const),
      fallback: fc.nat(3),
    }),
    fc.record({ type: fc.constant('retireKey' as const), key }),
    fc
      .tuple(place, interval, fc.nat(3))
      .map(([at, when, value]) => ({ type: 'setOverride' as const, ...at, ...when, value })),
    fc
      .tuple(place, interval, fc.nat(3))
      .map(([at, when, value]) => ({ type: 'setOverride' as const, ...at, ...when, value })),
    fc.tuple(place, fc.integer({ min: 0, max: 10_000 })).map(([at, share]) => ({
      type: 'setOverride' as const,
      ...at,
      allocation: { unit: 'user' as const, share, arms: [{ name: 'a', value: share % 3, weight: 1 }] },
    })),
    fc.tuple(place, interval).map(([at, when]) => ({ type: 'clearOverride' as const, ...at, ...when })),
    fc.record({ type: fc.constant('withdrawOverride' as const), revision: fc.integer({ min: 1, max: 40 }) }),
    fc.tuple(model, price, fc.boolean()).map(([id, pricing, upsert]) => ({
      type: 'addModel' as const,
      model: { id, provider: id.slice(0, 4), name: id, contextWindow: 100, pricing },
      upsert,
    })),
    fc
      .tuple(model, fc.nat(2))
      .map(([id, n]) => ({ type: 'updateModel' as const, id, updates: { family: `family ${n}` } })),
    fc
      .tuple(model, price, moment)
      .map(([id, pricing, effectiveFrom]) => ({ type: 'changePrice' as const, id, pricing, effectiveFrom })),
    fc
      .tuple(model, model, moment)
      .map(([id, successor, sunsetAt]) => ({ type: 'deprecateModel' as const, id, successor, sunsetAt })),
    fc.record({ type: fc.constant('reinstateModel' as const), id: model }),
    fc.record({ type: fc.constant('removeModel' as const), id: model }),
    fc.record({ type: fc.constant('tagRevision' as const), name: fc.constantFrom('a', 'b', 'c') }),
  );
};

const moment = fc.record({
  pauseMs: fc.nat(5 * hourMs),
  /** At once: which server each is sent to, its changes, and perhaps an idempotency key. */
  requests: fc.array(
    fc.record({
      server: fc.nat(1),
      size: fc.constantFrom(1, 1, 1, 2, 3),
      key: fc.constantFrom(null, null, null, 'a', 'b'),
    }),
    {
      minLength: 1,
      maxLength: 5,
    },
  ),
  seed: fc.integer(),
});

test('replaying the log gives the live state of each server, and every answer stands in it', async () => {
  let appended = 0;
  let raced = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(moment, { minLength: 1, maxLength: 20, size: 'max' }), async (moments) => {
      const one = openStand();
      const two = openStand({ log: one.shared });
      const stands = [one, two] as const;
      const results: ChangesetResult[] = [];
      let now = start;
      await one.submit(world);
      for (const [turn, { pauseMs, requests, seed }] of moments.entries()) {
        now += pauseMs;
        for (const stand of stands) stand.clock.now = now;
        // One generator for the moment, so that shrinking keeps the rest as it is.
        const wishes = fc.sample(change(now), {
          seed,
          numRuns: requests.reduce((sum, { size }) => sum + size, 0),
        });
        const settled = await Promise.allSettled(
          requests.map(({ server, size, key: idempotencyKey }) =>
            (server === 0 ? one : two).submit(
              wishes.splice(0, size),
              idempotencyKey === null
                ? {}
                : { idempotency: { key: `${idempotencyKey}${turn >> 1}`, bodyHash: `${seed % 2}` } },
            ),
          ),
        );
        for (const result of settled) {
          if (result.status === 'fulfilled') results.push(result.value);
          else
            expect(['refused', 'invalid', 'conflict']).toContain((result.reason as { code?: string }).code);
        }
      }
      await Promise.all(stands.map((stand) => stand.fold.catchUp()));

      const logged = await one.logged();
      const replay = new LiveState();
      for (const event of logged) replay.apply(event);
      for (const stand of stands) {
        expect(contentOf(stand.fold.state)).toEqual(contentOf(replay));
        expect(stand.told.flat()).toEqual(logged);
        expect(stand.stops).toEqual([]);
        raced += stand.counts.lostRaces;
      }
      const inLog = (from: number, to: number) => logged.slice(from - 1, to);
      for (const { events } of results) {
        const answered = events.map(({ changes: _changes, ...event }) => event);
        expect(answered).toEqual(inLog(events[0]?.revision ?? 1, events.at(-1)?.revision ?? 0));
      }
      const first = new Set(
        results.filter(({ replayed }) => !replayed).flatMap(({ changesetId }) => changesetId ?? []),
      );
      expect(first.size).toBe(new Set(logged.slice(world.length).map((event) => event.changesetId)).size);
      const withKey = logged.filter((event) => event.last).flatMap((event) => event.idempotency?.key ?? []);
      expect(new Set(withKey).size).toBe(withKey.length);
      appended += logged.length;
    }),
    { numRuns: 150 },
  );
  // The property says nothing if everything was refused, or if nobody ever met.
  expect(appended).toBeGreaterThan(1_000);
  expect(raced).toBeGreaterThan(100);
});
