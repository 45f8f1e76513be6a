/**
 * Random histories for property tests: changesets at rising times over few names and few moments, so that they meet.
 * In: nothing; out: fast-check arbitraries, and what playing one comes to. What the rules refuse leaves no trace.
 */
import fc from 'fast-check';
import type { AnyChange } from '../../src/domain/change.ts';
import { type DecidedChangeset, decideAll } from '../../src/domain/decide.ts';
import type { Placed } from '../../src/domain/evolve.ts';
import { formatInstant } from '../../src/domain/instant.ts';
import { LiveState } from '../../src/domain/live-state.ts';
import type { Context, Scope } from '../../src/domain/scope.ts';
import { Failure } from '../../src/failure.ts';

const hourMs = 3_600_000;
const start = Date.UTC(2026, 0, 1);

/** So many hours after the beginning of every history, epoch milliseconds. */
const hour = (hours: number): number => start + hours * hourMs;

export const stringKey = 'app.greeting';
export const modelKey = 'ai.planner.model';
export const modelIds = ['openai/a', 'openai/b', 'google/c'] as const;

/** Every hour in which something of a history can start or end, and one after it. */
const lastHour = 24;
export const moments: readonly number[] = Array.from({ length: lastHour + 2 }, (_, hours) => hour(hours));

export const contexts: readonly Context[] = [
  {},
  { user: 'u' },
  { user: 'v', tier: '1' },
  { tenant: 't', tier: '1' },
  { user: 'u', tenant: 't', tier: '1' },
];

const scope = fc.constantFrom<Scope>('global', 'tier:1', 'tenant:t', 'user:u');
const time = fc.integer({ min: 0, max: lastHour }).map((hours) => formatInstant(hour(hours)));
const text = fc.constantFrom('a', 'b', 'fallback');
const modelId = fc.constantFrom(...modelIds);
const flag = fc.boolean();
const amount = fc.constantFrom('1', '2', null);
const pricing = fc.record({ input: amount, output: amount }, { requiredKeys: [] });

const allocation = fc
  .record({
    unit: fc.constantFrom('user' as const, 'tenant' as const),
    share: fc.constantFrom(0, 5_000, 10_000),
    value: text,
  })
  .map(({ unit, share, value }) => ({
    unit,
    share,
    salt: 'salt',
    arms: [
      { name: 'one', value, weight: 1 },
      { name: 'two', value: 'b', weight: 1 },
    ],
  }));

const options = fc.record(
  { effectiveFrom: time, effectiveUntil: time, replaceScheduled: flag },
  { requiredKeys: [] },
);

/** Changes of overrides of the key of strings: nothing about them is rewritten on the way into an event. */
export const stringOverrideChange: fc.Arbitrary<AnyChange> = fc.oneof(
  {
    weight: 5,
    arbitrary: change('setOverride', { key: fc.constant(stringKey), scope, value: text }, options),
  },
  {
    weight: 1,
    arbitrary: change('setOverride', { key: fc.constant(stringKey), scope, allocation }, options),
  },
  { weight: 3, arbitrary: change('clearOverride', { key: fc.constant(stringKey), scope }, options) },
);

const none = fc.constant({});
const model = fc.record({ id: modelId, name: text, contextWindow: fc.constant(1) });
const ends = fc.record({ successor: modelId, sunsetAt: time }, { requiredKeys: [] });

