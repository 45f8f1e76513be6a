/**
 * Which values a key takes: its type, its schema, and for models whether the catalogue still offers them.
 * In: a value as it was sent; out: the value as it is kept (models as `provider/model`), or a refusal.
 */
import type { Allocation } from './allocation.ts';
import { refuse } from './decision.ts';
import type { KeyDefinition, ValueType } from './event.ts';
import type { JsonValue } from './json.ts';
import type { View } from './live-state.ts';
import { type ModelParts, readModelReference } from './model-reference.ts';
import { statusAt } from './subject-state.ts';
import { violation } from './value-schema.ts';

/** The longest value, in characters of its JSON. */
const maxValueLength = 65_536;

/** Where a secret is kept; the ledger never forgets, so it holds the address and never the secret. */
const secretReference = /^(?:env|file|vault|aws-sm|gcp-sm|azure-kv|k8s):\S{1,500}$/;

/** The value as it is kept; whether its model is offered is another question. Throws Failure `refused`. */
export function admitValue(
  view: View,
  definition: Omit<KeyDefinition, 'fallback'>,
  value: JsonValue,
): JsonValue {
  if (JSON.stringify(value).length > maxValueLength) {
    throw refuse('value_too_long', `a value has at most ${maxValueLength} characters as JSON`);
  }
  const kept = definition.valueType === 'model' ? admitModel(view, definition, value) : value;
  if (!isOfType(definition.valueType, kept)) {
    throw refuse('wrong_type', `${definition.key} takes ${describeType(definition.valueType)}`);
  }
  const problem = definition.schema === undefined ? undefined : violation(definition.schema, kept);
  if (problem !== undefined)
    throw refuse('schema_violated', `the value does not satisfy the schema of ${definition.key}: ${problem}`);
  return kept;
}

/** The allocation as it is kept, with every arm's value admitted. */
export function admitAllocation(
  view: View,
  definition: KeyDefinition,
  allocation: Omit<Allocation, 'salt'>,
  salt: string,
): Allocation {
  const arms = allocation.arms.map((arm) => ({ ...arm, value: admitValue(view, definition, arm.value) }));
  return { unit: allocation.unit, share: allocation.share, salt, arms };
}

/** Whether a value that is kept satisfies a definition, models not looked up: for definitions that change. */
export function fits(definition: KeyDefinition, value: JsonValue): boolean {
  return (
    isOfType(definition.valueType, value) &&
    (definition.schema === undefined || violation(definition.schema, value) === undefined)
  );
}

function admitModel(view: View, definition: Omit<KeyDefinition, 'fallback'>, value: JsonValue): string {
  if (typeof value !== 'string' && !isModelParts(value)) {
    throw refuse('wrong_type', `${definition.key} takes ${describeType('model')}`);
  }
  const reference = readModelReference(value, definition.defaultProvider, (name) => view.knowsProvider(name));
  if ('problem' in reference) throw refuse('unclear_model', reference.problem);
  return reference.id;
}

/** Refuses models that the catalogue does not offer at `now` (epoch milliseconds) as new values of a key. */
export function refuseUnoffered(
  view: View,
  { valueType }: Pick<KeyDefinition, 'valueType'>,
  values: readonly JsonValue[],
  now: number,
): void {
  if (valueType !== 'model') return;
  for (const id of values) if (typeof id === 'string') refuseUnofferedModel(view, id, now);
}

function refuseUnofferedModel(view: View, id: string, now: number): void {
  const model = view.model(id);
  const unless = 'or say allowUnlisted';
  if (model === undefined || model.status === 'removed') {
    const name = id.slice(id.indexOf('/') + 1);
    const twins = [...view.models()].filter((other) => other.model === name && other.status !== 'removed');
    const hint =
      twins.length > 0
        ? `; did you mean ${twins
            .slice(0, 3)
            .map((twin) => twin.id)
            .join(' or ')}?`
        : '';
    throw refuse('unlisted_model', `the catalogue does not know ${id}${hint} (add it, ${unless})`);
  }
  const status = statusAt(model, now);
  if (status === 'active' || status === 'beta') return;
  const successor = model.successor === undefined ? '' : `; its successor is ${model.successor}`;
  throw refuse(`${status}_model`, `${id} is ${status}${successor} (take another, ${unless})`);
}

function isModelParts(value: JsonValue): value is ModelParts & { readonly [name: string]: JsonValue } {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const { provider, model, ...rest } = value as { readonly [name: string]: JsonValue };
  return typeof provider === 'string' && typeof model === 'string' && Object.keys(rest).length === 0;
}

function isOfType(type: ValueType, value: JsonValue): boolean {
  switch (type) {
    case 'model':
    case 'string':
      return typeof value === 'string';
    case 'number':
      return typeof value === 'number';
    case 'integer':
      return Number.isSafeInteger(value);
    case 'boolean':
      return typeof value === 'boolean';
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value);
    case 'secret':
      return typeof value === 'string' && secretReference.test(value);
    default:
      return type satisfies never;
  }
}

function describeType(type: ValueType): string {
  switch (type) {
    case 'model':
      return 'a model: "provider/model" or { provider, model }';
    case 'string':
      return 'a string';
    case 'number':
      return 'a number';
    case 'integer':
      return 'a whole number that JSON can carry exactly';
    case 'boolean':
      return 'true or false';
    case 'object':
      return 'a JSON object';
    case 'secret':
      return 'the address of a secret, never the secret itself: env:NAME, vault:path, file:path, aws-sm:…, gcp-sm:…, azure-kv:…, k8s:…';
    default:
      return type satisfies never;
  }
}
