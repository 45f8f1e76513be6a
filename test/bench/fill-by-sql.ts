/**
 * Fills the read models of one ledger by SQL alone: millions of events in minutes, in the shapes that projections give
 * them. A pool of a migrated database whose read models are empty comes in, with a number of events; the same rows come
 * of it every time. There is no log behind them, so no server starts on them: it is for asking the read models.
 *
 * The world: 200 keys (the first 50 hold models), 100 models, 500 actors, a million scopes of which few are changed often,
 * changesets of 1–5 events, a year. Every twentieth event is about one key of one scope (`busyScope`).
 */
import type pg from 'pg';
import { projections } from '../../projections/index.ts';

export const filledLedger = 'default';
export const keyCount = 200;
export const modelCount = 100;
export const actorCount = 500;
/** Of a million scopes; the others are 1 global and 40 tiers. */
export const userCount = 900_000;
export const tenantCount = 100_000;
export const tierCount = 40;
/** The key and scope of every twentieth event. */
export const busyKey = 'ai.feature_0.setting';
export const busyScope = 'tenant:busy';
/** The first changeset is recorded then, and the last one just before the end, whatever the number of events. */
export const filledFrom = Date.UTC(2025, 9, 1);
export const filledUntil = Date.UTC(2026, 9, 1);

/** Keys and models are made by the first events, one each. */
const founding = keyCount + modelCount;

const tables = [
  'history',
  'subjects',
  'assertions',
  'changesets',
  'key_definitions',
  'models',
  'prices',
] as const;

/** Fills a ledger with so many events (at least 1,000) and analyzes the tables. */
export async function fillBySql(
  pool: pg.Pool,
  events: number,
  say: (line: string) => void = () => undefined,
): Promise<void> {
  const client = await pool.connect();
  try {
    // The session's own: it is closed afterwards.
    await client.query(`set statement_timeout = 0; set temp_file_limit = -1; set synchronous_commit = off;
      set work_mem = '256MB'; set maintenance_work_mem = '1GB'`);
    const indexes = await dropIndexes(client);
    for (const [name, text] of Object.entries(steps(events))) {
      say(`  ${name}`);
      await client.query(text);
    }
    for (const { name, definition } of indexes) {
      say(`  index ${name}`);
      await client.query(definition);
    }
    for (const projection of projections) {
      await client.query(
        `insert into projection_checkpoints (ledger, projection, version, revision, log_id, state, updated_at)
         values ($1, $2, $3, $4, 'filled', 'running', now())`,
        [filledLedger, projection.name, projection.version, events],
      );
    }
    await client.query('drop table filled');
    await client.query('vacuum analyze');
    await client.query('checkpoint');
  } finally {
    client.release(true);
  }
}

/** Building an index at once is several times faster than row by row; what constraints need stays. */
async function dropIndexes(
  client: pg.PoolClient,
): Promise<readonly { readonly name: string; readonly definition: string }[]> {
  const found = await client.query<{ name: string; definition: string }>(
    `select i.indexname as name, i.indexdef as definition from pg_indexes i
      where i.schemaname = current_schema() and i.tablename = any ($1)
        and not exists (select from pg_constraint c where c.conname = i.indexname)
      order by i.indexname
      limit 1000`,
    [tables],
  );
  for (const { name } of found.rows) await client.query(`drop index ${name}`);
  return found.rows;
}

function steps(events: number): Readonly<Record<string, string>> {
  return {
    chances,
    events: drawEvents(events),
    history: insertHistory,
    assertions: insertAssertions,
    changesets: insertChangesets,
    definitions: insertDefinitions,
    models: insertModels,
    prices: insertPrices,
    subjects: insertSubjects,
  };
}

