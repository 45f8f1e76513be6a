/**
 * Resolution: the value of a key for a context at a moment (product.md, "How a value is resolved").
 * The same pure code answers in the server, in the SDK and, over rows loaded from the read models, for any past.
 * The layers are asked user → tenant → tier → global → fallback; the first that answers wins.
 */
import { type Allocation, chooseArm } from './allocation.ts';
import { forever, inForce, nextBoundary } from './assertion.ts';
import type { ModelStatus } from './event.ts';
import type { JsonValue } from './json.ts';
import { type Context, type Scope, type ScopeKind, scopeKinds } from './scope.ts';
import {
  type KeyState,
  type ModelState,
  type OverrideAssertion,
  type OverrideState,
  statusAt,
} from './subject-state.ts';

interface OverrideLookUp {
  get(id: string): OverrideState | undefined;
}

/** Of one key what resolution looks at. */
export interface ResolutionSlots {
  readonly name: string;
  readonly definition: KeyState | undefined;
  readonly global: OverrideState | undefined;
  readonly tier: OverrideLookUp;
  readonly tenant: OverrideLookUp;
  readonly user: OverrideLookUp;
}

/** What resolution looks things up in; a LiveState is one. */
export interface ResolutionSource {
  readonly slots: { get(key: string): ResolutionSlots | undefined };
  model(id: string): ModelState | undefined;
}

/** Why a value won, in OpenFeature's words. */
export type Reason = 'STATIC' | 'TARGETING_MATCH' | 'SPLIT' | 'DEFAULT';

export interface ResolvedModel {
  readonly id: string;
  readonly provider: string;
  readonly model: string;
  /** `unlisted` when the catalogue does not know it. */
  readonly status: ModelStatus | 'removed' | 'unlisted';
  readonly successor?: string;
  /** Epoch milliseconds. */
  readonly sunsetAt?: number;
  /** Retired models that were stepped over on the way to this one, the override's own first. */
  readonly followed?: readonly string[];
}

export interface Resolution {
  readonly key: string;
  readonly value: JsonValue;
  /** The winning scope; `fallback` when no override answers. */
  readonly scope: Scope | 'fallback';
  readonly reason: Reason;
  /** Revision of the winning event. */
  readonly revision: number;
  /** The next moment at which the answer changes by itself, epoch milliseconds; `forever` when it never does. */
  readonly validUntil: number;
  readonly arm?: string;
  readonly model?: ResolvedModel;
}

/** The most successors that are followed from a retired model. */
export const maxSuccessors = 8;

/** How many boundaries are looked at for `validUntil`; past them it is the last one that was looked at. */
const maxBoundaries = 64;

/** The value of a key, or undefined when the key is not defined (or retired). */
export function resolve(
  source: ResolutionSource,
  key: string,
  context: Context,
  at: number,
): Resolution | undefined {
  const slots = source.slots.get(key);
  if (slots?.definition === undefined || slots.definition.retired) return undefined;
  const answer = answerAt(source, slots, context, at);
  if (answer.validUntil === forever) return answer;
  return { ...answer, validUntil: changeAfter(source, slots, context, answer) };
}

/** The value alone, without looking for when it changes; undefined when the key is not defined (or retired). */
export function valueAt(
  source: ResolutionSource,
  key: string,
  context: Context,
  at: number,
): JsonValue | undefined {
  const slots = source.slots.get(key);
  if (slots?.definition === undefined || slots.definition.retired) return undefined;
  const { valueType, fallback } = slots.definition.definition;
  const said = overriddenAt(slots, context, at);
  const value = said === undefined ? fallback : said;
  if (valueType !== 'model' || typeof value !== 'string') return value;
  const model = source.model(value);
  return model === undefined || statusAt(model, at) !== 'retired'
    ? value
    : resolveModel(source, value, at).id;
}

/** What the first layer says that answers, as in `answerAt`, and nothing else of it; undefined when none does. */
function overriddenAt(slots: ResolutionSlots, context: Context, at: number): JsonValue | undefined {
  for (const kind of scopeKinds) {
    const override = overrideIn(slots, kind, context);
    const assertion = override && inForce(override.assertions, at);
    if (assertion === undefined || assertion.kind === 'cleared') continue;
    if (assertion.kind === 'value') return assertion.value;
    const arm = armFor(assertion.value, context);
    if (arm !== undefined) return arm.value;
  }
  return undefined;
}

/**
 * The answer at a moment, valid until the first boundary of what it rests on: the layers down to the winning one,
 * and the model. Nothing need come of that boundary; wider layers cannot change the answer before it.
 */
