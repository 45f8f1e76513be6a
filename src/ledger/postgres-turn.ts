/**
 * A turn in the Postgres log: a transaction that holds the ledger's head row, which every append must move.
 * Those who want it wait in the database's own line. A server that dies or falls silent in its turn loses it: its
 * session ends, at the latest by idle_in_transaction_session_timeout of the pool that the turns come from.
 */
import type pg from 'pg';
import { markConnectionLost } from '../database/database-failure.ts';
import { isUnavailable, toFailure } from '../database/pool.ts';
import { Failure } from '../failure.ts';
import type { Head, Turn } from './ledger.ts';
import { appendOn, unknownOutcome } from './postgres-append.ts';

/** `onAppended` is told the head that a turn's append made. */
export async function takeTurn(
  pool: pg.Pool,
  ledger: string,
  onAppended: (ledger: string, revision: number) => void,
): Promise<Turn> {
  const client = await pool.connect().catch((error: unknown) => {
    throw toFailure(error);
  });
  let lost: Error | undefined;
  let isOpen = true;
  const onLost = (error: Error): void => {
    lost = error;
  };
  client.on('error', onLost);
  const close = async (): Promise<void> => {
    if (!isOpen) return;
    isOpen = false;
    if (lost === undefined) await client.query('rollback').catch(onLost);
    release();
  };
  const release = (): void => {
    isOpen = false;
    client.off('error', onLost);
    client.release(lost);
  };

  try {
    await client.query('begin');
    return { head: await lockHead(client, ledger), append, end: close };
  } catch (error) {
    await close();
    // What is asked of a connection that was lost just before fails without a code.
    throw lost === undefined ? toFailure(error) : toFailure(markConnectionLost(lost));
  }

  async function append(
    ...[expectedRevision, events]: Parameters<Turn['append']>
  ): ReturnType<Turn['append']> {
    // Until the commit is sent nothing can have happened.
    if (lost !== undefined) throw turnOver(lost);
    const result = await appendOn(client, ledger, expectedRevision, events).catch((error: unknown) => {
      throw isUnavailable(error) || lost !== undefined ? turnOver(error) : toFailure(error);
    });
    if (!result.appended) return { appended: false, head: result.head };
    try {
      const { command } = await client.query('commit');
      // The server answers a commit after a failed statement with a rollback and no error.
      if (command !== 'COMMIT') throw new Error('the turn was rolled back');
    } catch (error) {
      onLost(error instanceof Error ? error : new Error('the commit failed', { cause: error }));
      throw unknownOutcome(error);
    }
    release();
    onAppended(ledger, result.head.revision);
    return { appended: true };
  }
}

/** An empty ledger has no row to hold: then the first one to append still wins. */
async function lockHead(client: pg.PoolClient, ledger: string): Promise<Head> {
  const { rows } = await client.query<{ readonly revision: number; readonly recorded_at: number }>({
    name: 'ledger-turn',
    text: 'select revision, recorded_at from ledger_heads where ledger = $1 for update',
    values: [ledger],
  });
  const row = rows[0];
  return row === undefined
    ? { revision: 0, recordedAt: 0 }
    : { revision: row.revision, recordedAt: row.recorded_at };
}

function turnOver(cause: unknown): Failure {
  return new Failure('unavailable', 'this server took too long in its turn to append', {
    reason: 'turn_over',
    retryAfterSeconds: 1,
    cause,
  });
}
