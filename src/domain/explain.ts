/**
 * Explaining: what every layer says about a key for a context, and which of them wins.
 * In: the assertions of each layer, also those that are over; out: one outcome a layer, from the narrowest to global.
 * The same rule as resolve.ts, told instead of short-cut; a test holds the two together.
 */
import { type Allocation, bucketOf } from './allocation.ts';
import { inForce } from './assertion.ts';
import type { JsonValue } from './json.ts';
import { armFor } from './resolve.ts';
import { type Context, type Scope, scopesOf } from './scope.ts';
import type { OverrideAssertion } from './subject-state.ts';

/**
 * What became of a layer: it `won`; it would have answered but a narrower one had `lost` it the question;
 * it says "not set here" (`cleared`); its last statement is over (`expired`) or still to start (`scheduled`); an
 * allocation is in force but the context is `outside` of it; nothing was ever said (`unset`).
 */
export type LayerOutcome = 'won' | 'lost' | 'cleared' | 'expired' | 'scheduled' | 'outside' | 'unset';

export interface ExplainedLayer {
  readonly scope: Scope;
  readonly outcome: LayerOutcome;
  /** The statement that the outcome rests on; absent when there is none. */
  readonly assertion?: OverrideAssertion;
  /** What the layer answers, or would answer. */
  readonly value?: JsonValue;
  /** Of an allocation, the arm that the context is in. */
  readonly arm?: string;
  /** Of an allocation in force, the bucket (0 to 9,999) of the context's unit: in for every share above it. */
  readonly bucket?: number;
}

/** The layers of a context at a moment (epoch milliseconds), narrowest first. */
export function explainLayers(
  assertionsOf: (scope: Scope) => readonly OverrideAssertion[],
  context: Context,
  at: number,
): readonly ExplainedLayer[] {
  let isWon = false;
  return scopesOf(context).map((scope) => {
    const layer = explainLayer(scope, assertionsOf(scope), context, at);
    if (layer.outcome !== 'won') return layer;
    if (isWon) return { ...layer, outcome: 'lost' };
    isWon = true;
    return layer;
  });
}

/** A layer by itself: `won` when it answers at all. */
function explainLayer(
  scope: Scope,
  assertions: readonly OverrideAssertion[],
  context: Context,
  at: number,
): ExplainedLayer {
  const sorted = assertions.toSorted((one, other) => one.from - other.from || one.revision - other.revision);
  const assertion = inForce(sorted, at);
  if (assertion === undefined) return withoutStatement(scope, sorted, at);
  switch (assertion.kind) {
    case 'cleared':
      return { scope, outcome: 'cleared', assertion };
    case 'value':
      return { scope, outcome: 'won', assertion, value: assertion.value };
    case 'allocation': {
      const drawn = { scope, assertion, ...bucketIn(assertion.value, context) };
      const arm = armFor(assertion.value, context);
      if (arm === undefined) return { ...drawn, outcome: 'outside' };
      return { ...drawn, outcome: 'won', value: arm.value, arm: arm.name };
    }
    default:
      return assertion satisfies never;
  }
}

function bucketIn({ unit, salt }: Allocation, context: Context): { readonly bucket?: number } {
  const unitId = context[unit];
  return unitId === undefined ? {} : { bucket: bucketOf(salt, unitId) };
}

/** Nothing is in force: what starts next says more than what ended last. */
function withoutStatement(scope: Scope, sorted: readonly OverrideAssertion[], at: number): ExplainedLayer {
  const next = sorted.find(({ from }) => from > at);
  if (next !== undefined) return told(scope, 'scheduled', next);
  const last = sorted
    .toSorted((one, other) => one.until - other.until || one.revision - other.revision)
    .at(-1);
  return last === undefined ? { scope, outcome: 'unset' } : told(scope, 'expired', last);
}

function told(scope: Scope, outcome: LayerOutcome, assertion: OverrideAssertion): ExplainedLayer {
  return assertion.kind === 'value'
    ? { scope, outcome, assertion, value: assertion.value }
    : { scope, outcome, assertion };
}
