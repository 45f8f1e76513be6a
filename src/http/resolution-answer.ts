/**
 * A resolution as clients read it (api.md, "Read"): times as RFC 3339, no end as null.
 */
import { z } from 'zod';
import { formatEnd } from '../domain/assertion.ts';
import { jsonSchema } from '../domain/change.ts';
import { formatInstant } from '../domain/instant.ts';
import type { Resolution, ResolvedModel } from '../domain/resolve.ts';
import { receiptSchema } from './receipt-answer.ts';

/** The answer about one key. */
export function resolutionAnswer(resolution: Resolution) {
  const { key, value, scope, reason, revision, validUntil, arm, model } = resolution;
  return {
    key,
    value,
    scope,
    reason,
    revision,
    validUntil: formatEnd(validUntil),
    ...(arm === undefined ? undefined : { arm }),
    ...(model === undefined ? undefined : { model: modelAnswer(model) }),
  };
}

/** The answer about one key among others, where the key stands outside. */
export function valueAnswer(resolution: Resolution) {
  const { key: _key, ...rest } = resolutionAnswer(resolution);
  return rest;
}

function modelAnswer({ sunsetAt, ...model }: ResolvedModel) {
  return sunsetAt === undefined ? model : { ...model, sunsetAt: formatInstant(sunsetAt) };
}

const resolvedModelSchema = z.strictObject({
  id: z.string(),
  provider: z.string(),
  model: z.string(),
  status: z.enum(['active', 'beta', 'deprecated', 'retired', 'removed', 'unlisted']),
  successor: z.string().optional(),
  sunsetAt: z.string().optional(),
  followed: z.array(z.string()).optional(),
});

export const valueShape = {
  value: jsonSchema,
  scope: z.string().meta({ description: 'The winning scope; fallback when no override answers' }),
  reason: z.enum(['STATIC', 'TARGETING_MATCH', 'SPLIT', 'DEFAULT']),
  revision: z.number().int(),
  validUntil: z.string().nullable().meta({ description: 'When it will change by itself' }),
  arm: z.string().optional(),
  model: resolvedModelSchema.optional(),
};

export const resolutionSchema = z.strictObject({ key: z.string(), ...valueShape }).meta({ id: 'Resolution' });

export const valuesSchema = z
  .strictObject({
    revision: z.number().int(),
    values: z.record(z.string(), z.strictObject(valueShape)),
    receipt: receiptSchema.optional(),
  })
  .meta({ id: 'Values' });
