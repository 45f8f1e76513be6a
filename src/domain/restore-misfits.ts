/**
 * What of a restored state does not fit today's rules: values, definitions, models that are gone or still used.
 * In: the view as it would be, and the events that made it so; out: what is to be refused, and what is to be told.
 * A deprecated model is told: it keeps resolving. One that is gone is refused, unless the wish says allowUnlisted.
 */

import { Failure } from '../failure.ts';
import { refuseMisfits } from './decide-key.ts';
import type { EventBody, KeyDefinition } from './event.ts';
import { keySubject, modelSubject, overrideSubject, subjectOf } from './event.ts';
import type { JsonValue } from './json.ts';
import type { View } from './live-state.ts';
import { usesOf } from './model-uses.ts';
import { splitScope } from './scope.ts';
import { statusAt } from './subject-state.ts';
import { fits } from './value-rules.ts';

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

export function misfitsOf(
  after: View,
  events: readonly EventBody[],
  now: number,
  allowUnlisted: boolean,
): Findings {
  const found = events.flatMap((event) => findingsOf(after, event, now));
  const isTold = ({ code }: Finding) => harmless.has(code) || (allowUnlisted && dangling.has(code));
  return { refused: found.filter((one) => !isTold(one)), warned: found.filter(isTold) };
}

/** What says nothing wrong: a deprecated model keeps resolving, a retired key is not asked. */
const harmless: ReadonlySet<string> = new Set(['deprecated_model', 'retired_key']);

/** What leaves a value with a model that the catalogue does not offer (any more). */
const dangling: ReadonlySet<string> = new Set([
  'unlisted_model',
  'removed_model',
  'retired_model',
  'model_in_use',
]);

function findingsOf(after: View, event: EventBody, now: number): readonly Finding[] {
  switch (event.type) {
    case 'OverrideSet':
      return overrideFindings(after, event.data, now);
    case 'KeyDefined':
      return definitionFindings(after, event.data, now);
    case 'ModelDeprecated':
      return successorFindings(after, event.data, now);
    case 'ModelRemoved': {
      const uses = usesOf(after, event.data.id, now, 5);
      if (uses.length === 0) return [];
      const message = `${event.data.id} is used: ${uses.join(', ')}`;
      return [{ code: 'model_in_use', subject: subjectOf(event), message }];
    }
    default:
      return [];
  }
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

function definitionFindings(after: View, definition: KeyDefinition, now: number): readonly Finding[] {
  const subject = keySubject(definition.key);
  const standing = misfitsOfStanding(after, definition, now, subject);
  return [...standing, ...modelFindings(after, definition, [definition.fallback], subject, now)];
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
