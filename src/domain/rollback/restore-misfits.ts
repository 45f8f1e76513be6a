/**
 * What of a restored state does not fit today's rules: values, definitions, models that are gone or still used.
 * In: the view as it would be, and the events that made it so; out: what is to be refused, and what is to be told.
 * A deprecated model is told: it keeps resolving. One that is gone is refused, unless the wish says allowUnlisted.
 */

import { Failure } from '../../failure.ts';
import { asksAnew, countStanding, refuseMisfits } from '../decide-key.ts';
import { maxAssertions } from '../decide-override.ts';
import { maxPrices } from '../decide-price.ts';
import type { EventBody, KeyDefinition } from '../event.ts';
import { keySubject, modelSubject, overrideSubject, subjectOf } from '../event.ts';
import type { JsonValue } from '../json.ts';
import type { View } from '../live-state.ts';
import { usesOfMany } from '../model-uses.ts';
import { splitScope } from '../scope.ts';
import { type KeyState, statusAt } from '../subject-state.ts';
import { fits } from '../value-rules.ts';

export interface Finding {
  /** A stable snake_case word: a reason of a refusal, or the code of a warning. */
  readonly code: string;
  readonly subject: string;
  readonly message: string;
}

export interface Findings {
  readonly refused: readonly Finding[];
  readonly warned: readonly Finding[];
}

/** What was restored, and what the findings look things up in. */
interface Restored {
  readonly after: View;
  /** The keys that are defined anew, as they stood. */
  readonly before: ReadonlyMap<string, KeyState>;
  /** By model, who stands on those that are deprecated or removed. */
  readonly uses: ReadonlyMap<string, readonly string[]>;
  /** Epoch milliseconds. */
  readonly now: number;
}

export function misfitsOf(
  { before, after }: Pick<Restored, 'before' | 'after'>,
  events: readonly EventBody[],
  now: number,
  allowUnlisted: boolean,
): Findings {
  const restored = { before, after, now, uses: usesOfMany(after, leavingModels(events), now, 5) };
  const found = [...events.flatMap((event) => findingsOf(restored, event)), ...limitFindings(after, events)];
  const isTold = ({ code }: Finding) => harmless.has(code) || (allowUnlisted && dangling.has(code));
  return { refused: found.filter((one) => !isTold(one)), warned: found.filter(isTold) };
}

function leavingModels(events: readonly EventBody[]): ReadonlySet<string> {
  return new Set(
    events.flatMap((event) =>
      event.type === 'ModelRemoved' || event.type === 'ModelDeprecated' ? [event.data.id] : [],
    ),
  );
}

/** What is told only: a deprecated model keeps resolving, and a key may be retired whatever is said about it. */
const harmless: ReadonlySet<string> = new Set([
  'deprecated_model',
  'retired_key',
  'overrides_stand',
  'overrides_return',
  'still_used',
]);

/** What leaves a value with a model that the catalogue does not offer (any more). */
const dangling: ReadonlySet<string> = new Set([
  'unlisted_model',
  'removed_model',
  'retired_model',
  'model_in_use',
]);

function findingsOf(restored: Restored, event: EventBody): readonly Finding[] {
  const { after, uses, now } = restored;
  const subject = subjectOf(event);
  switch (event.type) {
    case 'OverrideSet':
      return overrideFindings(after, event.data, now);
    case 'KeyDefined':
      return definitionFindings(restored, event.data);
    case 'KeyRetired': {
      const standing = countStanding(after, event.data.key, now);
      const message = `${standing} overrides of ${event.data.key} are no longer asked`;
      return standing === 0 ? [] : [{ code: 'overrides_stand', subject, message }];
    }
    case 'ModelDeprecated': {
      const users = uses.get(event.data.id) ?? [];
      const message = `${event.data.id} is still used: ${users.join(', ')}`;
      const used = users.length === 0 ? [] : [{ code: 'still_used', subject, message }];
      return [...successorFindings(after, event.data, now), ...used];
    }
    case 'ModelRemoved': {
      const users = uses.get(event.data.id) ?? [];
      const message = `${event.data.id} is used: ${users.join(', ')}`;
      return users.length === 0 ? [] : [{ code: 'model_in_use', subject, message }];
    }
    default:
      return [];
  }
}

