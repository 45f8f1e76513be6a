/**
 * Question: which prices of these models matter at a moment and after it, as known at a revision? For each model the last
 * endless one that has started, those above it that have not ended, and the next ones to start: a few index probes a
 * model, however often its price has changed.
 */
import { forever } from '../domain/assertion.ts';
import type { Pricing } from '../domain/pricing.ts';
import type { Moment } from '../domain/questions.ts';
import type { PriceAssertion } from '../domain/subject-state.ts';
import { type Database, rowsOf } from './rows-of.ts';

/** A price as its table has it. */
export interface PriceRow {
  readonly revision: number;
  readonly pricing: Pricing;
  readonly effective_from: number;
  readonly effective_until: number | null;
}

const columns = 'p.revision, p.pricing, p.effective_from, p.effective_until';

const known = 'p.ledger = $1 and p.model_id = wanted.id and p.revision <= clock.as_of';

const statement = {
  name: 'prices_at',
  text: `with clock as materialized (
      select $2::bigint as as_of, to_timestamp($3::float8 / 1000) as at
    )
    select wanted.id as model_id, p.revision, p.pricing, p.effective_from, p.effective_until
    from unnest((select $4::text[])) as wanted (id)
    cross join clock
    left join lateral (
      select ${columns} from prices p
      where ${known} and p.effective_until is null and p.effective_from <= clock.at
      order by p.effective_from desc, p.revision desc limit 1
    ) as base on true
    cross join lateral (
      (select base.revision, base.pricing, base.effective_from, base.effective_until
        where base.revision is not null)
      union all
      (select ${columns} from prices p
        where ${known} and p.effective_until is not null and p.effective_until > clock.at
          and p.effective_from <= clock.at and p.effective_from >= coalesce(base.effective_from, '-infinity')
        order by p.effective_from desc, p.revision desc limit 64)
      union all
      (select ${columns} from prices p
        where ${known} and p.effective_from > clock.at
        order by p.effective_from, p.revision limit 64)
    ) as p
    order by wanted.id, p.effective_from, p.revision`,
};

/** By model, in the order that the domain keeps; models without a price are left out. At most 129 a model. */
export async function pricesAt(
  database: Database,
  ledger: string,
  moment: Moment,
  models: readonly string[],
): Promise<ReadonlyMap<string, readonly PriceAssertion[]>> {
  const byModel = new Map<string, PriceAssertion[]>();
  if (models.length === 0) return byModel;
  const rows = await rowsOf<PriceRow & { readonly model_id: string }>(database, statement, [
    ledger,
    moment.asOf,
    moment.at,
    models,
  ]);
  for (const row of rows) {
    const known = byModel.get(row.model_id) ?? [];
    known.push(priceOfRow(row));
    byModel.set(row.model_id, known);
  }
  return byModel;
}

/** The price that a row holds. */
export function priceOfRow({ revision, pricing, effective_from, effective_until }: PriceRow): PriceAssertion {
  return { revision, pricing, from: effective_from, until: effective_until ?? forever };
}
