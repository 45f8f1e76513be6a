/**
 * Writing a changeset, once: every attempt carries the same Idempotency-Key, so that one whose answer was lost is not
 * written twice. In: a changeset; out: what the server says, or its Failure.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { Failure } from '../failure.ts';
import type { ApiClient } from './api-client.ts';
import { createBackoff } from './backoff.ts';
import type { ChangesetToWrite, WriteOptions, Written } from './varve.ts';
import type { VarveParts } from './varve-parts.ts';

const writtenSchema = z.object({
  /** Null when nothing changed. */
  changesetId: z.string().nullable(),
  revisions: z.object({ first: z.number(), last: z.number() }).optional(),
  warnings: z.array(z.object({ code: z.string(), message: z.string(), path: z.string() })),
  consumers: z
    .object({
      revision: z.number(),
      reached: z.array(z.string()),
      reachedCount: z.number(),
      missing: z.array(
        z.object({
          client: z.string(),
          instance: z.string(),
          revision: z.number(),
          state: z.enum(['current', 'behind', 'stuck', 'silent']),
          lastSeenAt: z.string(),
        }),
      ),
      missingCount: z.number(),
    })
    .optional(),
});

/** Failures: those of the server; unavailable and limited only when trying again for a while did not help. */
export async function writeChangeset(
  api: ApiClient,
  parts: Pick<VarveParts, 'elapsed' | 'random' | 'newId' | 'waits'>,
  changeset: ChangesetToWrite,
  { idempotencyKey = parts.newId(), waitFor, waitMs }: WriteOptions,
): Promise<Written> {
  const { waits, elapsed } = parts;
  const backoff = createBackoff(parts.random, { retryMs: waits.retryMs / 4, maxRetryMs: 5_000 });
  const end = elapsed() + waits.writeMs;
  for (;;) {
    try {
      const { body } = await api.send({
        method: 'POST',
        path: '/v1/changesets',
        query: { waitFor, waitMs },
        headers: { 'idempotency-key': idempotencyKey },
        body: changeset,
        timeoutMs: waits.writeMs + (waitMs ?? 0),
      });
      return written(body);
    } catch (error) {
      if (!(error instanceof Failure) || (error.code !== 'unavailable' && error.code !== 'limited'))
        throw error;
      const waitMs = backoff.next((error.retryAfterSeconds ?? 0) * 1_000);
      if (elapsed() + waitMs > end) throw error;
      await sleep(waitMs);
    }
  }
}

function written(body: unknown): Written {
  const { changesetId, revisions, warnings, consumers } = writtenSchema.parse(body);
  return {
    ...(changesetId === null ? {} : { changesetId }),
    ...(revisions === undefined ? {} : { revisions }),
    warnings,
    ...(consumers === undefined ? {} : { consumers }),
  };
}
