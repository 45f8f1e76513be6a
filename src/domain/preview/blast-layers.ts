/**
 * The layers that a change touches: what each says before and after it, now and later.
 * In: the state before the change, and the subjects that it touches; out: the moments at which a layer says something
 * else than it would have, and the boundaries that come or go. Whom it concerns is for blast-contexts.ts.
 */
import { forever, inForce, withoutPast } from '../assertion.ts';
import { equal } from '../field-changes.ts';
import type { JsonValue } from '../json.ts';
import { splitOverride } from '../live-state.ts';
import { type Scope, splitScope } from '../scope.ts';
import type { KeyState, ModelState, OverrideAssertion, SubjectState } from '../subject-state.ts';
import type { Pace } from './pace.ts';
import type { PatchedState } from './patched-state.ts';

/** What a layer says from a moment on (epoch milliseconds), and would have said; null when it says nothing. */
export interface LayerStep {
  readonly at: number;
  /** A value, or a whole allocation. */
  readonly before: JsonValue;
  readonly after: JsonValue;
}

export interface TouchedLayer {
  readonly key: string;
  readonly scope: Scope | 'fallback';
  /** Only moments at which before and after differ, and otherwise than at the boundary before; from now on, ascending. */
  readonly steps: readonly LayerStep[];
  /** Starts and ends after now that come or go. */
  readonly boundaries: readonly number[];
}

/** The layers in the order in which the change touches them. */
export function* touchedLayers(
  before: PatchedState,
  touched: ReadonlyMap<string, SubjectState>,
  now: number,
  pace: Pace,
): Generator<void, readonly TouchedLayer[], void> {
  const layers: TouchedLayer[] = [];
  for (const [subject, state] of touched) {
    const name = subject.slice(subject.indexOf(':') + 1);
    if ('definition' in state) {
      layers.push(fallbackLayer(name, before.slots.get(name)?.definition, state, now));
    } else if ('assertions' in state) {
      const [key, scope] = splitOverride(name);
      const was = withoutPast(assertionsIn(before, key, scope), now);
      const is = withoutPast(state.assertions, now);
      const steps = yield* stepsOf(was, is, now, pace);
      layers.push({ key, scope, steps, boundaries: comingOrGoing(was, is, now) });
    }
  }
  return layers;
}

/** When a model that the change touches retires by itself, before or after it: epoch milliseconds after now. */
export function sunsetsOf(before: ModelState | undefined, after: ModelState, now: number): readonly number[] {
  const sunsets = [before?.sunsetAt, after.sunsetAt].filter((at) => at !== undefined);
  return sunsets.filter((at) => at > now);
}

function fallbackLayer(
  key: string,
  before: KeyState | undefined,
  after: KeyState,
  now: number,
): TouchedLayer {
  const step = { at: now, before: fallbackOf(before), after: fallbackOf(after) };
  const isSame = equal(step.before, step.after);
  return { key, scope: 'fallback', steps: isSame ? [] : [step], boundaries: [] };
}

function fallbackOf(state: KeyState | undefined): JsonValue {
  return state === undefined || state.retired ? null : state.definition.fallback;
}

function assertionsIn(state: PatchedState, key: string, scope: Scope): readonly OverrideAssertion[] {
  const slots = state.slots.get(key);
  const { kind, id } = splitScope(scope);
  const override = kind === 'global' ? slots?.global : slots?.[kind].get(id);
  return override?.assertions ?? [];
}

/** A boundary's share of a slice: two values are compared, which may be large. */
const unitsABoundary = 64;
const assertionsAUnit = 32;

function* stepsOf(
  before: readonly OverrideAssertion[],
  after: readonly OverrideAssertion[],
  now: number,
  pace: Pace,
): Generator<void, readonly LayerStep[], void> {
  const steps: LayerStep[] = [];
  const boundaries = new Set([now, ...boundariesOf(before, now), ...boundariesOf(after, now)]);
  let last: LayerStep | undefined;
  for (const at of [...boundaries].sort((a, b) => a - b)) {
    if (pace.spend(unitsABoundary + (before.length + after.length) / assertionsAUnit)) yield;
    const step = { at, before: saidBy(inForce(before, at)), after: saidBy(inForce(after, at)) };
    const isNew = last === undefined || !equal(last.before, step.before) || !equal(last.after, step.after);
    if (isNew && !equal(step.before, step.after)) steps.push(step);
    last = step;
  }
  return steps;
}

function saidBy(assertion: OverrideAssertion | undefined): JsonValue {
  if (assertion === undefined) return null;
  switch (assertion.kind) {
    case 'value':
    case 'cleared':
      return assertion.value;
    case 'allocation': {
      const { arms, ...rest } = assertion.value;
      return { ...rest, arms: arms.map((arm) => ({ ...arm })) };
    }
    default:
      return assertion satisfies never;
  }
}

function comingOrGoing(
  before: readonly OverrideAssertion[],
  after: readonly OverrideAssertion[],
  now: number,
): readonly number[] {
  const was = new Set(boundariesOf(before, now));
  const is = new Set(boundariesOf(after, now));
  return [...[...was].filter((at) => !is.has(at)), ...[...is].filter((at) => !was.has(at))];
}

function boundariesOf(assertions: readonly OverrideAssertion[], now: number): readonly number[] {
  return assertions.flatMap(({ from, until }) => [from, until]).filter((at) => at > now && at < forever);
}