function answerAt(
  source: ResolutionSource,
  slots: ResolutionSlots,
  context: Context,
  at: number,
): Resolution {
  let until = forever;
  for (const kind of scopeKinds) {
    const override = overrideIn(slots, kind, context);
    if (override === undefined) continue;
    until = earlier(until, override.assertions, at);
    const assertion = inForce(override.assertions, at);
    if (assertion === undefined || assertion.kind === 'cleared') continue;
    const scope: Scope = kind === 'global' ? kind : `${kind}:${context[kind] ?? ''}`;
    const { revision } = assertion;
    if (assertion.kind === 'value') {
      const reason = kind === 'global' ? 'STATIC' : 'TARGETING_MATCH';
      return answer(source, slots, assertion.value, scope, reason, revision, at, until);
    }
    const arm = armFor(assertion.value, context);
    if (arm === undefined) continue;
    return { ...answer(source, slots, arm.value, scope, 'SPLIT', revision, at, until), arm: arm.name };
  }
  const { definition } = slots;
  const value = definition?.definition.fallback ?? null;
  return answer(source, slots, value, 'fallback', 'DEFAULT', definition?.revision ?? 0, at, until);
}

function overrideIn(
  slots: ResolutionSlots,
  kind: ScopeKind,
  { user, tenant, tier }: Context,
): OverrideState | undefined {
  // Spelled out: by a computed name (`slots[kind]`) a resolution takes a quarter longer.
  switch (kind) {
    case 'user':
      return user === undefined ? undefined : slots.user.get(user);
    case 'tenant':
      return tenant === undefined ? undefined : slots.tenant.get(tenant);
    case 'tier':
      return tier === undefined ? undefined : slots.tier.get(tier);
    case 'global':
      return slots.global;
    default:
      return kind satisfies never;
  }
}

/** The arm that a context is in, or undefined when its unit is outside the share or not told. */
export function armFor(allocation: Allocation, context: Context) {
  const unitId = context[allocation.unit];
  return unitId === undefined ? undefined : chooseArm(allocation, unitId);
}

function answer(
  source: ResolutionSource,
  { name: key, definition }: ResolutionSlots,
  value: JsonValue,
  scope: Scope | 'fallback',
  reason: Reason,
  revision: number,
  at: number,
  until: number,
): Resolution {
  if (definition?.definition.valueType !== 'model' || typeof value !== 'string') {
    return { key, value, scope, reason, revision, validUntil: until };
  }
  const model = resolveModel(source, value, at);
  // Those that were stepped over are retired already, and nothing on the way of a retired answer comes back by itself.
  const { sunsetAt = 0 } = model;
  const validUntil = sunsetAt > at && sunsetAt < until ? sunsetAt : until;
  return { key, value: model.id, scope, reason, revision, validUntil, model };
}

/** The model that a stored reference means at a moment: itself, or its first successor that is not retired. */
function resolveModel(source: Pick<ResolutionSource, 'model'>, id: string, at: number): ResolvedModel {
  const named = source.model(id);
  if (named === undefined) return { id, ...halves(id), status: 'unlisted' };
  if (statusAt(named, at) !== 'retired') return describe(named, at, undefined);
  const followed = [id];
  let next = named.successor;
  while (next !== undefined && followed.length <= maxSuccessors) {
    const successor = source.model(next);
    if (successor === undefined || successor.status === 'removed') break;
    if (statusAt(successor, at) !== 'retired') return describe(successor, at, followed);
    followed.push(next);
    next = successor.successor;
  }
  return describe(named, at, undefined);
}

function describe(model: ModelState, at: number, followed: readonly string[] | undefined): ResolvedModel {
  const { id, provider, model: name, successor, sunsetAt } = model;
  const described = { id, provider, model: name, status: statusAt(model, at) };
  // Nearly every model; the spreads below cost more than all the rest of a resolution.
  if (successor === undefined && sunsetAt === undefined && followed === undefined) return described;
  return {
    ...described,
    ...(successor === undefined ? {} : { successor }),
    ...(sunsetAt === undefined ? {} : { sunsetAt }),
    ...(followed === undefined ? {} : { followed }),
  };
}

function halves(id: string): { readonly provider: string; readonly model: string } {
  const slash = id.indexOf('/');
  return slash < 0
    ? { provider: '', model: id }
    : { provider: id.slice(0, slash), model: id.slice(slash + 1) };
}

function earlier(until: number, assertions: readonly OverrideAssertion[], at: number): number {
  const only = assertions[0];
  // Nearly every override is one assertion without an end: nothing to look for.
  if (assertions.length === 1 && only !== undefined && only.from <= at && only.until === forever)
    return until;
  return Math.min(until, nextBoundary(assertions, at));
}

/** The first boundary at which the answer really differs. */
function changeAfter(
  source: ResolutionSource,
  slots: ResolutionSlots,
  context: Context,
  first: Resolution,
): number {
  let moment = first.validUntil;
  for (let step = 1; step < maxBoundaries && moment !== forever; step++) {
    const next = answerAt(source, slots, context, moment);
    if (!sameAnswer(first, next)) return moment;
    moment = next.validUntil;
  }
  return moment;
}

function sameAnswer(a: Resolution, b: Resolution): boolean {
  return (
    a.revision === b.revision &&
    a.scope === b.scope &&
    a.arm === b.arm &&
    a.model?.id === b.model?.id &&
    a.model?.status === b.model?.status
  );
}
