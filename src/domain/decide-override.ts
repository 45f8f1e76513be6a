/**
 * Deciders of overrides: set, clear, withdraw. An override is data on the effective clock; the past is never
 * rewritten, and what is scheduled stands unless it is taken back by name.
 */
import type { Allocation } from './allocation.ts';
import { type Assertion, alreadyHolds, forever, inForce, withAssertion, withoutPast } from './assertion.ts';
import type { ChangeOf } from './change.ts';
import { type Circumstances, type Decision, decided, invalid, refuse, unchanged } from './decision.ts';
import type { EventBody, KeyDefinition } from './event.ts';
import { equal } from './field-changes.ts';
import { formatInstant, parseInstant } from './instant.ts';
import type { JsonValue } from './json.ts';
import type { View } from './live-state.ts';
import { type Scope, splitScope } from './scope.ts';
import type { OverrideAssertion } from './subject-state.ts';
import { admitAllocation, admitValue, refuseUnoffered } from './value-rules.ts';

/** The most assertions of one scope about one key that are in force or still to start. */
export const maxAssertions = 1_000;

export function decideSetOverride(
  view: View,
  change: ChangeOf<'setOverride'>,
  circumstances: Circumstances,
): Decision {
  const definition = overridable(view, change.key, change.scope);
  const interval = admitInterval(change, circumstances);
  const said = saidValue(view, definition, change, interval);
  const place = { key: change.key, scope: change.scope, ...spelled(change) };
  const data = said.kind === 'value' ? { ...place, value: said.value } : { ...place, allocation: said.value };
  const wish: Wish = {
    interval,
    body: { type: 'OverrideSet', data },
    saysIt: ({ kind, value }) => kind === said.kind && equal(asJson(value), asJson(said.value)),
    silenceSaysIt: false,
  };
  const decision = settle(view, change, wish, circumstances);
  // Saying again what holds is no new value, even if its model is deprecated by now.
  if (change.allowUnlisted !== true && decision.events.includes(wish.body)) {
    const values = said.kind === 'value' ? [said.value] : said.value.arms.map((arm) => arm.value);
    refuseUnoffered(view, definition, values, circumstances.now);
  }
  return decision;
}

export function decideClearOverride(
  view: View,
  change: ChangeOf<'clearOverride'>,
  circumstances: Circumstances,
): Decision {
  overridable(view, change.key, change.scope);
  const wish: Wish = {
    interval: admitInterval(change, circumstances),
    body: { type: 'OverrideCleared', data: { key: change.key, scope: change.scope, ...spelled(change) } },
    saysIt: ({ kind }) => kind === 'cleared',
    silenceSaysIt: true,
  };
  return settle(view, change, wish, circumstances);
}

export function decideWithdrawOverride(
  view: View,
  change: ChangeOf<'withdrawOverride'>,
  { now }: Circumstances,
): Decision {
  const place = view.scheduled(change.revision);
  const assertion =
    place === undefined
      ? undefined
      : view
          .override(place.key, place.scope)
          ?.assertions.find(({ revision }) => revision === change.revision);
  if (place === undefined || assertion === undefined || assertion.from <= now) {
    throw refuse(
      'not_scheduled',
      `revision ${change.revision} is no override that has still to start; clear what has started`,
    );
  }
  return decided(withdrawal(place.key, place.scope, change.revision));
}

/** The definition of a key that this scope may override. */
function overridable(view: View, key: string, scope: Scope): KeyDefinition {
  const state = view.key(key);
  if (state === undefined) throw refuse('unknown_key', `the key ${key} is not defined`);
  if (state.retired) throw refuse('retired_key', `the key ${key} is retired`);
  const { scopes } = state.definition;
  const { kind } = splitScope(scope);
  if (scopes !== undefined && !scopes.includes(kind)) {
    throw refuse('scope_not_allowed', `${key} may be overridden for ${scopes.join(', ')}, not for ${kind}`);
  }
  return state.definition;
}

interface Interval {
  readonly from: number;
  readonly until: number;
}

interface SpelledInterval {
  readonly effectiveFrom?: string;
  readonly effectiveUntil?: string;
}

function admitInterval(change: SpelledInterval, { now, source }: Circumstances): Interval {
  const from = change.effectiveFrom === undefined ? now : (parseInstant(change.effectiveFrom) ?? now);
  const until =
    change.effectiveUntil === undefined ? forever : (parseInstant(change.effectiveUntil) ?? forever);
  if (from < now && source !== 'import') {
    throw refuse(
      'starts_in_the_past',
      `effectiveFrom is before the recorded time ${formatInstant(now)}; the past is not rewritten, and without it the change starts now`,
    );
  }
  if (until <= from) throw refuse('empty_interval', 'effectiveUntil is not after the start');
  return { from, until };
}

function spelled({ effectiveFrom, effectiveUntil }: SpelledInterval): SpelledInterval {
  return {
    ...(effectiveFrom === undefined ? {} : { effectiveFrom }),
    ...(effectiveUntil === undefined ? {} : { effectiveUntil }),
  };
}

type Said =
  | { readonly kind: 'value'; readonly value: JsonValue }
  | { readonly kind: 'allocation'; readonly value: Allocation };

