/**
 * As-of reads are the replay cut off there: resolving over stateAt's rows equals resolving over a fold that
 * ends at the revision, for every revision of random histories, and for moments before and after it.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AnyChange } from '../../src/domain/change.ts';
import type { RecordedEvent } from '../../src/domain/event.ts';
import { assertionOf } from '../../src/domain/evolve.ts';
import { formatInstant, parseInstant } from '../../src/domain/instant.ts';
import type { LiveState } from '../../src/domain/live-state.ts';
import { resolve } from '../../src/domain/resolve.ts';
import type { Context, Scope } from '../../src/domain/scope.ts';
import type { OverrideAssertion } from '../../src/domain/subject-state.ts';
import { stateAt } from '../../src/queries/state-at.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { foldTo, markScheduled, project, type Step, tell } from './ledger-story.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const start = Date.UTC(2026, 0, 1);
const keys = ['ai.model', 'ai.temperature'] as const;
const models = ['acme/a', 'acme/b', 'acme/c', 'acme/d'] as const;
const scopes: readonly Scope[] = ['global', 'tier:1', 'tenant:t', 'user:u'];
const contexts: readonly Context[] = [
  {},
  { user: 'u' },
  { tenant: 't', tier: '1' },
  { user: 'u', tenant: 't', tier: '1' },
  { user: 'other', tenant: 't' },
];

const opening: Step = {
  at: start,
  changes: [
    ...models.map((id): AnyChange => ({ type: 'addModel', model: { id, name: id, contextWindow: 1 } })),
    { type: 'defineKey', key: 'ai.model', valueType: 'model', fallback: 'acme/a' },
    { type: 'defineKey', key: 'ai.temperature', valueType: 'number', fallback: 0 },
  ],
};

/**
 * Steps of few, crowded choices, so that starts, ends, sunsets and successors meet. Times are tenths of
 * seconds from a step.
 */
const stepArbitrary = fc.record({
  pause: fc.constantFrom(0, 0, 100, 300, 1000),
  source: fc.constantFrom('api' as const, 'api' as const, 'import' as const),
  what: fc.constantFrom(
    'value',
    'value',
    'value',
    'allocation',
    'clear',
    'withdraw',
    'deprecate',
    'reinstate',
    'price',
    'fallback',
    'retire',
  ),
  key: fc.constantFrom(...keys),
  scope: fc.constantFrom(...scopes),
  model: fc.constantFrom(...models),
  other: fc.constantFrom(...models),
  number: fc.integer({ min: 1, max: 9 }),
  from: fc.constantFrom(undefined, undefined, -500, 0, 100, 200, 400, 1500),
  lasting: fc.constantFrom(undefined, undefined, 100, 300, 700, 2500),
});
type ArbitraryStep = typeof stepArbitrary extends fc.Arbitrary<infer T> ? T : never;

function stepsOf(drawn: readonly ArbitraryStep[]): readonly Step[] {
  let at = start;
  return drawn.map((step) => {
    at += step.pause;
    return { at, changes: [changeOf(step, at)], source: step.source };
  });
}

function changeOf(step: ArbitraryStep, at: number): AnyChange {
  const { key, scope, model, other, number, from, lasting } = step;
  const valueFor = (id: string) => (key === 'ai.model' ? id : number);
  const interval = {
    ...(from === undefined ? {} : { effectiveFrom: formatInstant(at + from) }),
    ...(lasting === undefined ? {} : { effectiveUntil: formatInstant(at + (from ?? 0) + lasting) }),
  };
  const place = { key, scope, ...interval };
  switch (step.what) {
    case 'value':
      return { type: 'setOverride', ...place, value: valueFor(model), allowUnlisted: true };
    case 'allocation': {
      const arms = [
        { name: 'left', value: valueFor(model), weight: 1 },
        { name: 'right', value: valueFor(other), weight: 1 },
      ];
      return {
        type: 'setOverride',
        ...place,
        allocation: { unit: 'user', share: 5000, arms },
        allowUnlisted: true,
      };
    }
    case 'clear':
      return { type: 'clearOverride', ...place };
    case 'withdraw':
      return { type: 'withdrawOverride', revision: number + 6 };
    case 'deprecate': {
      const sunset = lasting === undefined ? {} : { sunsetAt: formatInstant(at + lasting) };
      return {
        type: 'deprecateModel',
        id: model,
        ...(other === model ? {} : { successor: other }),
        ...sunset,
      };
    }
    case 'reinstate':
      return { type: 'reinstateModel', id: model };
    case 'price':
      return { type: 'changePrice', id: model, pricing: { input: String(number) } };
    case 'fallback':
      return {
        type: 'defineKey',
        key,
        valueType: key === 'ai.model' ? 'model' : 'number',
        fallback: valueFor(model),
        allowUnlisted: true,
      };
    case 'retire':
      return { type: 'retireKey', key };
    default:
      return step.what satisfies never;
  }
}

