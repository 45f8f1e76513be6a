/**
 * Parameters in both spellings: camelCase outside, snake_case inside, and old JSON that has either or both (design note
 * 001, items 1, 2, 5). Only the names of parameters are spelled anew; what stands inside tools and choices is the caller's.
 */
import type { z } from 'zod';
import { Failure, type FailureDetail } from '../../failure.ts';
import { isObject, isSameJson, type JsonObject } from './json-object.ts';
import {
  type ChatParams,
  chatParamsSchema,
  type GenerationParams,
  generationParamsSchema,
  type LlmParams,
  llmParamsSchema,
  type ReasoningParams,
  reasoningParamsSchema,
} from './params.ts';

/** Failures: invalid with the place of every field that is unknown, out of its range, or said twice and differently. */
export function readGenerationParams(value: unknown): GenerationParams {
  return read(generationParamsSchema, value);
}

/** The same for the chat; with the defaults of the note. */
export function readChatParams(value: unknown): ChatParams {
  return read(chatParamsSchema, value);
}

export function readReasoningParams(value: unknown): ReasoningParams {
  return read(reasoningParamsSchema, value);
}

/** All parameters in one object, without defaults. Null says nothing, as in JSON that Pydantic wrote. */
export function readLlmParams(value: unknown): LlmParams {
  return read(llmParamsSchema, value);
}

/** Parameters with a call's own over them; its nulls take a parameter away. */
export function overrideParams(params: LlmParams, overrides: unknown): LlmParams {
  const { spelled, nulls } = spell(llmParamsSchema, overrides);
  const kept = Object.entries(params).filter(([name]) => !nulls.has(name));
  return { ...Object.fromEntries(kept), ...checked(llmParamsSchema, spelled) };
}

/** Every parameter under its snake_case name. */
export function toSnakeCase(params: LlmParams | ChatParams): { readonly [name: string]: unknown } {
  return Object.fromEntries(Object.entries(params).map(([name, value]) => [snakeCase(name), value]));
}

/** Back again: the same parameters. Failures: as readLlmParams. */
export function fromSnakeCase(value: JsonObject): LlmParams {
  return readLlmParams(value);
}

/** Every parameter by each of its spellings; made once, because it is asked on every call. */
const parameterNames: ReadonlyMap<string, string> = new Map(
  Object.keys(llmParamsSchema.shape).flatMap((name) => [
    [name, name],
    [snakeCase(name), name],
  ]),
);

interface Spelled {
  /** By camelCase name: the value, and the name under which it came. */
  readonly spelled: ReadonlyMap<string, { readonly name: string; readonly value: unknown }>;
  /** camelCase names of those that are null and nothing else. */
  readonly nulls: ReadonlySet<string>;
}

function read<S extends z.ZodObject>(schema: S, value: unknown): z.output<S> {
  return checked(schema, spell(schema, value).spelled);
}

function spell({ shape }: z.ZodObject, value: unknown): Spelled {
  if (!isObject(value)) throw new Failure('invalid', 'parameters are an object', { reason: 'bad_params' });
  const spelled = new Map<string, { name: string; value: unknown }>();
  const nulls = new Set<string>();
  const details: FailureDetail[] = [];
  for (const [name, member] of Object.entries(value)) {
    const parameter = parameterNames.get(name);
    if (parameter === undefined || !Object.hasOwn(shape, parameter)) {
      details.push({ path: name, message: 'there is no such parameter' });
      continue;
    }
    if (member === undefined) continue;
    if (member === null) {
      nulls.add(parameter);
      continue;
    }
    const other = spelled.get(parameter);
    if (other !== undefined && !isSameJson(other.value, member)) {
      details.push({ path: name, message: `stands there as ${other.name} too, with another value` });
    }
    spelled.set(parameter, { name, value: member });
  }
  if (details.length > 0) throw invalid(details);
  for (const name of spelled.keys()) nulls.delete(name);
  return { spelled, nulls };
}

function checked<S extends z.ZodObject>(schema: S, spelled: Spelled['spelled']): z.output<S> {
  const input = Object.fromEntries([...spelled].map(([parameter, { value }]) => [parameter, value]));
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const details = parsed.error.issues.map(({ path: [first, ...rest], message }) => {
    const parameter = String(first ?? '');
    return { path: [spelled.get(parameter)?.name ?? parameter, ...rest].join('.'), message };
  });
  throw invalid(details);
}

function invalid(details: readonly FailureDetail[]): Failure {
  const [first] = details;
  const more = details.length > 1 ? ` (and ${details.length - 1} more)` : '';
  return new Failure('invalid', `${first?.path}: ${first?.message}${more}`, {
    reason: 'bad_params',
    details,
  });
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