/** A number from 0 to below 1, the same for the same arguments. */
const chances = `create function pg_temp.chance(about bigint, place bigint) returns float8
  language sql immutable parallel safe
  return ((hashint8extended(about, place) >> 11) & 9007199254740991)::float8 / 9007199254740992;
create function pg_temp.spelled(moment timestamptz) returns text
  language sql stable parallel safe
  return to_char(moment at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** Changesets of 1, 2, 3, 4 and 5 events in turn: five of them in fifteen revisions. */
const changesetOf = `((revision - 1) / 15) * 5
  + case when (revision - 1) % 15 < 1 then 0 when (revision - 1) % 15 < 3 then 1 when (revision - 1) % 15 < 6 then 2
    when (revision - 1) % 15 < 10 then 3 else 4 end`;

/** One row an event; `value` and `before` are JSON texts of what it says and what its subject said before. */
function drawEvents(events: number): string {
  const stepMs = Math.floor((filledUntil - filledFrom) / ((events / 15) * 5 + 5));
  // As much is waiting for its start in every size: what grows is the past.
  const leadSeconds = Math.ceil((7 * 86_400 * 100_000) / Math.max(events, 100_000));
  return `create unlogged table filled as
  with placed as (
    select revision, ${changesetOf} as number,
      (revision - 1) % 15 in (0, 2, 5, 9, 14) or revision = ${events} as is_last,
      case
        when revision <= ${keyCount} then 'KeyDefined'
        when revision <= ${founding} then 'ModelAdded'
        when revision % 20 = 0 or pg_temp.chance(revision, 1) < 0.88 then 'OverrideSet'
        when pg_temp.chance(revision, 1) < 0.94 then 'OverrideCleared'
        when pg_temp.chance(revision, 1) < 0.96 then 'KeyDefined'
        when pg_temp.chance(revision, 1) < 0.98 then 'ModelUpdated'
        else 'ModelPriceChanged'
      end as type,
      case
        when revision <= ${keyCount} then revision - 1
        when revision > ${founding} and revision % 20 = 0 then 0
        else floor(${keyCount} * pg_temp.chance(revision, 2) ^ 2)::bigint
      end as place,
      case when revision <= ${founding} then revision - ${keyCount + 1}
        else floor(${modelCount} * pg_temp.chance(revision, 3) ^ 2)::bigint end as model_place,
      case
        when revision % 20 = 0 then '${busyScope}'
        when pg_temp.chance(revision, 4) < 0.02 then 'global'
        when pg_temp.chance(revision, 4) < 0.1 then 'tier:' || floor(${tierCount} * pg_temp.chance(revision, 5))
        when pg_temp.chance(revision, 4) < 0.4 then 'tenant:t-' || floor(${tenantCount} * pg_temp.chance(revision, 5) ^ 3)
        else 'user:u-' || floor(${userCount} * pg_temp.chance(revision, 5) ^ 3)
      end as drawn_scope
    from generate_series(1::bigint, ${events}::bigint) as revision
  ),
  named as (
    select revision, number, is_last, type, place,
      to_timestamp(${filledFrom / 1000}) + number * interval '${stepMs} ms' as recorded_at,
      'actor-' || floor(${actorCount} * pg_temp.chance(number, 6) ^ 2) as actor,
      case when type like 'Model%' then null else 'ai.feature_' || place || '.setting' end as key,
      case when type like 'Override%' then drawn_scope end as scope,
      case when type like 'Model%' then 'acme/model-' || model_place end as model
    from placed
  ),
  told as (
    select n.*,
      case when n.model is not null then 'model:' || n.model
        when n.scope is not null then 'override:' || n.key || '@' || n.scope else 'key:' || n.key end as subject,
      case when type = 'OverrideSet' and pg_temp.chance(revision, 7) < 0.03
        then recorded_at + (1 + floor(${leadSeconds} * pg_temp.chance(revision, 8))) * interval '1 second'
        else recorded_at end as effective_from
    from named n
  ),
  counted as (
    select t.*, row_number() over by_subject as version,
      count(*) filter (where type = 'ModelUpdated') over by_subject as updates,
      count(*) filter (where type = 'ModelPriceChanged') over by_subject as price_changes,
      case type
        when 'OverrideCleared' then null
        when 'OverrideSet' then case when place < 50
          then '"acme/model-' || floor(${modelCount} * pg_temp.chance(revision, 9)) || '"'
          else '"Answer like number ' || floor(500 * pg_temp.chance(revision, 9)) || '."' end
        when 'KeyDefined' then case when place < 50
          then '"acme/model-' || (revision % ${modelCount}) || '"' else '"Answer briefly, version ' || revision || '."' end
      end as value,
      case when type = 'OverrideSet' and pg_temp.chance(revision, 10) < 0.05
        then effective_from + (1 + floor(30 * 86400 * pg_temp.chance(revision, 11))) * interval '1 second'
      end as effective_until
    from told t
    window by_subject as (partition by subject order by revision)
  )
  select c.*, coalesce(lag(value) over (partition by subject order by revision), 'null') as before,
    128000 + 1000 * updates as context_window, trim_scale((100 + price_changes)::numeric / 100) as input_price
  from counted c
  order by revision`;
}

const changesetId = `'01980000-0000-7000-8000-' || lpad(number::text, 12, '0')`;

/** What was put into tickets, in their own words. */
const reason = `(array['Premium plans answer better', 'This customer asked for another model', 'Cheaper, with the same scores',
  'Taken back after complaints about slow answers', 'Experiment of the search team, second round'])[1 + number % 5]
  || ' (ticket ' || number || ')'`;

const definition = `'{"key":"' || key || '","valueType":"' || case when place < 50 then 'model' else 'string' end
  || '","fallback":' || value || ',"description":"What the feature ' || place || ' is set to"}'`;

const modelFields = `'"name":"Model of Acme","family":"acme","contextWindow":' || context_window`;

const pricing = `'{"input":"' || input_price || '","output":"' || trim_scale(input_price * 3) || '"}'`;

const interval = `case when effective_from > recorded_at
    then ',"effectiveFrom":"' || pg_temp.spelled(effective_from) || '"' else '' end
  || coalesce(',"effectiveUntil":"' || pg_temp.spelled(effective_until) || '"', '')`;

const data = `case type
  when 'KeyDefined' then ${definition}
  when 'OverrideSet' then '{"key":"' || key || '","scope":"' || scope || '","value":' || value || ${interval} || '}'
  when 'OverrideCleared' then '{"key":"' || key || '","scope":"' || scope || '"}'
  when 'ModelAdded' then '{"id":"' || model || '","model":{' || ${modelFields} || ',"status":"active"},"pricing":' || ${pricing} || '}'
  when 'ModelUpdated' then '{"id":"' || model || '","updates":{"contextWindow":' || context_window || '}}'
  else '{"id":"' || model || '","pricing":' || ${pricing} || '}'