export const anyChange: fc.Arbitrary<AnyChange> = fc.oneof(
  { weight: 8, arbitrary: stringOverrideChange },
  {
    weight: 6,
    arbitrary: change(
      'setOverride',
      { key: fc.constant(modelKey), scope, value: modelId, allowUnlisted: flag },
      options,
    ),
  },
  { weight: 2, arbitrary: change('withdrawOverride', { revision: fc.integer({ min: 1, max: 30 }) }, none) },
  {
    weight: 1,
    arbitrary: change(
      'defineKey',
      { key: fc.constant(stringKey), valueType: fc.constant('string'), fallback: text },
      none,
    ),
  },
  {
    weight: 1,
    arbitrary: change(
      'defineKey',
      { key: fc.constant(modelKey), valueType: fc.constant('model'), fallback: modelId, allowUnlisted: flag },
      none,
    ),
  },
  { weight: 1, arbitrary: change('retireKey', { key: fc.constantFrom(stringKey, modelKey) }, none) },
  { weight: 3, arbitrary: change('addModel', { model, upsert: flag }, none) },
  {
    weight: 1,
    arbitrary: change('updateModel', { id: modelId, updates: fc.record({ name: text, pricing }) }, none),
  },
  {
    weight: 2,
    arbitrary: change(
      'changePrice',
      { id: modelId, pricing },
      fc.record({ effectiveFrom: time }, { requiredKeys: [] }),
    ),
  },
  {
    weight: 2,
    arbitrary: change(
      'correctPrice',
      { id: modelId, pricing, effectiveFrom: time },
      fc.record({ effectiveUntil: time }, { requiredKeys: [] }),
    ),
  },
  { weight: 4, arbitrary: change('deprecateModel', { id: modelId }, ends) },
  { weight: 1, arbitrary: change('reinstateModel', { id: modelId }, none) },
  {
    weight: 2,
    arbitrary: change('removeModel', { id: modelId }, fc.record({ orRetireAt: time }, { requiredKeys: [] })),
  },
  { weight: 1, arbitrary: change('tagRevision', { name: fc.constantFrom('v1', 'v2') }, none) },
);

function change(
  type: AnyChange['type'],
  required: Readonly<Record<string, fc.Arbitrary<unknown>>>,
  optional: fc.Arbitrary<object>,
): fc.Arbitrary<AnyChange> {
  return fc
    .tuple(fc.record(required), optional)
    .map(([fields, more]) => ({ type, ...fields, ...more }) as AnyChange);
}

/** Changes decided together, so many hours after those before. */
export interface Step {
  readonly hours: number;
  readonly changes: readonly AnyChange[];
}

export function historyOf(
  changes: fc.Arbitrary<AnyChange>,
  longestChangeset = 1,
): fc.Arbitrary<readonly Step[]> {
  const step = fc.record({
    hours: fc.integer({ min: 0, max: 3 }),
    changes: fc.array(changes, { minLength: 1, maxLength: longestChangeset }),
  });
  return fc.array(step, { minLength: 1, maxLength: 12 });
}

/** What every history begins with: two keys and two models. */
export const beginning: Step = {
  hours: 0,
  changes: [
    { type: 'addModel', model: { id: modelIds[0], name: 'a', contextWindow: 1 } },
    { type: 'addModel', model: { id: modelIds[1], name: 'b', contextWindow: 1, pricing: { input: '1' } } },
    { type: 'defineKey', key: stringKey, valueType: 'string', fallback: 'fallback' },
    { type: 'defineKey', key: modelKey, valueType: 'model', fallback: modelIds[0] },
  ],
};

export interface Played {
  /** What the state was made of. */
  readonly events: readonly Placed[];
  readonly state: LiveState;
  readonly now: number;
}

/** Plays a history; `onDecided` is told of each changeset that was not refused, before the state takes it. */
export function play(
  steps: readonly Step[],
  onDecided: (decided: DecidedChangeset, step: Step, before: Played) => void = () => undefined,
): Played {
  const state = new LiveState();
  const events: Placed[] = [];
  let now = hour(0);
  for (const step of [beginning, ...steps]) {
    now += step.hours * hourMs;
    const decided = decideOrUndefined(state, step, now);
    if (decided === undefined) continue;
    onDecided(decided, step, { events, state, now });
    const recordedAt = formatInstant(now);
    for (const { body, revision } of decided.events) events.push({ ...body, revision, recordedAt });
    state.absorb(decided.overlay, now);
  }
  return { events, state, now };
}

function decideOrUndefined(state: LiveState, { changes }: Step, now: number): DecidedChangeset | undefined {
  try {
    return decideAll(state, changes, now, 'api');
  } catch (error) {
    if (error instanceof Failure && error.code === 'refused') return undefined;
    throw error;
  }
}
