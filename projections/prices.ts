/**
 * The read model `prices`: every price on both clocks, whole.
 * ModelAdded with a price, ModelPriceChanged and ModelPriceCorrected come in and become a row each; none is ever
 * changed. A price outlives the removal of its model.
 */
import { forever } from '../src/domain/assertion.ts';
import type { EffectiveInterval, RecordedEvent } from '../src/domain/event.ts';
import { intervalOf } from '../src/domain/evolve.ts';
import { parseInstant } from '../src/domain/instant.ts';
import type { Pricing } from '../src/domain/pricing.ts';
import { Failure } from '../src/failure.ts';
import type { Projection } from '../src/projector/projection.ts';
import { bigints, instants, jsons, texts } from './column-arrays.ts';

interface PriceRow {
  readonly revision: number;
  readonly modelId: string;
  readonly kind: 'added' | 'changed' | 'corrected';
  readonly pricing: Pricing;
  readonly from: number;
  readonly until: number;
  readonly source?: string;
  readonly corrects?: number;
}

export const prices: Projection = {
  name: 'prices',
  version: 1,
  tables: ['prices'],
  async project(events, tx) {
    const rows = events.map(rowOf).filter((row) => row !== undefined);
    if (rows.length === 0) return;
    await tx.query({
      name: 'prices_insert',
      text: `insert into prices
               (ledger, revision, model_id, kind, pricing, effective_from, effective_until, source, corrects)
             select $1, * from unnest(
               $2::bigint[], $3::text[], $4::text[], $5::json[], $6::timestamptz[], $7::timestamptz[], $8::text[],
               $9::bigint[])`,
      values: [
        events[0]?.ledger,
        bigints(rows.map(({ revision }) => revision)),
        texts(rows.map(({ modelId }) => modelId)),
        texts(rows.map(({ kind }) => kind)),
        jsons(rows.map(({ pricing }) => JSON.stringify(pricing))),
        instants(rows.map(({ from }) => from)),
        instants(rows.map(({ until }) => (until === forever ? null : until))),
        texts(rows.map(({ source }) => source ?? null)),
        bigints(rows.map(({ corrects }) => corrects ?? null)),
      ],
    });
  },
};

function rowOf(event: RecordedEvent): PriceRow | undefined {
  switch (event.type) {
    case 'ModelAdded': {
      const { pricing } = event.data;
      return pricing === undefined
        ? undefined
        : { ...placeOf(event, {}), modelId: event.data.id, kind: 'added', pricing };
    }
    case 'ModelPriceChanged': {
      const { id, source } = event.data;
      const row = {
        ...placeOf(event, event.data),
        modelId: id,
        kind: 'changed',
        pricing: event.data.pricing,
      } as const;
      return source === undefined ? row : { ...row, source };
    }
    case 'ModelPriceCorrected': {
      const { id, source, pricing, corrects } = event.data;
      const row = {
        ...placeOf(event, event.data),
        modelId: id,
        kind: 'corrected',
        pricing,
        corrects,
      } as const;
      return source === undefined ? row : { ...row, source };
    }
    default:
      return undefined;
  }
}

function placeOf(
  event: RecordedEvent,
  interval: EffectiveInterval,
): Pick<PriceRow, 'revision' | 'from' | 'until'> {
  const recordedAt = parseInstant(event.recordedAt);
  if (recordedAt === undefined) throw new Failure('corrupt', `revision ${event.revision} holds a bad time`);
  return { revision: event.revision, ...intervalOf(interval, recordedAt) };
}
