/**
 * One line of a models.dev history (newline-delimited JSON) as a checked record with flat facts.
 * In: a line and its number; out: what happened to which model, every field under its dotted path, money as decimal
 * strings taken from the literal. It must never read money through a float, and never guess what a bad line meant.
 */
import { Big } from 'big.js';
import { isLosslessNumber, isSafeNumber, parse } from 'lossless-json';
import { z } from 'zod';
import type { JsonValue } from '../domain/json.ts';
import { Failure, type FailureDetail } from '../failure.ts';

/** The longest line that is read, in UTF-16 units. */
export const maxLineLength = 1_000_000;

/** What is known of a model by dotted path (`limit.context`); every number under `cost.` is a decimal string. */
export type Facts = ReadonlyMap<string, JsonValue>;

export interface ImportRecord {
  /** Number of the line, from 1. */
  readonly line: number;
  /** When it happened at the source, RFC 3339. */
  readonly at: string;
  readonly commit: string;
  /** `provider/model`. */
  readonly id: string;
  /** Whether the source's id had spaces around it, which are not part of the id here. */
  readonly isTrimmed: boolean;
  readonly kind: 'added' | 'changed' | 'removed';
  /** `added`: all of the model; `changed`: the new values, null for a field that went away; `removed`: none. */
  readonly facts: Facts;
}

const origin = {
  at: z.iso.datetime({ offset: true }),
  commit: z.string().regex(/^[0-9a-f]{7,64}$/, 'a commit is 7 to 64 hexadecimal digits'),
  provider: z.string().min(1),
  id: z.string().regex(/\S/, 'an id is not empty'),
};

const lineSchema = z.discriminatedUnion('kind', [
  z.strictObject({ ...origin, kind: z.literal('added'), model: z.record(z.string(), z.unknown()) }),
  z.strictObject({
    ...origin,
    kind: z.literal('changed'),
    fields: z.record(z.string(), z.tuple([z.unknown(), z.unknown()])),
  }),
  z.strictObject({ ...origin, kind: z.literal('removed') }),
]);

/**
 * Reads one line.
 * @param lineNumber counts from 1 and names the line in failures
 * @throws Failure `invalid` (reason `bad_line`) naming the line, and the fields where it is about some
 */
export function readRecord(line: string, lineNumber: number): ImportRecord {
  const parsed = lineSchema.safeParse(parseLine(line, lineNumber));
  if (!parsed.success) throw badLine(lineNumber, detailsOf(parsed.error));
  const { at, commit, provider, id, kind } = parsed.data;
  const facts = new Map<string, JsonValue>();
  const details: FailureDetail[] = [];
  for (const [path, value] of fieldsOf(parsed.data)) {
    const fact = factOf(value, path.startsWith('cost.'));
    const problem = fact === undefined ? 'a number that cannot be kept exactly' : problemOf(path, fact);
    if (problem !== undefined) details.push({ path, message: problem });
    if (fact !== undefined && (fact !== null || kind === 'changed')) facts.set(path, fact);
  }
  if (kind === 'added') details.push(...missing(facts));
  if (details.length > 0) throw badLine(lineNumber, details);
  return {
    line: lineNumber,
    at,
    commit,
    id: `${provider}/${id.trim()}`,
    isTrimmed: id !== id.trim(),
    kind,
    facts,
  };
}

function parseLine(line: string, lineNumber: number): unknown {
  if (line.length > maxLineLength) {
    throw badLine(lineNumber, [{ path: '', message: `longer than ${maxLineLength} characters` }]);
  }
  try {
    return parse(line);
  } catch (cause) {
    throw badLine(lineNumber, [{ path: '', message: 'not JSON, or a name twice in one object' }], cause);
  }
}

function badLine(lineNumber: number, details: readonly FailureDetail[], cause?: unknown): Failure {
  const what = details.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ');
  return new Failure('invalid', `line ${lineNumber}: ${what}`, { reason: 'bad_line', details, cause });
}

function detailsOf(error: z.ZodError): FailureDetail[] {
  return error.issues.map((issue) => ({ path: issue.path.join('.'), message: issue.message }));
}

function fieldsOf(data: z.output<typeof lineSchema>): [string, unknown][] {
  switch (data.kind) {
    case 'added':
      return flatten(data.model, '');
    case 'changed':
      return Object.entries(data.fields).map(([path, [, after]]) => [path, after]);
    case 'removed':
      return [];
    default:
      return data satisfies never;
  }
}

/** Every leaf of an object under its dotted path; lists stay whole. */
function flatten(object: object, prefix: string): [string, unknown][] {
  return Object.entries(object).flatMap(([name, value]): [string, unknown][] =>
    isObject(value) ? flatten(value, `${prefix}${name}.`) : [[`${prefix}${name}`, value]],
  );
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isLosslessNumber(value);
}

/** A parsed value as plain JSON; undefined when a number in it cannot be kept exactly. */
function factOf(value: unknown, isMoney: boolean): JsonValue | undefined {
  if (isLosslessNumber(value)) return isMoney ? decimalOf(value.value) : numberOf(value.value);
  if (Array.isArray(value)) {
    const items = value.map((item) => factOf(item, isMoney));
    return items.every((item) => item !== undefined) ? items : undefined;
  }
  if (isObject(value)) {
    const entries = Object.entries(value).map(([name, item]) => [name, factOf(item, isMoney)] as const);
    return entries.every(isKept) ? Object.fromEntries(entries) : undefined;
  }
  return typeof value === 'string' || typeof value === 'boolean' || value === null ? value : undefined;
}

function isKept(entry: readonly [string, JsonValue | undefined]): entry is readonly [string, JsonValue] {
  return entry[1] !== undefined;
}

/** The literal without exponent and needless zeros; bounded, so that `1e999999` never becomes a text of its own size. */
function decimalOf(literal: string): string | undefined {
  return /^-?\d{1,20}(\.\d{1,20})?([eE][+-]?\d{1,2})?$/.test(literal)
    ? new Big(literal).toFixed()
    : undefined;
}

function numberOf(literal: string): number | undefined {
  return isSafeNumber(literal) ? Number(literal) : undefined;
}

const tokens = z.number().int().nonnegative();
const flag = z.boolean().nullable();
const words = z.array(z.string()).nullable();

/** What the fields with a place of their own must be; null is allowed where a field may go away. */
const factSchemas: ReadonlyMap<string, z.ZodType> = new Map<string, z.ZodType>([
  ['name', z.string().min(1)],
  ['limit.context', tokens],
  ['limit.output', tokens.nullable()],
  ['family', z.string().nullable()],
  ['status', z.string().nullable()],
  ['attachment', flag],
  ['reasoning', flag],
  ['tool_call', flag],
  ['structured_output', flag],
  ['temperature', flag],
  ['modalities.input', words],
  ['modalities.output', words],
  ['cost.tiers', z.array(z.record(z.string(), z.unknown())).nullable()],
]);

const money = z
  .string()
  .regex(/^\d{1,12}(\.\d{1,18})?$/, 'a price is a decimal, not negative, of 12 digits and 18 decimal places')
  .nullable();

function problemOf(path: string, fact: JsonValue): string | undefined {
  const schema = factSchemas.get(path) ?? (path.startsWith('cost.') ? money : undefined);
  const result = schema?.safeParse(fact);
  return result?.error?.issues.map((issue) => issue.message).join(', ');
}

/** What every model has. */
function missing(facts: Facts): FailureDetail[] {
  return ['name', 'limit.context']
    .filter((path) => !facts.has(path))
    .map((path) => ({ path, message: 'is missing' }));
}