/** What a scope may say about a key, and how many prices of a model are kept, has its bounds here as elsewhere. */
function limitFindings(after: View, events: readonly EventBody[]): readonly Finding[] {
  return [...new Set(events.map(subjectOf))].flatMap((subject): readonly Finding[] => {
    const state = after.subject(subject);
    if (state === undefined) return [];
    if ('assertions' in state && state.assertions.length > maxAssertions) {
      const message = `${subject} would say ${state.assertions.length} things, at most ${maxAssertions}`;
      return [{ code: 'too_many_assertions', subject, message }];
    }
    if ('prices' in state && state.prices.length > maxPrices) {
      const message = `${subject} would have ${state.prices.length} prices, at most ${maxPrices}`;
      return [{ code: 'too_many_prices', subject, message }];
    }
    return [];
  });
}

type OverrideData = Extract<EventBody, { type: 'OverrideSet' }>['data'];

function overrideFindings(
  after: View,
  { key, scope, value, allocation }: OverrideData,
  now: number,
): readonly Finding[] {
  const subject = overrideSubject(key, scope);
  const finding = (code: string, message: string): readonly Finding[] => [{ code, subject, message }];
  const state = after.key(key);
  if (state === undefined || state.retired) {
    return finding('retired_key', `the key ${key} is ${state === undefined ? 'not defined' : 'retired'}`);
  }
  const { definition } = state;
  const { kind } = splitScope(scope);
  if (definition.scopes !== undefined && !definition.scopes.includes(kind)) {
    return finding('scope_not_allowed', `${key} may not be overridden for ${kind} any more`);
  }
  const values = allocation === undefined ? [value ?? null] : allocation.arms.map((arm) => arm.value);
  if (!values.every((one) => fits(definition, one))) {
    return finding('schema_violated', `an old value of ${key} for ${scope} does not satisfy its definition`);
  }
  return modelFindings(after, definition, values, subject, now);
}

function definitionFindings({ after, before, now }: Restored, definition: KeyDefinition): readonly Finding[] {
  const subject = keySubject(definition.key);
  const was = before.get(definition.key);
  const found: Finding[] = [];
  if (!fits(definition, definition.fallback)) {
    const message = `the fallback of ${definition.key} does not satisfy its schema`;
    found.push({ code: 'schema_violated', subject, message });
  }
  // Looking at 200,000 values that the rules have taken already would hold up everybody for half a second.
  if (was !== undefined && asksAnew(was, definition)) {
    found.push(...misfitsOfStanding(after, definition, now, subject));
  }
  if (was?.retired === true) {
    const standing = countStanding(after, definition.key, now);
    const message = `${standing} overrides of ${definition.key} count again`;
    if (standing > 0) found.push({ code: 'overrides_return', subject, message });
  }
  return [...found, ...modelFindings(after, definition, [definition.fallback], subject, now)];
}

/** Standing values that the old definition does not take, as defining it today would say. */
function misfitsOfStanding(
  after: View,
  definition: KeyDefinition,
  now: number,
  subject: string,
): readonly Finding[] {
  try {
    refuseMisfits(after, definition, now);
    return [];
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== 'refused') throw error;
    return [{ code: error.reason ?? 'overrides_do_not_fit', subject, message: error.message }];
  }
}

function modelFindings(
  after: View,
  { key, valueType }: KeyDefinition,
  values: readonly JsonValue[],
  subject: string,
  now: number,
): readonly Finding[] {
  if (valueType !== 'model') return [];
  return values.flatMap((id): readonly Finding[] => {
    if (typeof id !== 'string') return [];
    const status = statusOf(after, id, now);
    if (status === 'active' || status === 'beta') return [];
    const message = `${key}: the model ${id} is ${status === 'unlisted' ? 'not in the catalogue' : status}`;
    return [{ code: `${status}_model`, subject, message }];
  });
}

function successorFindings(
  after: View,
  { id, successor }: { readonly id: string; readonly successor?: string },
  now: number,
): readonly Finding[] {
  const seen = new Set([id]);
  const subject = modelSubject(id);
  for (let next = successor; next !== undefined; next = after.model(next)?.successor) {
    if (seen.has(next)) {
      return [
        { code: 'successor_cycle', subject, message: `the successors of ${id} would lead back to ${next}` },
      ];
    }
    seen.add(next);
  }
  if (successor === undefined) return [];
  const status = statusOf(after, successor, now);
  if (status !== 'unlisted' && status !== 'removed') return [];
  return [
    {
      code: `${status}_model`,
      subject,
      message: `${successor}, the successor of ${id}, is not in the catalogue`,
    },
  ];
}

function statusOf(view: View, id: string, now: number) {
  const model = view.model(id);
  return model === undefined ? 'unlisted' : statusAt(model, now);
}
