/**
 * What is answered about rebuilds and verifications, for the document and for those who read the answers.
 */
import { z } from 'zod';

const count = z.number().int().min(0);

export const askedReplaySchema = z.strictObject({ id: z.string() }).meta({
  id: 'AskedReplay',
  description:
    'Its id. Asking again while it is not finished answers the same id. A worker takes it up within a minute; a server without any worker within three',
});

const replayProgressSchema = z
  .strictObject({
    phase: z.enum(['checking', 'filling', 'indexing', 'catching up', 'comparing', 'swapping']),
    done: count.meta({ description: 'Events of all ledgers (indexes while indexing)' }),
    total: count,
    eventsPerSecond: z.number(),
  })
  .meta({ id: 'ReplayProgress' });

const replay = {
  id: z.string(),
  projections: z.array(z.string()),
  requestedBy: z.string(),
  requestedAt: z.string(),
  startedAt: z.string().nullable(),
  finishedAt: z.string().nullable(),
  state: z.enum(['waiting', 'running', 'done', 'failed']),
  progress: replayProgressSchema.exactOptional(),
  error: z.string().exactOptional(),
};

const comparisonSchema = z
  .strictObject({
    tables: z.array(
      z.strictObject({
        table: z.string(),
        rows: count,
        missing: count,
        surplus: count,
        changed: count,
        examples: z.array(z.string()).meta({ description: 'Primary keys of at most five rows' }),
      }),
    ),
    notCompared: z.array(z.strictObject({ projection: z.string(), why: z.string() })),
  })
  .meta({ id: 'Comparison', description: 'The old rows against the new ones, at the same revision' });

export const rebuildSchema = z
  .strictObject({ ...replay, comparison: comparisonSchema.exactOptional() })
  .meta({ id: 'Rebuild' });

const checkSchema = z
  .strictObject({
    name: z.string(),
    result: z.enum(['ok', 'violated', 'unknown']),
    violations: count,
    examples: z
      .array(
        z.strictObject({
          ledger: z.string().exactOptional(),
          revision: z.number().int().exactOptional(),
          what: z.string(),
        }),
      )
      .meta({ description: 'The first 20' }),
  })
  .meta({ id: 'Check' });

export const verificationSchema = z
  .strictObject({ ...replay, checks: z.array(checkSchema).exactOptional() })
  .meta({ id: 'Verification' });
