/**
 * Question: every price of a model with both clocks, as known at a revision.
 */
import type { PriceRecord } from '../domain/questions.ts';
import { type Database, rowsOf } from './rows-of.ts';

interface PriceRow {
  readonly revision: number;
  readonly kind: PriceRecord['kind'];
  readonly pricing: PriceRecord['pricing'];
  readonly effective_from: number;
  readonly effective_until: number | null;
  readonly recorded_at: number;
  readonly source: string | null;
  readonly corrects: number | null;
}

const statement = {
  name: 'list_prices',
  text: `select p.revision, p.kind, p.pricing, p.effective_from, p.effective_until, p.source, p.corrects,
      (h.event ->> 'recordedAt')::timestamptz as recorded_at
    from prices p join history h on h.ledger = p.ledger and h.revision = p.revision
    where p.ledger = $1 and p.model_id = $2 and p.revision <= $3
    order by p.effective_from desc, p.revision desc
    limit 1000`,
};

/** Newest start first, at most 1,000; empty for an unknown model. */
export async function listPrices(
  database: Database,
  ledger: string,
  asOf: number,
  id: string,
): Promise<readonly PriceRecord[]> {
  const rows = await rowsOf<PriceRow>(database, statement, [ledger, id, asOf]);
  return rows.map(({ effective_from, effective_until, recorded_at, ...same }) => ({
    ...same,
    effectiveFrom: effective_from,
    effectiveUntil: effective_until,
    recordedAt: recorded_at,
  }));
}
