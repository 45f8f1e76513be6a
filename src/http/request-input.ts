/**
 * Input of requests: raw query strings are taken apart here, and schemas applied so that every fault names its place:
 * `changes.3.key`, `query.limit`, `path.key`, `header.If-Match`. Nothing is dropped or coerced silently.
 */
import type { z } from 'zod';
import { Failure, type FailureDetail } from '../failure.ts';

/** A query string as it was sent: a list for a name that stands there twice, null for broken percent-encoding. */
export type RawQuery = Record<string, string | string[] | null>;

/** Which part of a request a schema looks at; the body's places have no prefix. */
export type InputPart = 'body' | 'query' | 'path' | 'header';

const maxNameLength = 200;

/** Takes a query string apart, as HTML forms write it (`+` is a space). Never throws: what is broken is left to the schema. */
export function parseQuery(text: string): RawQuery {
  // Without a prototype: the names are the sender's.
  const query: RawQuery = { __proto__: null };
  for (let start = 0; start < text.length; ) {
    const next = text.indexOf('&', start);
    const end = next < 0 ? text.length : next;
    if (end > start) addPair(query, text, start, end);
    start = end + 1;
  }
  return query;
}

function addPair(query: RawQuery, text: string, start: number, end: number): void {
  const found = text.indexOf('=', start);
  const equals = found < 0 || found > end ? end : found;
  const name = decode(text.slice(start, equals)) ?? text.slice(start, equals);
  const value = equals === end ? '' : decode(text.slice(equals + 1, end));
  const before = query[name];
  if (before === undefined) query[name] = value;
  else if (value === null || before === null) query[name] = null;
  else query[name] = typeof before === 'string' ? [before, value] : [...before, value];
}

function decode(text: string): string | null {
  if (!text.includes('%') && !text.includes('+')) return text;
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return null;
  }
}

/** What a schema makes of a part of the request. Throws Failure `invalid` that names every wrong place. */
export function checked<S extends z.ZodType>(schema: S, value: unknown, part: InputPart): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const details = result.error.issues.flatMap((issue) => detailsOf(issue, value, part));
  const first = details[0];
  const more = details.length > 1 ? ` (and ${details.length - 1} more)` : '';
  const message =
    first === undefined ? 'not well-formed' : `${first.path === '' ? 'body' : first.path}: ${first.message}`;
  throw new Failure('invalid', message + more, { reason: 'malformed', details });
}

function detailsOf(issue: z.core.$ZodIssue, value: unknown, part: InputPart): readonly FailureDetail[] {
  const steps = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: placeOf(part, [...steps, key]), message: unknownField(part) }));
  }
  if (issue.code === 'invalid_union') {
    const deeper = nearestBranch(issue);
    if (deeper !== undefined) return deeper.flatMap((inner) => within(inner, issue, value, part));
  }
  return [{ path: placeOf(part, steps), message: messageOf(issue, value, part) }];
}

/** The branch of a union that came furthest; none when the discriminator itself was unknown. */
function nearestBranch(issue: z.core.$ZodIssueInvalidUnion): readonly z.core.$ZodIssue[] | undefined {
  const branches = issue.errors.filter((branch) => branch.some((inner) => inner.path.length > 0));
  return branches.toSorted((one, other) => one.length - other.length)[0];
}

function within(
  inner: z.core.$ZodIssue,
  outer: z.core.$ZodIssue,
  value: unknown,
  part: InputPart,
): readonly FailureDetail[] {
  return detailsOf({ ...inner, path: [...outer.path, ...inner.path] }, value, part);
}

function messageOf(issue: z.core.$ZodIssue, value: unknown, part: InputPart): string {
  if (part === 'query' && issue.code === 'invalid_type') {
    const raw = valueAt(value, issue.path);
    if (raw === null) return 'this is not percent-encoded UTF-8';
    if (Array.isArray(raw)) return 'this parameter stands here more than once';
  }
  if (valueAt(value, issue.path) === undefined && issue.code === 'invalid_type') return 'this is missing';
  if (issue.code === 'invalid_union' && issue.discriminator !== undefined) {
    const known =
      'options' in issue && Array.isArray(issue.options) ? ` (one of ${issue.options.join(', ')})` : '';
    return `this ${issue.discriminator} is not known${known}`;
  }
  return issue.message;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let current = value;
  for (const step of path) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, step)) return undefined;
    current = Reflect.get(current, step);
  }
  return current;
}

function unknownField(part: InputPart): string {
  return part === 'query' ? 'this parameter is not known' : 'this field is not known';
}

/** The dotted place; names that the sender made up are cut, so that the answer stays small. */
function placeOf(part: InputPart, steps: readonly string[]): string {
  const cut = steps.map((step) => step.slice(0, maxNameLength).toWellFormed());
  return (part === 'body' ? cut : [part, ...cut]).join('.');
}
