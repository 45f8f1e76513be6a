/**
 * Keeps usage: each id once, whoever reports it and however often, and the contexts that it was seen with.
 * An operational table, neither in the ledger nor made from it. Nothing that is kept is ever overwritten.
 */
import type pg from 'pg';
import { transaction } from '../database/pool.ts';
import type { ReceivedUsage, UsageReceipt } from '../domain/usage/usage.ts';
import { noteContexts } from './contexts-seen.ts';
import { type Database, rowsOf } from './rows-of.ts';

/** The columns of a record, as they travel in one JSON text: 10,000 records are one statement with one value. */
const columns = [
  ['id', 'text'],
  ['at', 'bigint'],
  ['key', 'text'],
  ['model', 'text'],
  ['modelByKey', 'boolean'],
  ['user', 'text'],
  ['tenant', 'text'],
  ['tier', 'text'],
  ['inputTokens', 'integer'],
  ['outputTokens', 'integer'],
  ['cacheReadTokens', 'integer'],
  ['cacheWriteTokens', 'integer'],
  ['reasoningTokens', 'integer'],
  ['inputAudioTokens', 'integer'],
  ['outputAudioTokens', 'integer'],
] as const satisfies readonly (readonly [keyof ReceivedUsage, string])[];

const received = `json_to_recordset($2::json) as r (${columns.map(([name, type]) => `"${name}" ${type}`).join(', ')})`;

const insert = {
  name: 'record_usage',
  text: `insert into usage_records
      (ledger, id, at, key, model, model_by_key, user_id, tenant_id, tier_id, input_tokens, output_tokens,
       cache_read_tokens, cache_write_tokens, reasoning_tokens, input_audio_tokens, output_audio_tokens)
    select $1, r.id, to_timestamp(r.at::float8 / 1000), r.key, r.model, r."modelByKey", r."user", r.tenant, r.tier,
      r."inputTokens", r."outputTokens", r."cacheReadTokens", r."cacheWriteTokens", r."reasoningTokens",
      r."inputAudioTokens", r."outputAudioTokens"
    from ${received}
    -- Batches that share ids take them in one order, so none waits for one that waits for it.
    order by r.id collate "C"
    on conflict on constraint usage_records_pk do nothing
    returning id`,
};

/** A model that was found by key is no content of the report: later the same report may find another one. */
const differing = {
  name: 'differing_usage',
  text: `select distinct r.id collate "C" as id
    from ${received}
    join usage_records u on u.ledger = $1 and u.id = r.id
    where (u.at, u.key, u.model_by_key, u.user_id, u.tenant_id, u.tier_id, u.input_tokens, u.output_tokens,
        u.cache_read_tokens, u.cache_write_tokens, u.reasoning_tokens, u.input_audio_tokens, u.output_audio_tokens)
      is distinct from
        (to_timestamp(r.at::float8 / 1000), r.key, r."modelByKey", r."user", r.tenant, r.tier, r."inputTokens",
        r."outputTokens", r."cacheReadTokens", r."cacheWriteTokens", r."reasoningTokens", r."inputAudioTokens",
        r."outputAudioTokens")
      or (u.model is distinct from r.model and not r."modelByKey")
    order by id
    limit $3`,
};

/** The most ids that are told as conflicting. */
const maxConflicting = 100;

/**
 * Keeps the records whose id is new, all in one transaction; the first of an id stands, also within `records`.
 * At most 10,000 at once. Failures: `unavailable`; then nothing was kept, or all of it (`outcome_unknown`): sending the
 * same again is safe.
 */
export async function recordUsage(
  pool: pg.Pool,
  ledger: string,
  records: readonly ReceivedUsage[],
): Promise<UsageReceipt> {
  const firsts = new Map<string, ReceivedUsage>();
  for (const record of records) if (!firsts.has(record.id)) firsts.set(record.id, record);
  return transaction(pool, async (client) => {
    const rows = await rowsOf<{ id: string }>(client, insert, [ledger, JSON.stringify([...firsts.values()])]);
    const added = new Set(rows.map(({ id }) => id));
    const others = records.filter((record) => !added.has(record.id) || firsts.get(record.id) !== record);
    const conflicting = others.length === 0 ? [] : await differingIds(client, ledger, others);
    if (added.size > 0) await noteContexts(client, ledger, 'usage', [...firsts.values()]);
    return { received: records.length, added: added.size, duplicates: others.length, conflicting };
  });
}

async function differingIds(
  database: Database,
  ledger: string,
  records: readonly ReceivedUsage[],
): Promise<readonly string[]> {
  const values = [ledger, JSON.stringify(records), maxConflicting];
  return (await rowsOf<{ id: string }>(database, differing, values)).map(({ id }) => id);
}
