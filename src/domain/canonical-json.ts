/**
 * Canonical JSON (RFC 8785, JCS): a value comes in from the writer or a receipt, the one text that stands for it goes
 * out, into the log and under its hash. It must never change what it writes for a value without a new format version,
 * and never write anything for what is not JSON.
 */
import type { JsonValue } from './json.ts';

/** Stands beside every stored text, so that a later format can be told from this one. */
export const canonicalFormatVersion = 1;

/**
 * The canonical text: no white space, members sorted by the UTF-16 code units of their names, numbers and strings
 * as ECMAScript writes them (which is what RFC 8785 §3.2.2 asks for). `object` is there for interfaces, which
 * TypeScript does not take for a JsonValue; what is really in it is looked at here.
 * Throws TypeError for all that has no such text: undefined, NaN and infinities, half surrogate pairs, functions,
 * objects of a class. That is a bug and not a caller's wrong wish, so it is no `Failure`. The depth is not bounded
 * here: values come through the strict parser, which did.
 *
 * The package `canonicalize` lost: it leaves undefined members out, calls toJSON and writes half surrogate pairs,
 * and takes 5.1 µs for an event of 20 fields and 560 bytes where this takes 3.0 µs (JSON.stringify 1.5 µs, Node 20).
 */
export function canonicalJson(value: JsonValue | object): string {
  return textOf(value);
}

function textOf(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return textOfString(value);
    case 'number':
      if (!Number.isFinite(value)) throw new TypeError(`${value} is not JSON`);
      return String(value);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'object':
      if (value === null) return 'null';
      if (Array.isArray(value)) return textOfArray(value);
      if (isPlainObject(value)) return textOfObject(value);
      throw new TypeError('an object of a class is not JSON');
    default:
      throw new TypeError(`${typeof value} is not JSON`);
  }
}

function textOfArray(items: readonly unknown[]): string {
  let text = '[';
  // By index, so that a hole is undefined and not left out.
  for (let index = 0; index < items.length; index += 1)
    text += `${index === 0 ? '' : ','}${textOf(items[index])}`;
  return `${text}]`;
}

function textOfObject(members: Readonly<Record<string, unknown>>): string {
  let text = '{';
  for (const name of Object.keys(members).sort()) {
    text += `${text === '{' ? '' : ','}${textOfString(name)}:${textOf(members[name])}`;
  }
  return `${text}}`;
}

function textOfString(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what JSON escapes
  if (!/["\\\u0000-\u001f\ud800-\udfff]/.test(text)) return `"${text}"`;
  if (!text.isWellFormed()) throw new TypeError('half a surrogate pair is not JSON');
  return JSON.stringify(text);
}

function isPlainObject(value: object): value is Readonly<Record<string, unknown>> {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
