/**
 * The contexts that really ask: noted as they are seen, and the question which ones were seen last.
 * An operational table, neither in the ledger nor made from it.
 */
import type { ActiveContext } from '../domain/arrival.ts';
import type { Context } from '../domain/scope.ts';
import { projectedLedgers } from './list-projections.ts';
import { type Database, inBatches, rowsOf } from './rows-of.ts';

export interface ContextRow {
  readonly user_id: string;
  readonly tenant_id: string;
  readonly tier_id: string;
}

/** A context and when it was seen, epoch milliseconds. */
export type SeenContext = Context & { readonly at: number };

/**
 * A context in use is seen all the time: its row is touched once a minute at most, and batches that share contexts take
 * them in one order, so none waits for one that waits for it.
 */
const note = {
  name: 'note_contexts',
  text: `insert into contexts_seen (ledger, user_id, tenant_id, tier_id, how, last_seen)
    select $1, s.user_id, s.tenant_id, s.tier_id, $2, to_timestamp(s.at::float8 / 1000)
    from unnest($3::text[], $4::text[], $5::text[], $6::bigint[]) as s (user_id, tenant_id, tier_id, at)
    where not exists (
      select from contexts_seen c
      where c.ledger = $1 and c.user_id = s.user_id and c.tenant_id = s.tenant_id and c.tier_id = s.tier_id
        and c.last_seen > to_timestamp(s.at::float8 / 1000) - interval '1 minute')
    order by s.user_id collate "C", s.tenant_id collate "C", s.tier_id collate "C"
    on conflict on constraint contexts_seen_pk
      do update set last_seen = greatest(contexts_seen.last_seen, excluded.last_seen), how = excluded.how`,
};

/** The most contexts that are told at once. */
const maxTold = 100_000;

const lastSeen = {
  text: `select c.user_id, c.tenant_id, c.tier_id from contexts_seen c
    where c.ledger = $1
    order by c.last_seen desc, c.user_id, c.tenant_id, c.tier_id
    limit $2`,
};

/** Up to `limit` contexts, at most 100,000, last seen first; one without user, tenant and tier is one as well. */
export async function contextsSeen(
  database: Database,
  ledger: string,
  limit: number,
): Promise<readonly Context[]> {
  const rows = await rowsOf<ContextRow>(database, lastSeen, [ledger, Math.min(limit, maxTold)]);
  return rows.map(contextOf);
}

/** The context of a row. */
export function contextOf({ user_id, tenant_id, tier_id }: ContextRow): Context {
  return {
    ...(user_id === '' ? {} : { user: user_id }),
    ...(tenant_id === '' ? {} : { tenant: tenant_id }),
    ...(tier_id === '' ? {} : { tier: tier_id }),
  };
}

const forgetBatch = 1_000;

/** Along the index, a ledger at a time. */
const forget = {
  name: 'forget_contexts',
  text: `delete from contexts_seen c
    using (
      select o.user_id, o.tenant_id, o.tier_id from contexts_seen o
      where o.ledger = $1 and o.last_seen < now() - make_interval(hours => $2)
      order by o.last_seen, o.user_id desc, o.tenant_id desc, o.tier_id desc
      limit 1000
      for update skip locked
    ) as old
    where c.ledger = $1 and c.user_id = old.user_id and c.tenant_id = old.tenant_id and c.tier_id = old.tier_id
    returning true as forgotten`,
};

/** Forgets, in all ledgers, contexts that were not seen for so long; batches of 1,000. Answers how many. */
export async function forgetContexts(database: Database, unseenHours: number): Promise<number> {
  let count = 0;
  for (const ledger of await projectedLedgers(database)) {
    count += await inBatches(database, forget, [ledger, unseenHours], forgetBatch);
  }
  return count;
}

/** Notes each of the contexts at the latest time that is given for it. */
export async function noteContexts(
  database: Database,
  ledger: string,
  how: ActiveContext['how'],
  seen: readonly SeenContext[],
): Promise<void> {
  const latest = new Map<string, SeenContext>();
  for (const context of seen) {
    const name = JSON.stringify([context.user, context.tenant, context.tier]);
    const known = latest.get(name);
    if (known === undefined || known.at < context.at) latest.set(name, context);
  }
  const contexts = [...latest.values()];
  await rowsOf(database, note, [
    ledger,
    how,
    contexts.map(({ user = '' }) => user),
    contexts.map(({ tenant = '' }) => tenant),
    contexts.map(({ tier = '' }) => tier),
    contexts.map(({ at }) => at),
  ]);
}
