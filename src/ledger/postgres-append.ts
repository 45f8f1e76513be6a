/**
 * The one statement that appends, on its own or within a turn.
 * In: canonical bytes and where they are to stand; out: whether they do, and where the ledger ends.
 */
import type pg from 'pg';
import { canonicalFormatVersion } from '../domain/canonical-json.ts';
import { Failure } from '../failure.ts';
import type { Head, StoredEvent } from './ledger.ts';

interface AppendRow {
  readonly appended: boolean;
  readonly head_revision: number;
  readonly head_recorded_at: number;
}

/** Rejects with the driver's own error. */
export async function appendOn(
  connection: Pick<pg.Pool | pg.PoolClient, 'query'>,
  ledger: string,
  expectedRevision: number,
  events: readonly StoredEvent[],
): Promise<{ readonly appended: boolean; readonly head: Head }> {
  const lines = events.map((event) => event.bytes).join('\n');
  const times = events.map((event) => new Date(event.recordedAt).toISOString());
  const { rows } = await connection.query<AppendRow>({
    name: 'ledger-append',
    text: 'select appended, head_revision, head_recorded_at from ledger_append($1, $2, $3, $4, $5)',
    values: [ledger, expectedRevision, canonicalFormatVersion, lines, times],
  });
  const row = rows[0];
  if (row === undefined) throw new Error('ledger_append answered nothing');
  return {
    appended: row.appended,
    head: { revision: row.head_revision, recordedAt: row.head_recorded_at },
  };
}

/** The connection was lost when the events may have become durable already. */
export function unknownOutcome(cause: unknown): Failure {
  return new Failure(
    'unavailable',
    'the connection to the log was lost: the changeset may or may not have been recorded; ask again with the same Idempotency-Key',
    { reason: 'outcome_unknown', retryAfterSeconds: 1, cause },
  );
}
