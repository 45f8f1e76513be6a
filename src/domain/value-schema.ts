/**
 * JSON Schemas of values (2020-12): whether a text is one that we accept, and whether a value satisfies it.
 * Interpreted, not compiled, so that it runs in a browser without eval; patterns that can explode are refused.
 */
import { type Schema, Validator } from '@cfworker/json-schema';
import isSafePattern from 'safe-regex2';
import { refuse } from './decision.ts';
import type { JsonValue } from './json.ts';

/** The longest schema, in characters of its JSON. */
const maxSchemaLength = 32_768;
const maxPatternLength = 500;
const typeNames = new Set(['null', 'boolean', 'object', 'array', 'number', 'integer', 'string']);
/** Keywords whose value is data, and those whose members are named by whoever writes the schema. */
const dataKeywords = new Set(['const', 'default', 'enum', 'examples']);
const nameKeywords = new Set(['$defs', 'definitions', 'dependentSchemas', 'patternProperties', 'properties']);
const validators = new WeakMap<object, Validator>();

/** Throws Failure `refused`, reason `bad_schema`, when a schema is not one that we can hold values to. */
export function admitSchema(schema: JsonValue): void {
  if (!isRecord(schema)) throw badSchema('it is not an object');
  if (JSON.stringify(schema).length > maxSchemaLength)
    throw badSchema(`it is longer than ${maxSchemaLength}`);
  walk(schema);
  try {
    validatorOf(schema).validate({});
  } catch (error) {
    throw badSchema(error instanceof Error ? error.message : 'it cannot be used');
  }
}

/** What a value lacks under a schema: one sentence, or undefined when it satisfies it. */
export function violation(schema: JsonValue, value: JsonValue): string | undefined {
  if (!isRecord(schema)) return undefined;
  const { valid, errors } = validated(schema, value);
  if (valid) return undefined;
  const deepest = errors.at(-1);
  return deepest === undefined
    ? 'it does not satisfy the schema'
    : `${deepest.instanceLocation}: ${deepest.error}`;
}

function validatorOf(schema: { readonly [name: string]: JsonValue }): Validator {
  let validator = validators.get(schema);
  if (validator === undefined) {
    validator = new Validator(structuredClone(schema) as Schema, '2020-12');
    validators.set(schema, validator);
  }
  return validator;
}

/** References that lead nowhere, or in circles, are only met by the values that follow them. */
function validated(schema: { readonly [name: string]: JsonValue }, value: JsonValue) {
  try {
    return validatorOf(schema).validate(value);
  } catch (error) {
    throw badSchema(error instanceof Error ? error.message : 'it cannot be used');
  }
}

/** Looks at every keyword; what is data or a name is none. */
function walk(schema: JsonValue): void {
  if (Array.isArray(schema)) {
    for (const item of schema as readonly JsonValue[]) walk(item);
  } else if (isRecord(schema)) {
    for (const [keyword, value] of Object.entries(schema)) {
      if (dataKeywords.has(keyword)) continue;
      checkKeyword(keyword, value);
      if (nameKeywords.has(keyword) && isRecord(value)) Object.values(value).forEach(walk);
      else walk(value);
    }
  }
}

function checkKeyword(keyword: string, value: JsonValue): void {
  if (keyword === 'pattern' && typeof value === 'string') checkPattern(value);
  if (keyword === 'patternProperties' && isRecord(value)) Object.keys(value).forEach(checkPattern);
  if (keyword === '$ref' && typeof value === 'string' && !value.startsWith('#')) {
    throw badSchema('it refers to another document');
  }
  if (keyword !== 'type' || isRecord(value)) return;
  for (const name of Array.isArray(value) ? (value as readonly JsonValue[]) : [value]) {
    if (typeof name !== 'string' || !typeNames.has(name))
      throw badSchema(`${JSON.stringify(name)} is no type`);
  }
}

function checkPattern(pattern: string): void {
  try {
    new RegExp(pattern, 'u');
  } catch {
    throw badSchema(`the pattern ${JSON.stringify(pattern.slice(0, 60))} does not parse`);
  }
  if (pattern.length > maxPatternLength || !isSafePattern(pattern)) {
    throw badSchema(`the pattern ${JSON.stringify(pattern.slice(0, 60))} may take for ever`);
  }
}

function badSchema(why: string) {
  return refuse('bad_schema', `the schema cannot be used: ${why}`);
}

function isRecord(value: JsonValue): value is { readonly [name: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
