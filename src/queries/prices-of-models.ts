/**
 * Questions: every price of some models that was known at a revision, and which of them were corrections.
 */
import { forever } from '../domain/assertion.ts';
import type { KnownPrice, PriceCorrection, PricesByModel } from '../domain/usage/usage-questions.ts';
import { Failure } from '../failure.ts';
import { type PriceRow, priceOfRow } from './prices-at.ts';
import { type Database, rowsOf } from './rows-of.ts';

interface KnownPriceRow extends PriceRow {
  readonly model_id: string;
  readonly kind: KnownPrice['kind'];
}

type CorrectionRow = Omit<KnownPriceRow, 'kind' | 'pricing'>;

/** The most prices that are read at once, some 100 MB. */
const maxPrices = 200_000;
const maxCorrections = 10_000;

const prices = {
  name: 'prices_of_models',
  text: `select p.model_id, p.revision, p.kind, p.pricing, p.effective_from, p.effective_until
    from prices p
    where p.ledger = $1 and p.revision <= $2 and p.model_id = any ($3::text[])
    order by p.model_id, p.effective_from, p.revision
    limit $4`,
};

const corrections = {
  name: 'corrections_since',
  text: `select p.model_id, p.revision, p.effective_from, p.effective_until
    from prices p
    where p.ledger = $1 and p.revision > $2 and p.revision <= $3 and p.kind = 'corrected'
      and ($4::text is null or p.model_id = $4)
    order by p.revision
    limit $5`,
};

/** By model, sorted as domain/assertion.ts keeps them. Failure `limited` for more than 200,000 prices. */
export async function pricesOfModels(
  database: Database,
  ledger: string,
  asOf: number,
  models: readonly string[],
): Promise<PricesByModel> {
  const byModel = new Map<string, KnownPrice[]>();
  if (models.length === 0) return byModel;
  const rows = await rowsOf<KnownPriceRow>(database, prices, [ledger, asOf, models, maxPrices + 1]);
  if (rows.length > maxPrices) throw tooMany(`these models have more than ${maxPrices} prices`);
  for (const row of rows) {
    const known = byModel.get(row.model_id) ?? [];
    known.push({ kind: row.kind, ...priceOfRow(row) });
    byModel.set(row.model_id, known);
  }
  return byModel;
}

/** Recorded after `since` and known at `asOf`, oldest first. Failure `limited` for more than 10,000. */
export async function correctionsSince(
  database: Database,
  ledger: string,
  since: number,
  asOf: number,
  model: string | undefined,
): Promise<readonly PriceCorrection[]> {
  const values = [ledger, since, asOf, model ?? null, maxCorrections + 1];
  const rows = await rowsOf<CorrectionRow>(database, corrections, values);
  if (rows.length > maxCorrections) {
    throw tooMany(`there are more than ${maxCorrections} corrections since revision ${since}; name a model`);
  }
  return rows.map(({ revision, model_id, effective_from, effective_until }) => ({
    revision,
    model: model_id,
    from: effective_from,
    until: effective_until ?? forever,
  }));
}

function tooMany(message: string): Failure {
  return new Failure('limited', message, { reason: 'too_many' });
}