/** The whole past: what is over stands in it as well, which a live state drops. */
function everythingKnown(events: readonly RecordedEvent[], revision: number): LiveState {
  const state = foldTo(events, revision);
  const assertions = new Map<string, OverrideAssertion[]>();
  for (const event of events.slice(0, revision)) {
    if (event.type === 'OverrideSet' || event.type === 'OverrideCleared') {
      const all = assertions.get(event.subject) ?? [];
      assertions.set(event.subject, [...all, assertionOf(event)]);
    } else if (event.type === 'OverrideWithdrawn') {
      const all = assertions.get(event.subject) ?? [];
      assertions.set(
        event.subject,
        all.filter((assertion) => assertion.revision !== event.data.revision),
      );
    }
  }
  for (const [subject, all] of assertions) {
    all.sort((a, b) => a.from - b.from || a.revision - b.revision);
    state.put(subject, { version: 0, assertions: all });
  }
  return state;
}

const answersOf = (state: LiveState, at: number) =>
  keys.flatMap((key) => contexts.map((context) => resolve(state, key, context, at) ?? null));

describe('stateAt', () => {
  test('answers as the replay that is cut off there, at every revision, for past, present and future', async () => {
    let told = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(stepArbitrary, { minLength: 10, maxLength: 45 }),
        fc.boolean(),
        async (drawn, isExact) => {
          told += 1;
          const ledger = `story-${told}`;
          const events = tell(ledger, [opening, ...stepsOf(drawn)], true);
          await project(database.pool, events);
          if (isExact) await markScheduled(database.pool, ledger);
          for (let revision = 1; revision <= events.length; revision++) {
            const recordedAt = parseInstant(events[revision - 1]?.recordedAt ?? '') ?? 0;
            const live = foldTo(events, revision);
            const whole = everythingKnown(events, revision);
            // By name for odd revisions and all keys for even ones: two statements that must agree.
            const asked = revision % 2 === 0 ? undefined : keys;
            const ask = (at: number) =>
              stateAt(database.pool, ledger, { asOf: revision, at }, asked, contexts);
            const now = await ask(recordedAt);
            expect(answersOf(now, recordedAt)).toEqual(answersOf(live, recordedAt));
            for (const distance of [-3000, -450, -100, 150, 700, 5000]) {
              const at = recordedAt + distance;
              expect(answersOf(await ask(at), at)).toEqual(answersOf(whole, at));
            }
          }
        },
      ),
      { numRuns: 30 },
    );
  }, 300_000);

  test('takes the next of many changes, and the one that comes back after temporary ones', async () => {
    const ledger = 'crowded';
    const define: AnyChange = { type: 'defineKey', key: 'k', valueType: 'number', fallback: 0 };
    const changed = Array.from({ length: 300 }, (_, index): Step => {
      const at = start + 1000 + index * 1000;
      const until = index % 3 === 0 ? {} : { effectiveUntil: formatInstant(at + 1500) };
      return { at, changes: [{ type: 'setOverride', key: 'k', scope: 'global', value: index, ...until }] };
    });
    const events = tell(ledger, [{ at: start, changes: [define] }, ...changed]);
    await project(database.pool, events);
    await markScheduled(database.pool, ledger);
    for (const revision of [2, 100, 151, 301]) {
      const recordedAt = start + (revision - 1) * 1000;
      for (const at of [
        recordedAt,
        recordedAt - 700,
        recordedAt + 700,
        recordedAt + 400_000,
        start + 50_000,
      ]) {
        const state = await stateAt(database.pool, ledger, { asOf: revision, at }, ['k'], [{}]);
        const whole = everythingKnown(events, revision);
        expect(resolve(state, 'k', {}, at)).toEqual(resolve(whole, 'k', {}, at));
      }
    }
  });

  test('loads successors of successors, arms and fallbacks, and nothing for a key that holds no models', async () => {
    const ledger = 'chain';
    const chain = Array.from({ length: 10 }, (_, index) => `acme/m${index}`);
    const changes: AnyChange[] = [
      ...chain.map((id): AnyChange => ({ type: 'addModel', model: { id, name: id, contextWindow: 1 } })),
      { type: 'addModel', model: { id: 'acme/arm', name: 'arm', contextWindow: 1 } },
      { type: 'defineKey', key: 'm', valueType: 'model', fallback: 'acme/m0' },
      { type: 'defineKey', key: 's', valueType: 'string', fallback: 'acme/arm' },
      {
        type: 'setOverride',
        key: 'm',
        scope: 'tenant:t',
        allocation: { unit: 'tenant', share: 10_000, arms: [{ name: 'only', value: 'acme/arm', weight: 1 }] },
      },
      ...chain.slice(0, -1).map((id, index): AnyChange => {
        const sunsetAt = formatInstant(start + 1000 + index);
        return { type: 'deprecateModel', id, successor: chain[index + 1] ?? '', sunsetAt };
      }),
    ];
    const events = tell(ledger, [{ at: start, changes }]);
    await project(database.pool, events);
    const moment = { asOf: events.length, at: start + 1007 };
    const state = await stateAt(database.pool, ledger, moment, ['m'], [{}, { tenant: 't' }]);
    expect(resolve(state, 'm', {}, moment.at)?.value).toBe('acme/m8');
    expect(resolve(state, 'm', { tenant: 't' }, moment.at)?.model?.status).toBe('active');
    expect([...state.models()].map(({ id }) => id).sort()).toEqual(['acme/arm', ...chain.slice(0, 9)].sort());
    // One more would be the ninth: the value itself is answered, marked.
    const retired = resolve(state, 'm', {}, start + 1008)?.model;
    expect(retired).toMatchObject({ id: 'acme/m0', status: 'retired' });
    const plain = await stateAt(database.pool, ledger, moment, ['s'], [{}]);
    expect([...plain.models()]).toEqual([]);
    expect(resolve(plain, 's', {}, moment.at)?.value).toBe('acme/arm');
  });

  test('answers a thousand contexts over many keys in one go', async () => {
    const ledger = 'wide';
    const names = Array.from({ length: 40 }, (_, index) => `key_${index}`);
    const define = names.map(
      (key): AnyChange => ({ type: 'defineKey', key, valueType: 'number', fallback: 0 }),
    );
    const many = Array.from(
      { length: 1000 },
      (_, index): Context => ({ user: `u${index}`, tenant: `t${index % 50}` }),
    );
    const set = many.map(
      ({ user = '' }, index): AnyChange => ({
        type: 'setOverride',
        key: `key_${index % 40}`,
        scope: `user:${user}`,
        value: index + 1,
      }),
    );
    const events = tell(ledger, [{ at: start, changes: [...define, ...set] }]);
    await project(database.pool, events);
    const state = await stateAt(database.pool, ledger, { asOf: events.length, at: start }, undefined, many);
    expect(state.overrideCount).toBe(1000);
    const values = many.map((context, index) => resolve(state, `key_${index % 40}`, context, start)?.value);
    expect(values).toEqual(many.map((_, index) => index + 1));
    const named = await stateAt(database.pool, ledger, { asOf: events.length, at: start }, ['key_3'], many);
    expect([...named.overridesOf('key_3')]).toHaveLength(25);
    expect(named.overrideCount).toBe(25);
  });

  test('knows nothing before the first revision, of other ledgers, of keys that nobody defined', async () => {
    const events = tell('quiet', [opening]);
    await project(database.pool, events);
    const empty = await stateAt(database.pool, 'quiet', { asOf: 0, at: start }, undefined, contexts);
    expect(resolve(empty, 'ai.model', {}, start)).toBeUndefined();
    const elsewhere = await stateAt(database.pool, 'nowhere', { asOf: 9, at: start }, [...keys], contexts);
    expect(elsewhere.slots.size).toBe(0);
    const unknown = await stateAt(database.pool, 'quiet', { asOf: 6, at: start }, ['nobody'], []);
    expect(unknown.override('nobody', 'global')).toBeUndefined();
  });
});
