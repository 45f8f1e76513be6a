/**
 * Values checked by the caller's schema. What a schema said about a value is remembered, because the same few values are
 * asked for again and again.
 */
import type { JsonValue } from '../domain/json.ts';
import { Failure } from '../failure.ts';
import type { ValueSchema } from './varve.ts';

/** So many values are remembered of each schema; a full house is emptied at once. */
const maxRemembered = 256;

const remembered = new WeakMap<object, Map<JsonValue, unknown>>();

/** The value as the schema has it; as it is without one. Failures: invalid (`wrong_value`). */
export function parsedValue<T>(key: string, value: JsonValue, schema: ValueSchema<T> | undefined): T {
  // Without a schema the caller alone says what type it expects.
  if (schema === undefined) return value as T;
  let known = remembered.get(schema);
  if (known === undefined) {
    known = new Map();
    remembered.set(schema, known);
  }
  if (known.has(value)) return known.get(value) as T;
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    throw new Failure('invalid', `the value of ${key} is not what its caller expects`, {
      reason: 'wrong_value',
      cause: parsed.error,
    });
  }
  if (known.size >= maxRemembered) known.clear();
  known.set(value, parsed.data);
  return parsed.data;
}
