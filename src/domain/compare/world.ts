/**
 * Worlds: what the ledger holds at a point, perhaps with one arm of every allocation imposed and a draft on top.
 * An excerpt of the point comes in (excerpt.ts), the same as it is in the world goes out; prices likewise. Nothing here
 * is ever appended.
 */
import { inForce } from '../assertion.ts';
import type { DecidedChangeset } from '../decide.ts';
import { valuesOf } from '../model-uses.ts';
import type { Pricing } from '../pricing.ts';
import type { Moment } from '../questions.ts';
import type { ModelState, OverrideAssertion, PriceAssertion, SubjectState } from '../subject-state.ts';
import { type Excerpt, followedModels } from './excerpt.ts';

/** A changeset that was decided on the world's point and is not in the ledger. */
export interface Draft {
  /** The subjects that it touches, as they are after it. */
  readonly touched: ReadonlyMap<string, SubjectState>;
  /** The models that its values name, for states that have not loaded them. */
  readonly models: readonly ModelState[];
  /** Epoch milliseconds; what names no start is in force from here on. */
  readonly decidedAt: number;
}

export interface World extends Moment {
  /** Every unit of an allocation that has an arm of this name gets it. */
  readonly arm?: string;
  readonly draft?: Draft;
}

/** Of two worlds that are compared. */
export interface Sides<T> {
  readonly left: T;
  readonly right: T;
}

/** What a decided changeset leaves behind. */
export function draftOf({ overlay }: DecidedChangeset, decidedAt: number): Draft {
  const touched = overlay.touched();
  const named = [...touched.values()].flatMap(modelsNamedBy);
  return { touched, models: [...followedModels(overlay, named)], decidedAt };
}

/** Models that a subject names, or is; what is no model is not found by that name. */
function modelsNamedBy(state: SubjectState): readonly string[] {
  if ('prices' in state) return [state.id];
  const values =
    'assertions' in state
      ? state.assertions.flatMap(valuesOf)
      : 'definition' in state
        ? [state.definition.fallback]
        : [];
  return values.filter((value) => typeof value === 'string');
}

/** Whether the world is seen before its draft: what the draft says about overrides and prices has not started there. */
export function isBeforeDraft({ draft, at }: World): boolean {
  return draft !== undefined && at < draft.decidedAt;
}

/**
 * Makes an excerpt of the world's point into one of the world, in place.
 * Answers how many allocations in it have the imposed arm.
 */
export function enterWorld(world: World, excerpt: Excerpt): number {
  if (world.draft !== undefined) putDraft(world, world.draft, excerpt);
  return world.arm === undefined ? 0 : imposeArm(excerpt, world.arm);
}

function putDraft(world: World, { touched, models }: Draft, excerpt: Excerpt): void {
  for (const model of models) excerpt.putModel(model);
  const isBefore = isBeforeDraft(world);
  for (const [subject, after] of touched) {
    // Of an override, a draft's state has forgotten what was over when it was decided.
    if (!(isBefore && 'assertions' in after)) excerpt.put(subject, after);
  }
}

function imposeArm(excerpt: Excerpt, arm: string): number {
  let found = 0;
  excerpt.changeOverrides((override) => {
    const assertions = override.assertions.map((assertion) => withArm(assertion, arm));
    const imposed = assertions.filter((assertion, index) => assertion !== override.assertions[index]);
    found += imposed.length;
    return imposed.length === 0 ? override : { ...override, assertions };
  });
  return found;
}

/** The assertion with the arm for all units; the very same one where it has no such arm. */
function withArm(assertion: OverrideAssertion, name: string): OverrideAssertion {
  if (assertion.kind !== 'allocation') return assertion;
  const arm = assertion.value.arms.find((one) => one.name === name);
  if (arm === undefined) return assertion;
  return { ...assertion, value: { ...assertion.value, share: everybody, arms: [arm] } };
}

const everybody = 10_000;

/** The price of a model in the world, from the assertions that its point knows; undefined when nothing is known. */
export function priceIn(
  { draft, at }: World,
  id: string,
  known: readonly PriceAssertion[],
): Pricing | undefined {
  const drafted = draft?.touched.get(`model:${id}`);
  const prices = drafted !== undefined && 'prices' in drafted ? drafted.prices : known;
  return inForce(prices, at)?.pricing;
}
