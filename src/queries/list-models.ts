/**
 * Question: which models did the catalogue hold, as known at a revision, and what did they cost at a time?
 */
import { z } from 'zod';
import type { ModelFilter, ModelRecord, Moment, Page, PageRequest } from '../domain/questions.ts';
import { cursorOf, pageOf } from './cursor.ts';
import { type Database, rowsOf } from './rows-of.ts';

interface ModelRow extends ModelRecord {
  readonly provider: string;
  readonly id: string;
}

const modelCursor = cursorOf(z.strictObject({ provider: z.string(), id: z.string() }));

/**
 * The price in force at $3 as known at $2, for `left join lateral`: the one rule of assertions
 * (domain/assertion.ts).
 */
const priceInForce = `
  select p.pricing from prices p
  where p.ledger = $1 and p.model_id = wanted.id and p.revision <= $2
    and p.effective_from <= to_timestamp($3::float8 / 1000)
    and (p.effective_until is null or p.effective_until > to_timestamp($3::float8 / 1000))
  order by p.effective_from desc, p.revision desc
  limit 1`;

const modelKnown = `
  select v.provider, v.id, v.status, v.state, v.search from models v
  where v.ledger = $1 and v.id = wanted.id and v.revision <= $2
  order by v.revision desc
  limit 1`;

const columns = 'known.provider, known.id, known.state, price.pricing';

const one = {
  name: 'find_model',
  text: `select ${columns}
    from (select $4::text as id) as wanted
    cross join lateral (${modelKnown}) as known
    left join lateral (${priceInForce}) as price on true`,
};

/** As domain/subject-state.ts has it in statusAt: from its sunset on a deprecated model is retired. */
const statusThen = `case when known.status = 'deprecated' and (known.state ->> 'sunsetAt')::float8 <= $3::float8
  then 'retired' else known.status end`;

/**
 * A page by provider and id; removed models only when their status is asked for.
 * `status` is that of the moment. Failure `invalid` for a bad cursor.
 */
export async function listModels(
  database: Database,
  ledger: string,
  moment: Moment,
  filter: ModelFilter,
  page: PageRequest,
): Promise<Page<ModelRecord>> {
  const after = modelCursor.read(page.cursor);
  const values: unknown[] = [
    ledger,
    moment.asOf,
    moment.at,
    after?.provider ?? '',
    after?.id ?? '',
    page.limit + 1,
  ];
  const conditions = conditionsOf(filter, values).map((condition) => ` and ${condition}`);
  // Model by model along the current rows, of which each model has one; the version of the time is probed.
  const text = `select ${columns}
    from models wanted
    cross join lateral (${modelKnown}) as known
    left join lateral (${priceInForce}) as price on true
    where wanted.ledger = $1 and wanted.until_revision is null
      and (wanted.provider, wanted.id) > ($4, $5)${conditions.join('')}
    order by wanted.provider, wanted.id
    limit $6`;
  const rows = await rowsOf<ModelRow>(database, { text }, values);
  return pageOf(rows, page, recordOf, ({ provider, id }) => modelCursor.write({ provider, id }));
}

/** One model, removed ones too; undefined when it was not known. */
export async function findModel(
  database: Database,
  ledger: string,
  moment: Moment,
  id: string,
): Promise<ModelRecord | undefined> {
  const [row] = await rowsOf<ModelRow>(database, one, [ledger, moment.asOf, moment.at, id]);
  return row === undefined ? undefined : recordOf(row);
}

/** The filter's conditions; their values are put behind those that are there. */
function conditionsOf(
  { status, provider, capability, q }: ModelFilter,
  values: unknown[],
): readonly string[] {
  const parameter = (value: string): string => `$${values.push(value)}`;
  const conditions = [
    status === undefined ? `known.status <> 'removed'` : `${statusThen} = ${parameter(status)}`,
  ];
  if (provider !== undefined) conditions.push(`wanted.provider = ${parameter(provider)}`);
  if (capability !== undefined) {
    conditions.push(
      `(known.state -> 'capabilities')::jsonb @> jsonb_build_array(${parameter(capability)}::text)`,
    );
  }
  if (q !== undefined) conditions.push(`strpos(known.search, ${parameter(q.toLowerCase())}) > 0`);
  return conditions;
}

function recordOf({ state, pricing }: ModelRow): ModelRecord {
  return { state, pricing };
}