function saidValue(
  view: View,
  definition: KeyDefinition,
  change: ChangeOf<'setOverride'>,
  { from }: Interval,
): Said {
  const { value, allocation } = change;
  if (allocation !== undefined && value === undefined) {
    const salt = allocation.salt ?? previousSalt(view, change.key, change.scope, from) ?? change.key;
    return { kind: 'allocation', value: admitAllocation(view, definition, allocation, salt) };
  }
  if (value === undefined || allocation !== undefined) {
    throw invalid('value', 'an override is set to a value or to an allocation, exactly one of the two');
  }
  return { kind: 'value', value: admitValue(view, definition, value) };
}

/**
 * A left-out salt keeps that of the allocation which the new one follows, so that a rollout keeps everybody where they are:
 * the one in force, or else the newest, though it may be over.
 */
function previousSalt(view: View, key: string, scope: Scope, from: number): string | undefined {
  const override = view.override(key, scope);
  const current = inForce(override?.assertions ?? [], from);
  return current?.kind === 'allocation' ? current.value.salt : override?.salt;
}

/** What is to be said, and how to know whether it is said already. */
interface Wish {
  readonly interval: Interval;
  readonly body: EventBody;
  readonly saysIt: (assertion: OverrideAssertion) => boolean;
  readonly silenceSaysIt: boolean;
}

interface Target {
  readonly key: string;
  readonly scope: Scope;
  readonly replaceScheduled?: boolean;
}

/** The wish as events, unless it holds already, and what becomes of the assertions that are to start within it. */
function settle(view: View, target: Target, wish: Wish, { now }: Circumstances): Decision {
  const { interval } = wish;
  const assertions = view.override(target.key, target.scope)?.assertions ?? [];
  const scheduled = assertions.filter(
    ({ from }) => from > now && from >= interval.from && from < interval.until,
  );
  const withdrawn = new Set(target.replaceScheduled === true ? scheduled : []);
  const kept = scheduled.findLast((assertion) => isExactly(assertion, wish));
  if (kept !== undefined) withdrawn.delete(kept);
  const remaining = assertions.filter((assertion) => !withdrawn.has(assertion));
  const events = [...withdrawn].map(({ revision }) => withdrawal(target.key, target.scope, revision));
  const isSaid = saidAlready(remaining, wish, now);
  if (!isSaid) {
    admitOneMore(remaining, interval, now);
    events.push(wish.body);
  }
  const nothing =
    events.length > 0 ? [] : unchanged(`${target.key} for ${target.scope} is so already`).warnings;
  const standing = scheduled.filter((one) => !withdrawn.has(one) && one.from > interval.from);
  const left = isSaid ? undefined : inForce(remaining, interval.from);
  return {
    events,
    warnings: [
      ...nothing,
      ...(left !== undefined && meets(interval, left, now) ? [takesOver(target, interval, left)] : []),
      ...(standing.length > 0 ? [scheduledStands(target, standing)] : []),
    ],
  };
}

/**
 * Whether a plan meets another one: both are scheduled or temporary, and neither was asked to give way. That something new
 * takes the place of what holds without end is what everybody means.
 */
function meets(interval: Interval, left: OverrideAssertion, now: number): boolean {
  return interval.from >= now && isPlanned(interval, now) && isPlanned(left, now);
}

function isPlanned({ from, until }: Interval, now: number): boolean {
  return from > now || until !== forever;
}

function isExactly(assertion: OverrideAssertion, { interval, saysIt }: Wish): boolean {
  return assertion.from === interval.from && assertion.until === interval.until && saysIt(assertion);
}

/** What was in force before now is forgotten here, so that of an import's past only the very same is known to hold. */
function saidAlready(assertions: readonly OverrideAssertion[], wish: Wish, now: number): boolean {
  const { interval, saysIt, silenceSaysIt } = wish;
  if (interval.from < now) return assertions.some((assertion) => isExactly(assertion, wish));
  return alreadyHolds(assertions, interval, saysIt, silenceSaysIt);
}

function admitOneMore(assertions: readonly OverrideAssertion[], interval: Interval, now: number): void {
  if (assertions.length < maxAssertions) return;
  const added = { ...interval, revision: Number.MAX_SAFE_INTEGER };
  if (withoutPast(withAssertion<Assertion>(assertions, added), now).length <= maxAssertions) return;
  throw refuse(
    'too_many_assertions',
    `one scope says at most ${maxAssertions} things about a key, now and later`,
  );
}

function scheduledStands({ key, scope }: Target, standing: readonly OverrideAssertion[]) {
  const first = standing
    .slice(0, 5)
    .map(({ revision, from }) => `revision ${revision} at ${formatInstant(from)}`);
  return {
    code: 'scheduled_stands',
    message: `${standing.length} scheduled for ${key} at ${scope} still start: ${first.join(', ')}; replaceScheduled takes them back`,
  };
}

function takesOver({ key, scope }: Target, { from, until }: Interval, left: OverrideAssertion) {
  const back = until < left.until ? ` until ${formatInstant(until)}` : '';
  return {
    code: 'takes_over',
    message: `takes over at ${formatInstant(from)}${back} from revision ${left.revision}, which holds for ${key} at ${scope} ${spoken(left)}`,
  };
}

function spoken({ from, until }: Interval): string {
  return `from ${formatInstant(from)}${until === forever ? ' on' : ` to ${formatInstant(until)}`}`;
}

function withdrawal(key: string, scope: Scope, revision: number): EventBody {
  return { type: 'OverrideWithdrawn', data: { key, scope, revision } };
}

const asJson = (value: OverrideAssertion['value']) => value as Parameters<typeof equal>[0];
