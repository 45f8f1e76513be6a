/**
 * The name of the log in a database: read by the engine, and given by a copy of another log, once, while there is nothing
 * that the old name could stand for. It is the owner's to change: the servers' roles may not.
 */
import type pg from 'pg';
import { Failure } from '../failure.ts';
import { rowsOf } from './postgres-rows.ts';

/** Failure `corrupt`, reason `no_log_identity`. */
export async function readIdentity(pool: pg.Pool): Promise<string> {
  const [row] = await rowsOf<{ readonly id: string }>(pool, {
    name: 'ledger-identity',
    text: 'select id::text as id from log_identity order by id limit 1',
  });
  if (row !== undefined) return row.id;
  throw new Failure('corrupt', 'This database does not name its log', { reason: 'no_log_identity' });
}

/** Names a log without events as the one that it is to be a copy of (a UUID); answers the name that it has. */
export async function adoptIdentity(pool: pg.Pool, identity: string): Promise<string> {
  await rowsOf(pool, {
    text: `update log_identity set id = $1::uuid
            where id <> $1::uuid and not exists (select from ledger_heads)`,
    values: [identity],
  });
  return readIdentity(pool);
}
