/**
 * What query strings and paths may say, shared by the routes. Values come as text; the document shows what they mean.
 */
import { z } from 'zod';
import { keySchema, scopeIdSchema, text } from '../domain/change.ts';
import { parseInstant } from '../domain/instant.ts';
import { describeBadKey, isKey, maxKeyLength } from '../domain/key.ts';
import { maxModelIdLength } from '../domain/model-reference.ts';
import { parseScope } from '../domain/scope.ts';

/** A whole number in a query string, from `min` to `max`. */
export function wholeNumber(min: number, max: number) {
  return z
    .string()
    .refine((value) => /^(?:0|[1-9]\d{0,15})$/.test(value) && Number(value) >= min && Number(value) <= max, {
      error: `a whole number from ${min} to ${max}`,
    })
    .transform(Number)
    .meta({ type: 'integer', minimum: min, maximum: max });
}

/** A time in a query string, as epoch milliseconds. */
export const timeQuery = z
  .string()
  .transform((value, context) => {
    const instant = parseInstant(value);
    if (instant !== undefined) return instant;
    context.addIssue({
      code: 'custom',
      message: 'a time is RFC 3339 with at most milliseconds, like 2026-03-01T09:30:00.000Z',
    });
    return z.NEVER;
  })
  .meta({ format: 'date-time' });

/** A comma-separated list, which may also be given by repeating the parameter. */
export function listOf<S extends z.ZodType<unknown, string>>(item: S, max: number) {
  return z
    .union([z.string(), z.array(z.string())], { error: 'a comma-separated list' })
    .transform((value) => [value].flat().flatMap((part) => part.split(',')))
    .pipe(z.array(item).max(max))
    .meta({ type: 'string', description: `Separated by commas, at most ${max}` });
}

export const maxRevision = Number.MAX_SAFE_INTEGER;
export const maxKeysAsked = 1_000;

/** Both clocks and freshness. */
export const clockQuery = {
  asOf: z
    .string()
    .min(1)
    .max(200)
    .meta({ description: 'What the ledger held: a revision, a time (RFC 3339) or tag:<name>' })
    .exactOptional(),
  at: timeQuery.exactOptional(),
  minRevision: wholeNumber(0, maxRevision).exactOptional(),
};

export const contextQuery = {
  user: scopeIdSchema.exactOptional(),
  tenant: scopeIdSchema.exactOptional(),
  tier: scopeIdSchema.exactOptional(),
};

const defaultLimit = 50;
const maxLimit = 1_000;

export const pageQuery = {
  limit: wholeNumber(1, maxLimit)
    .default(defaultLimit)
    .meta({ description: `${defaultLimit} when it is left out` }),
  cursor: z.string().min(1).max(2_000).exactOptional(),
};

export const keysQuery = { keys: listOf(keySchema, maxKeysAsked).exactOptional() };

export const keyParams = z.strictObject({ key: keySchema });

/** A model's id as it is spelled in a path: provider/model or provider:model, percent-encoded. */
export const modelParams = z.strictObject({
  id: text(maxModelIdLength).refine((id) => !/\s/.test(id), { error: 'a model id has no spaces' }),
});

/** A key, or keys by a pattern: `*` stands for any text. */
export const keyPatternSchema = text(maxKeyLength)
  .refine((pattern) => (pattern.includes('*') ? /^[a-z0-9_.*]+$/.test(pattern) : isKey(pattern)), {
    error: (issue) => `${describeBadKey(String(issue.input))}; * stands for any text, as in ai.*`,
  })
  .meta({ description: 'A key; * stands for any text, as in ai.*' });

export const maxScopePatterns = 1_000;

/** What a snapshot or a stream is limited to: scopes, and `user:*` for a whole kind. */
export const scopePatternSchema = z
  .string()
  .refine((value) => /^(?:user|tenant|tier):\*$/.test(value) || parseScope(value) !== undefined, {
    error: 'a scope, or user:*, tenant:*, tier:* for all of a kind',
  });