end`;

const changes = `case type
  when 'KeyDefined' then '{"field":"fallback","before":' || before || ',"after":' || value || '}'
  when 'ModelAdded' then '{"field":"contextWindow","before":null,"after":' || context_window || '},{"field":"pricing.input","before":null,"after":"' || input_price || '"}'
  when 'ModelUpdated' then '{"field":"contextWindow","before":' || context_window - 1000 || ',"after":' || context_window || '}'
  when 'ModelPriceChanged' then '{"field":"pricing.input","before":"' || trim_scale(input_price - 0.01) || '","after":"' || input_price || '"}'
  else '{"field":"value","before":' || before || ',"after":' || coalesce(value, 'null') || '}'
end`;

const insertHistory = `insert into history (ledger, revision, type, subject, key, scope, actor, event, changes)
  select '${filledLedger}', revision, type, subject, key, scope, actor, ('{"type":"' || type || '","data":' || ${data}
    || ',"ledger":"${filledLedger}","revision":' || revision || ',"schemaVersion":1,"subject":"' || subject
    || '","version":' || version || ',"recordedAt":"' || pg_temp.spelled(recorded_at)
    || '","actor":{"id":"' || actor || '","kind":"person","via":"console"},"reason":"' || ${reason}
    || '","source":"console","changesetId":"' || ${changesetId} || '","last":' || is_last
    || ',"requestId":"01980000-0000-7000-9000-' || lpad(number::text, 12, '0') || '"}')::json,
    ('[' || ${changes} || ']')::json
  from filled order by revision`;

const insertAssertions = `insert into assertions
    (ledger, revision, key, scope, kind, value, effective_from, effective_until, scheduled)
  select '${filledLedger}', revision, key, scope, case when value is null then 'cleared' else 'value' end, value::json,
    effective_from, effective_until, effective_from > recorded_at
  from filled where scope is not null order by revision`;

const insertChangesets = `insert into changesets (ledger, changeset_id, first_revision, last_revision, recorded_at, actor, via,
    reason, source, request_id, search)
  select '${filledLedger}', (${changesetId})::uuid, first_revision, last_revision, recorded_at, actor, 'console', ${reason},
    'console', '01980000-0000-7000-9000-' || lpad(number::text, 12, '0'),
    search_words(${reason} || ' ' || actor || ' console ' || subjects)
  from (
    select number, min(revision) as first_revision, max(revision) as last_revision, min(recorded_at) as recorded_at,
      min(actor) as actor, string_agg(subject, ' ') as subjects
    from filled group by number
  ) as made order by number`;

const nextOfSubject = 'lead(revision) over (partition by subject order by revision)';

const insertDefinitions = `insert into key_definitions
    (ledger, key, version, revision, until_revision, retired, definition)
  select '${filledLedger}', key, version, revision, ${nextOfSubject}, false, (${definition})::json
  from filled where type = 'KeyDefined'`;

const modelState = `${modelFields} || ',"id":"' || model || '","provider":"acme","model":"' || substr(model, 6)
  || '","status":"active","version":' || version || ',"revision":' || revision`;

const insertModels = `insert into models (ledger, id, version, revision, until_revision, provider, status, state, search)
  select '${filledLedger}', model, version, revision, ${nextOfSubject}, 'acme', 'active', ('{' || ${modelState} || '}')::json,
    model || ' model of acme acme'
  from filled where model is not null`;

const insertPrices = `insert into prices (ledger, revision, model_id, kind, pricing, effective_from)
  select '${filledLedger}', revision, model, case when type = 'ModelAdded' then 'added' else 'changed' end,
    (${pricing})::json, recorded_at
  from filled where type in ('ModelAdded', 'ModelPriceChanged')`;

/** The last event of each, which stands for all that its subject holds. */
const insertSubjects = `insert into subjects (ledger, subject, version, revision, state)
  select '${filledLedger}', subject, version, revision, (case
      when model is not null then '{' || ${modelState} || ',"prices":[{"revision":' || revision || ',"from":'
        || (extract(epoch from recorded_at) * 1000)::bigint || ',"until":8640000000000000,"pricing":' || ${pricing} || '}]}'
      when scope is null then '{"version":' || version || ',"revision":' || revision || ',"definition":'
        || ${definition} || ',"retired":false}'
      else '{"version":' || version || ',"assertions":[{"revision":' || revision || ',"from":'
        || (extract(epoch from effective_from) * 1000)::bigint || ',"until":'
        || coalesce((extract(epoch from effective_until) * 1000)::bigint, 8640000000000000) || ',"kind":"'
        || case when value is null then 'cleared' else 'value' end || '","value":' || coalesce(value, 'null') || '}]}'
    end)::json
  from (select distinct on (subject) * from filled order by subject, revision desc) as newest`;
