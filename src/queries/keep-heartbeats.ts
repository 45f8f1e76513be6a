/**
 * Keeps what consumers say of themselves, many in one statement. An operational table, neither in the ledger nor made from
 * it; the newest heartbeat of a process stands, wherever it came in.
 */
import { type ConsumerName, type Heartbeat, maxConsumers, silentAfterMs } from '../domain/arrival.ts';
import { type Database, inBatches, rowsOf } from './rows-of.ts';

const told = `unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[]) as h (client, instance, revision, at)`;
const heardAt = 'to_timestamp(h.at::float8 / 1000)';

/**
 * Takes those that are there, by key one after the other: a join has been planned as all against all while the table had no
 * statistics (500 of 10,000 took 280 ms). In one order, so that no batch waits for one that waits for it.
 */
const update = {
  name: 'update_consumers',
  text: `insert into consumers as c (ledger, client, instance, revision, first_seen_at, last_seen_at, moved_at)
    select $1, h.client, h.instance, h.revision, ${heardAt}, ${heardAt}, ${heardAt}
    from ${told}
    cross join lateral (
      select k.client from consumers k
      where k.ledger = $1 and k.client = h.client and k.instance = h.instance
      order by k.client limit 1) as known
    order by h.client collate "C", h.instance collate "C"
    on conflict on constraint consumers_pk do update set
      revision = case when excluded.last_seen_at >= c.last_seen_at then excluded.revision else c.revision end,
      moved_at = case when excluded.last_seen_at >= c.last_seen_at and excluded.revision <> c.revision
        then excluded.moved_at else c.moved_at end,
      last_seen_at = greatest(c.last_seen_at, excluded.last_seen_at)
    returning c.client, c.instance`,
};

/** Takes no more than there is room for, give or take what other servers take at the same moment. */
const insert = {
  name: 'insert_consumers',
  text: `insert into consumers as c (ledger, client, instance, revision, first_seen_at, last_seen_at, moved_at)
    select $1, h.client, h.instance, h.revision, ${heardAt}, ${heardAt}, ${heardAt}
    from ${told}
    order by h.client collate "C", h.instance collate "C"
    limit greatest($6 - (select count(*) from consumers where ledger = $1), 0)
    on conflict on constraint consumers_pk
      do update set revision = excluded.revision, last_seen_at = greatest(c.last_seen_at, excluded.last_seen_at)
    returning c.client, c.instance`,
};

/** A process that died without a good-bye is told as silent only until another one takes its name. */
const replace = {
  name: 'replace_silent_consumers',
  text: `delete from consumers c
    using (
      select o.client, o.instance from consumers o
      join unnest($2::text[], $3::bigint[]) as n (client, heard_since) on n.client = o.client
      where o.ledger = $1 and o.last_seen_at < to_timestamp(n.heard_since::float8 / 1000)
      order by o.client, o.instance
      for update of o skip locked
    ) as old
    where c.ledger = $1 and c.client = old.client and c.instance = old.instance
    returning c.client`,
};

/** Where there is no room, those that are silent longest give way. */
const evict = {
  name: 'evict_silent_consumers',
  text: `delete from consumers c
    using (
      select o.client, o.instance from consumers o
      where o.ledger = $1 and o.last_seen_at < to_timestamp($2::float8 / 1000)
      order by o.last_seen_at, o.client, o.instance
      limit $3
      for update skip locked
    ) as old
    where c.ledger = $1 and c.client = old.client and c.instance = old.instance
    returning c.client`,
};

const remove = {
  name: 'remove_consumers',
  text: `delete from consumers c
    using (
      select o.client, o.instance from consumers o
      join unnest($2::text[], $3::text[]) as n (client, instance) on n.client = o.client and n.instance = o.instance
      where o.ledger = $1
      order by o.client, o.instance
      for update of o
    ) as leaving
    where c.ledger = $1 and c.client = leaving.client and c.instance = leaving.instance
    returning c.client`,
};

/**
 * Keeps heartbeats, one of each process. Answers those that were not kept: there was no room, or they repeat what somebody said
 * who is not there. Failure `unavailable`.
 */
export async function keepHeartbeats(
  database: Database,
  ledger: string,
  heartbeats: readonly Heartbeat[],
): Promise<readonly ConsumerName[]> {
  const leaving = heartbeats.filter(({ isLeaving }) => isLeaving);
  if (leaving.length > 0) {
    const names = [leaving.map(({ client }) => client), leaving.map(({ instance }) => instance)];
    await rowsOf(database, remove, [ledger, ...names]);
  }
  const staying = heartbeats.filter(({ isLeaving }) => !isLeaving);
  const absent = await without(database, update, ledger, staying, []);
  const repeats = absent.filter(({ isRepeat }) => isRepeat);
  const unknown = absent.filter(({ isRepeat }) => !isRepeat);
  return unknown.length === 0 ? repeats : [...repeats, ...(await insertThose(database, ledger, unknown))];
}

/** Answers those for which there was no room. */
async function insertThose(
  database: Database,
  ledger: string,
  unknown: readonly Heartbeat[],
): Promise<readonly Heartbeat[]> {
  const heardSince = unknown.map(({ at }) => at - silentAfterMs);
  await rowsOf(database, replace, [ledger, unknown.map(({ client }) => client), heardSince]);
  const crowded = await without(database, insert, ledger, unknown, [maxConsumers]);
  if (crowded.length === 0) return [];
  const gone = await rowsOf(database, evict, [ledger, Math.max(...heardSince), crowded.length]);
  return gone.length === 0 ? crowded : without(database, insert, ledger, crowded, [maxConsumers]);
}

/** Runs a statement over heartbeats and answers those that it did not keep. */
async function without(
  database: Database,
  statement: typeof update,
  ledger: string,
  heartbeats: readonly Heartbeat[],
  more: readonly number[],
): Promise<readonly Heartbeat[]> {
  if (heartbeats.length === 0) return [];
  const rows = await rowsOf<{ client: string; instance: string }>(database, statement, [
    ledger,
    heartbeats.map(({ client }) => client),
    heartbeats.map(({ instance }) => instance),
    heartbeats.map(({ revision }) => revision),
    heartbeats.map(({ at }) => at),
    ...more,
  ]);
  const kept = new Set(rows.map(({ client, instance }) => JSON.stringify([client, instance])));
  return heartbeats.filter(({ client, instance }) => !kept.has(JSON.stringify([client, instance])));
}

const batchSize = 1_000;

const forget = {
  name: 'forget_consumers',
  text: `delete from consumers c
    using (
      select o.ledger, o.client, o.instance from consumers o
      where o.last_seen_at < now() - make_interval(hours => $1)
      order by o.last_seen_at, o.ledger, o.client, o.instance
      limit 1000
      for update skip locked
    ) as old
    where c.ledger = old.ledger and c.client = old.client and c.instance = old.instance
    returning true as forgotten`,
};

/** Forgets, in all ledgers, consumers that were not heard of for so long; batches of 1,000. Answers how many. */
export async function forgetConsumers(database: Database, silentHours: number): Promise<number> {
  return inBatches(database, forget, [silentHours], batchSize);
}
