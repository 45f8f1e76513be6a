/**
 * Answers to idempotent requests that changed nothing: they have no event to stand in, so a table remembers
 * them.
 * An operational table, neither in the ledger nor made from it; read by find-idempotent.ts.
 */
import type { IdempotentRequest } from './find-idempotent.ts';
import { type Database, inBatches, rowsOf } from './rows-of.ts';

const insert = {
  name: 'remember_answer',
  text: `insert into remembered_answers (ledger, actor, idempotency_key, body_hash, answer)
    values ($1, $2, $3, $4, $5)
    on conflict on constraint remembered_answers_pk do nothing
    returning true as remembered`,
};

const forget = {
  name: 'forget_answers',
  text: `delete from remembered_answers r
    using (
      select o.ledger, o.actor, o.idempotency_key from remembered_answers o
      where o.created_at < now() - make_interval(days => $1)
      order by o.created_at, o.ledger, o.actor, o.idempotency_key
      limit 1000
    ) as old
    where r.ledger = old.ledger and r.actor = old.actor and r.idempotency_key = old.idempotency_key
    returning true as forgotten`,
};

const batchSize = 1_000;

/** Remembers an answer (JSON); false when the key has one already, which then stands. */
export async function remember(
  database: Database,
  ledger: string,
  { actor, key }: IdempotentRequest,
  bodyHash: string,
  answer: unknown,
): Promise<boolean> {
  const values = [ledger, actor, key, bodyHash, JSON.stringify(answer)];
  return (await rowsOf(database, insert, values)).length > 0;
}

/**
 * Forgets, in all ledgers, answers that are older; batches of 1,000. Answers how many.
 */
export async function forgetAnswers(database: Database, olderThanDays: number): Promise<number> {
  return inBatches(database, forget, [olderThanDays], batchSize);
}
