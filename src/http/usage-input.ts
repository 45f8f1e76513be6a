/**
 * Usage as it is reported: the schema of a batch, and what a batch must say beside its shape.
 */
import { z } from 'zod';
import { keySchema, modelIdSchema, scopeIdSchema, text } from '../domain/change.ts';
import { maxTokens } from '../domain/usage/usage.ts';
import { Failure } from '../failure.ts';
import { timeQuery } from './query-schemas.ts';

const maxRecords = 10_000;

/** How far the clock of who reports may be ahead. */
const maxAheadMs = 60_000;

const tokens = z.number().int().min(0).max(maxTokens).default(0);

const recordSchema = z
  .strictObject({
    id: text(200),
    at: timeQuery,
    key: keySchema.exactOptional(),
    model: modelIdSchema.exactOptional(),
    user: scopeIdSchema.exactOptional(),
    tenant: scopeIdSchema.exactOptional(),
    tier: scopeIdSchema.exactOptional(),
    inputTokens: tokens,
    outputTokens: tokens,
    cacheReadTokens: tokens,
    cacheWriteTokens: tokens,
    reasoningTokens: tokens,
    inputAudioTokens: tokens,
    outputAudioTokens: tokens,
  })
  .refine(({ key, model }) => key !== undefined || model !== undefined, {
    error: 'a record names its key, its model or both',
  })
  .meta({
    id: 'UsageRecord',
    description:
      'The tokens of one request; each token is counted in exactly one of the counts. The same id counts once.',
  });

export const usageBatchSchema = z
  .strictObject({ records: z.array(recordSchema).min(1).max(maxRecords) })
  .meta({ id: 'UsageBatch' });

export type ReportedUsage = z.output<typeof recordSchema>;

/** Failure `invalid` that names everything of the future in a list of the body. */
export function refuseFuture(list: string, reported: readonly { readonly at: number }[], now: number): void {
  const details = reported.flatMap(({ at }, index) =>
    at <= now + maxAheadMs
      ? []
      : [{ path: `${list}.${index}.at`, message: 'this is reported when it has happened' }],
  );
  const [first] = details;
  if (first === undefined) return;
  const more = details.length > 1 ? ` (and ${details.length - 1} more)` : '';
  throw new Failure('invalid', `${first.path}: ${first.message}${more}`, {
    reason: 'in_the_future',
    details,
  });
}
