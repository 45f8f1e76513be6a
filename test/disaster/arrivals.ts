/**
 * What must still arrive after the queue was wiped: one entry for each kind of background work. A new kind is one more
 * entry: how to give it work to do just before the wipe, and how to see that it was done.
 */
import type pg from 'pg';
import type { Client } from './client.ts';

export interface ArrivalPlace {
  /** Past Varve. */
  readonly database: pg.Pool;
  readonly client: Client;
  /** Another one in each cycle. */
  readonly name: string;
}

export interface Arrival {
  /** For people, what has been done then. */
  readonly what: string;
  plant(place: ArrivalPlace): Promise<void>;
  hasArrived(place: ArrivalPlace): Promise<boolean>;
}

export const arrivals: readonly Arrival[] = [
  {
    what: 'an answer from last year was forgotten',
    async plant({ database, name }) {
      await database.query(
        `insert into remembered_answers (ledger, actor, idempotency_key, body_hash, answer, created_at)
         values ('default', 'nobody', $1, $2, '{}', now() - interval '1 year')`,
        [name, 'a'.repeat(64)],
      );
    },
    async hasArrived({ database, name }) {
      const found = await database.query(
        `select 1 from remembered_answers where ledger = 'default' and actor = 'nobody' and idempotency_key = $1`,
        [name],
      );
      return found.rowCount === 0;
    },
  },
];
