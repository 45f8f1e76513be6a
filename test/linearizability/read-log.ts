/**
 * The log as the database holds it, past every server and every read model: the canonical bytes themselves.
 */
import type pg from 'pg';
import { z } from 'zod';
import type { LogEvent } from './history.ts';
import { subjectOf } from './race-client.ts';

const eventSchema = z.looseObject({
  revision: z.number(),
  type: z.string(),
  subject: z.string(),
  version: z.number(),
  data: z.looseObject({ value: z.unknown().optional() }),
  changesetId: z.string(),
  last: z.boolean(),
  reason: z.string(),
  recordedAt: z.string(),
});

/** What the race's wishes are called. */
const wishName = /^w\d+-\d+$/;

export async function readWholeLog(pool: pg.Pool): Promise<readonly LogEvent[]> {
  const { rows } = await pool.query<{ readonly bytes: string }>(
    `select convert_from(canonical, 'UTF8') as bytes from ledger_events where ledger = 'default' order by revision`,
  );
  return rows.map(({ bytes }): LogEvent => {
    const event = eventSchema.parse(JSON.parse(bytes));
    const { revision, version, changesetId, last, reason } = event;
    const isSet = event.type === 'OverrideSet';
    return {
      revision,
      version,
      changesetId,
      last,
      subject: subjectOf(event.subject),
      value: isSet ? String(event.data.value) : null,
      writeId: wishName.test(reason) ? reason : undefined,
      recordedAt: Date.parse(event.recordedAt),
    };
  });
}
