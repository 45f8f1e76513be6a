/**
 * Models and prices as clients read them (api.md, "Shapes").
 */
import { z } from 'zod';
import { formatEnd } from '../domain/assertion.ts';
import { jsonSchema } from '../domain/change.ts';
import { formatInstant } from '../domain/instant.ts';
import type { HistoryItem, ModelRecord, PriceRecord } from '../domain/questions.ts';
import { type ModelState, statusAt } from '../domain/subject-state.ts';

/** A model with its status and price at a moment (epoch milliseconds). */
export function modelAnswer({ state, pricing }: ModelRecord, at: number) {
  const {
    id,
    provider,
    model,
    name,
    successor,
    sunsetAt,
    version,
    revision,
    status: _status,
    ...fields
  } = state;
  return {
    id,
    provider,
    model,
    name,
    status: statusAt({ ...state, prices: [] }, at),
    ...(successor === undefined ? {} : { successor }),
    ...(sunsetAt === undefined ? {} : { sunsetAt: formatInstant(sunsetAt) }),
    version,
    revision,
    ...fields,
    ...(pricing === null ? {} : { pricing }),
  };
}

/**
 * What a deprecated model says in its headers: Deprecation (RFC 9745, a date as a structured field), Sunset
 * (RFC 8594, an HTTP date), and where its successor stands. `deprecatedAt` is epoch milliseconds.
 */
export function deprecationHeaders(
  state: Pick<ModelState, 'status' | 'successor' | 'sunsetAt'>,
  deprecatedAt: number | undefined,
): Record<string, string> {
  if (state.status !== 'deprecated' && state.status !== 'retired') return {};
  const headers: Record<string, string> = {};
  if (deprecatedAt !== undefined) headers['deprecation'] = `@${Math.floor(deprecatedAt / 1000)}`;
  if (state.sunsetAt !== undefined) headers['sunset'] = new Date(state.sunsetAt).toUTCString();
  if (state.successor !== undefined) {
    headers['link'] = `</v1/models/${encodeURIComponent(state.successor)}>; rel="successor-version"`;
  }
  return headers;
}

/** One version in the history of a model. */
export function modelVersionAnswer(event: HistoryItem) {
  const { version, changes, actor, reason, recordedAt, revision, type, data } = event;
  return {
    version,
    type,
    changes: changes.map(({ field, before, after }) => ({ field, oldValue: before, newValue: after })),
    changedBy: actor.id,
    reason,
    at: recordedAt,
    revision,
    ...('effectiveFrom' in data && data.effectiveFrom !== undefined
      ? { effectiveFrom: data.effectiveFrom }
      : {}),
    ...('observedAt' in data && data.observedAt !== undefined ? { observedAt: data.observedAt } : {}),
  };
}

/** One price on both clocks. */
export function priceAnswer({ effectiveFrom, effectiveUntil, recordedAt, ...price }: PriceRecord) {
  return {
    ...price,
    effectiveFrom: formatInstant(effectiveFrom),
    effectiveUntil: effectiveUntil === null ? null : formatEnd(effectiveUntil),
    recordedAt: formatInstant(recordedAt),
  };
}

const amounts = {
  input: z.string().optional(),
  output: z.string().optional(),
  cacheRead: z.string().optional(),
  cacheWrite: z.string().optional(),
  reasoning: z.string().optional(),
  inputAudio: z.string().optional(),
  outputAudio: z.string().optional(),
};

export const pricingAnswerSchema = z
  .strictObject({
    ...amounts,
    tiers: z.array(z.strictObject({ overTokens: z.number().int(), ...amounts })).optional(),
  })
  .meta({ id: 'Pricing', description: 'US dollars per million tokens, decimals as strings' });

export const modelAnswerSchema = z
  .strictObject({
    id: z.string(),
    provider: z.string(),
    model: z.string(),
    name: z.string(),
    status: z.enum(['active', 'beta', 'deprecated', 'retired', 'removed']),
    successor: z.string().optional(),
    sunsetAt: z.string().optional(),
    version: z.number().int(),
    revision: z.number().int(),
    family: z.string().optional(),
    description: z.string().optional(),
    contextWindow: z.number().int().optional(),
    outputLimit: z.number().int().optional(),
    modalities: z
      .strictObject({ input: z.array(z.string()).optional(), output: z.array(z.string()).optional() })
      .optional(),
    capabilities: z.array(z.string()).optional(),
    extra: z.record(z.string(), jsonSchema).optional(),
    pricing: pricingAnswerSchema.optional(),
  })
  .meta({
    id: 'CatalogueModel',
    description: 'A model of the catalogue, as it was known, with the price of the moment',
  });

export const modelVersionsSchema = z
  .array(
    z.strictObject({
      version: z.number().int(),
      type: z.string(),
      changes: z.array(z.strictObject({ field: z.string(), oldValue: jsonSchema, newValue: jsonSchema })),
      changedBy: z.string(),
      reason: z.string(),
      at: z.string(),
      revision: z.number().int(),
      effectiveFrom: z.string().optional(),
      observedAt: z.string().optional(),
    }),
  )
  .meta({ id: 'ModelVersions', description: 'Newest first; more by the header Link with rel="next"' });

export const priceAnswerSchema = z
  .strictObject({
    revision: z.number().int(),
    kind: z.enum(['added', 'changed', 'corrected']),
    pricing: pricingAnswerSchema,
    effectiveFrom: z.string(),
    effectiveUntil: z.string().nullable(),
    recordedAt: z.string(),
    source: z.string().nullable(),
    corrects: z.number().int().nullable(),
  })
  .meta({ id: 'PriceRecord' });
