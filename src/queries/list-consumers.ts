/**
 * Questions: which processes read a ledger, and how far is the last of them?
 */
import type { Consumer, ConsumerName } from '../domain/arrival.ts';
import { type Database, rowsOf } from './rows-of.ts';

interface ConsumerRow extends ConsumerName {
  readonly revision: number;
  readonly first_seen_at: number;
  readonly last_seen_at: number;
  readonly moved_at: number;
}

const list = {
  name: 'list_consumers',
  text: `select c.client, c.instance, c.revision, c.first_seen_at, c.last_seen_at, c.moved_at from consumers c
    where c.ledger = $1 and (c.client, c.instance) > ($2, $3)
    order by c.client, c.instance
    limit $4`,
};

const maxPage = 1_000;

/** Up to `limit` behind a name (from the start when it is undefined), by client and instance; fewer only at the end. */
export async function listConsumers(
  database: Database,
  ledger: string,
  after: ConsumerName | undefined,
  limit: number,
): Promise<readonly Consumer[]> {
  const { client, instance } = after ?? { client: '', instance: '' };
  const values = [ledger, client, instance, Math.min(limit, maxPage)];
  const rows = await rowsOf<ConsumerRow>(database, list, values);
  return rows.map((row) => ({
    client: row.client,
    instance: row.instance,
    revision: row.revision,
    firstSeenAt: row.first_seen_at,
    lastSeenAt: row.last_seen_at,
    movedAt: row.moved_at,
  }));
}

const least = {
  name: 'least_revision',
  text: `select min(c.revision) as revision from consumers c
    where c.ledger = $1 and c.last_seen_at >= to_timestamp($2::float8 / 1000)`,
};

/** Of those that were heard of since a time; undefined when there is none. */
export async function leastRevision(
  database: Database,
  ledger: string,
  heardSince: number,
): Promise<number | undefined> {
  const [row] = await rowsOf<{ revision: number | null }>(database, least, [ledger, heardSince]);
  return row?.revision ?? undefined;
}
