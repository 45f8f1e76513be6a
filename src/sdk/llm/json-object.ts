/**
 * Free-form JSON objects: tool schemas, tool arguments, settings. They are held as they came, by reference; nothing in
 * them is renamed, copied or dropped.
 */
import { equal } from '../../domain/diff.ts';
import type { JsonValue } from '../../domain/json.ts';

export type JsonObject = { readonly [name: string]: JsonValue };

/** As deep as the server lets a value be. */
const maxDepth = 64;

/** Whether a value is an object with members, neither a list nor null. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether a value is an object that JSON carries as it is: finite numbers, no undefined, no circle, at most 64 levels. */
export function isJsonObject(value: unknown): value is JsonObject {
  return isObject(value) && isJson(value, maxDepth);
}

/** Whether two values are the same JSON, members in any order; what is no JSON is the same as nothing. */
export function isSameJson(a: unknown, b: unknown): boolean {
  return isJson(a, maxDepth) && isJson(b, maxDepth) && equal(a, b);
}

function isJson(value: unknown, depth: number): value is JsonValue {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object' || depth === 0) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (!Array.isArray(value) && prototype !== Object.prototype && prototype !== null) return false;
  return Object.values(value).every((member) => isJson(member, depth - 1));
}

/** An object without the members that are undefined. */
export function defined(members: Readonly<Record<string, JsonValue | undefined>>): JsonObject {
  return Object.fromEntries(
    Object.entries(members).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

/** The object that a text of JSON is; undefined when it is none. */
export function parseObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
