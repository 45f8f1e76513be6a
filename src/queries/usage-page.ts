/**
 * Question: which usage was recorded in a window of time? In pages of 2,000, by keyset over time and id.
 * Each filter makes a statement of its own shape, so that the planner sees just the index that serves it.
 */

import type { UsageRecord } from '../domain/usage/usage.ts';
import type { UsageFilter, UsagePosition } from '../domain/usage/usage-questions.ts';
import { type Database, rowsOf } from './rows-of.ts';

interface UsageRow {
  readonly id: string;
  readonly at: number;
  readonly key: string | null;
  readonly model: string | null;
  readonly user_id: string | null;
  readonly tenant_id: string | null;
  readonly tier_id: string | null;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cache_read_tokens: number;
  readonly cache_write_tokens: number;
  readonly reasoning_tokens: number;
  readonly input_audio_tokens: number;
  readonly output_audio_tokens: number;
}

const pageSize = 2_000;

/** Up to 2,000 records behind a place (from the start when it is undefined); fewer only at the end. */
export async function usagePage(
  database: Database,
  ledger: string,
  filter: UsageFilter,
  after: UsagePosition | undefined,
): Promise<readonly UsageRecord[]> {
  const { from, to, model, tenant, key } = filter;
  const values: (string | number)[] = [ledger, after?.at ?? from, to, pageSize];
  let conditions = '';
  const add = (condition: string, ...more: (string | number)[]): void => {
    conditions += ` and ${condition}`;
    values.push(...more);
  };
  const place = () => `$${values.length + 1}`;
  if (after !== undefined) add(`(u.at, u.id) > (to_timestamp($2::float8 / 1000), ${place()})`, after.id);
  if (model !== undefined) add(`u.model = ${place()}`, model);
  if (tenant !== undefined) add(`u.tenant_id = ${place()}`, tenant);
  if (key !== undefined) add(`u.key = ${place()}`, key);
  return (await rowsOf<UsageRow>(database, { text: matching(conditions) }, values)).map(recordOf);
}

/** $1 ledger, $2 and $3 the window, $4 the limit, then the values of the conditions. */
function matching(conditions: string): string {
  return `select u.id, u.at, u.key, u.model, u.user_id, u.tenant_id, u.tier_id, u.input_tokens, u.output_tokens,
      u.cache_read_tokens, u.cache_write_tokens, u.reasoning_tokens, u.input_audio_tokens, u.output_audio_tokens
    from usage_records u
    where u.ledger = $1 and u.at >= to_timestamp($2::float8 / 1000) and u.at < to_timestamp($3::float8 / 1000)${conditions}
    order by u.at, u.id
    limit $4`;
}

function recordOf(row: UsageRow): UsageRecord {
  return {
    id: row.id,
    at: row.at,
    ...(row.key === null ? {} : { key: row.key }),
    ...(row.model === null ? {} : { model: row.model }),
    ...(row.user_id === null ? {} : { user: row.user_id }),
    ...(row.tenant_id === null ? {} : { tenant: row.tenant_id }),
    ...(row.tier_id === null ? {} : { tier: row.tier_id }),
    inputTokens: row.input_tokens,
    outputTokens: row.output_tokens,
    cacheReadTokens: row.cache_read_tokens,
    cacheWriteTokens: row.cache_write_tokens,
    reasoningTokens: row.reasoning_tokens,
    inputAudioTokens: row.input_audio_tokens,
    outputAudioTokens: row.output_audio_tokens,
  };
}
