/**
 * Looking for the first moment at which a key answers another value: the events that the value can rest on are folded in
 * order, and between them the boundaries of intervals and sunsets are stepped over.
 * In: the state at the start, then those events page by page; out: where it differs. It must be given every event of the
 * key's definition, of its overrides in the context's scopes, and of the life of the models that they name.
 */
import { Failure } from '../failure.ts';
import type { RecordedEvent } from './event.ts';
import { evolve } from './evolve.ts';
import { equal } from './field-changes.ts';
import { parseInstant } from './instant.ts';
import { emptySlots, type KeySlots, type LiveState } from './live-state.ts';
import { valuesOf } from './model-uses.ts';
import { type Resolution, resolve } from './resolve.ts';
import { type Context, type Scope, splitScope } from './scope.ts';
import type { ModelState, OverrideState, SubjectState } from './subject-state.ts';

/** What services saw of one key and context, followed up to some moment. */
export interface Timeline {
  readonly key: string;
  readonly context: Context;
  /** What the key answered at the start; undefined when it was not defined. */
  readonly first: Resolution | undefined;
  /** Everything that was said about the key; folded on the way. */
  readonly slots: KeySlots;
  /** The models that may be named, without prices; folded on the way. */
  readonly models: Map<string, ModelState>;
  /** Up to here it answers as at the start, epoch milliseconds. */
  at: number;
}

/** Where it differs: at an event, or (undefined) by time alone. */
export interface Divergence {
  readonly at: number;
  readonly event: RecordedEvent | undefined;
}

/** Begins at a moment; the state must hold everything that can still come into force, and is used up. */
export function startTimeline(state: LiveState, key: string, context: Context, at: number): Timeline {
  const slots = state.slots.get(key) ?? emptySlots(key);
  const models = new Map([...state.models()].map((model) => [model.id, model]));
  const first = resolve({ slots: new Map([[key, slots]]), model: (id) => models.get(id) }, key, context, at);
  return { key, context, first, slots, models, at };
}

/**
 * What following yields after each step of some microseconds, so that the caller can let others have their turn: nothing, or
 * a revision about which it has to be told whether the revision before it was recorded in the same millisecond.
 */
export type Following = Generator<number | undefined, Divergence | undefined, boolean>;

/** Follows a timeline over events in order of revision, and then on to `until` (epoch milliseconds, included). */
export function* follow(timeline: Timeline, events: readonly RecordedEvent[], until: number): Following {
  const { first } = timeline;
  for (const event of events) {
    const recordedAt = parseInstant(event.recordedAt) ?? timeline.at;
    const earlier = yield* passTime(timeline, recordedAt - 1);
    if (earlier !== undefined) return earlier;
    const unchanged = answerAt(timeline, recordedAt);
    // Time changed it in the very millisecond of the event: a service saw that only with an earlier revision of it.
    if (!sameValue(first, unchanged) && (yield event.revision)) return { at: recordedAt, event: undefined };
    put(timeline, event);
    timeline.at = recordedAt;
    const answer = answerAt(timeline, recordedAt);
    if (!sameValue(first, answer)) {
      return { at: recordedAt, event: sameValue(unchanged, answer) ? undefined : event };
    }
    yield undefined;
  }
  return yield* passTime(timeline, until);
}

/** Whether two answers are one to whoever asks for the value; an unknown key is an answer too. */
export function sameValue(one: Resolution | undefined, other: Resolution | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return equal(one.value, other.value);
}

/** The ids of models that the value of a key may be, now or later; none for a key of another type. */
export function modelsNamedBy({ slots }: Timeline): ReadonlySet<string> {
  const named = new Set<string>();
  for (const override of overridesIn(slots)) {
    for (const value of override.assertions.flatMap(valuesOf))
      if (typeof value === 'string') named.add(value);
  }
  const fallback = slots.definition?.definition.fallback;
  if (typeof fallback === 'string') named.add(fallback);
  return named;
}

/** The ids of models that an event brings into play. */
export function modelsNamedIn({ type, data }: RecordedEvent): readonly string[] {
  switch (type) {
    case 'KeyDefined':
      return typeof data.fallback === 'string' ? [data.fallback] : [];
    case 'OverrideSet': {
      const values = data.allocation?.arms.map(({ value }) => value) ?? [data.value];
      return values.filter((value) => typeof value === 'string');
    }
    case 'ModelDeprecated':
      return data.successor === undefined ? [] : [data.successor];
    default:
      return [];
  }
}

/** On to a time (included) without an event: from boundary to boundary. */
function* passTime(timeline: Timeline, until: number): Following {
  let answer = answerAt(timeline, timeline.at);
  while (answer !== undefined && answer.validUntil <= until) {
    timeline.at = answer.validUntil;
    answer = answerAt(timeline, timeline.at);
    if (!sameValue(timeline.first, answer)) return { at: timeline.at, event: undefined };
    yield undefined;
  }
  return undefined;
}

function answerAt({ slots, models, key, context }: Timeline, at: number): Resolution | undefined {
  return resolve({ slots: { get: () => slots }, model: (id) => models.get(id) }, key, context, at);
}

/** Folds an event into its subject. */
function put(timeline: Timeline, event: RecordedEvent): void {
  const { slots, models } = timeline;
  const { data } = event;
  if ('scope' in data) {
    putOverride(slots, data.scope, asOverride(evolve(overrideOf(slots, data.scope), event), event));
  } else if ('key' in data) {
    const state = evolve(slots.definition, event);
    if (!('definition' in state)) throw misplaced(event);
    slots.definition = state;
  } else if ('id' in data) {
    const state = evolve(models.get(data.id), event);
    if (!('prices' in state)) throw misplaced(event);
    models.set(data.id, state);
  } else throw misplaced(event);
}

function overrideOf(slots: KeySlots, scope: Scope): OverrideState | undefined {
  const { kind, id } = splitScope(scope);
  return kind === 'global' ? slots.global : slots[kind].get(id);
}

function putOverride(slots: KeySlots, scope: Scope, state: OverrideState): void {
  const { kind, id } = splitScope(scope);
  if (kind === 'global') slots.global = state;
  else slots[kind].set(id, state);
}

function* overridesIn({ global, tier, tenant, user }: KeySlots): Iterable<OverrideState> {
  if (global !== undefined) yield global;
  yield* tier.values();
  yield* tenant.values();
  yield* user.values();
}

function asOverride(state: SubjectState, event: RecordedEvent): OverrideState {
  if ('assertions' in state) return state;
  throw misplaced(event);
}

function misplaced({ type, revision }: RecordedEvent): Failure {
  return new Failure('corrupt', `the ${type} at revision ${revision} is not about a value`);
}
