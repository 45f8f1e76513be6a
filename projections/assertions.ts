/**
 * The read model `assertions`: the scoped resolution table, readable for any moment on both clocks by index.
 * OverrideSet and OverrideCleared come in and become a row each; OverrideWithdrawn marks the row that it takes back.
 */
import { forever } from '../src/domain/assertion.ts';
import type { RecordedEvent } from '../src/domain/event.ts';
import { assertionOf } from '../src/domain/evolve.ts';
import { parseInstant } from '../src/domain/instant.ts';
import { Failure } from '../src/failure.ts';
import type { Projection, ProjectionTransaction } from '../src/projector/projection.ts';
import { bigints, booleans, instants, jsons, texts } from './column-arrays.ts';

type Asserting = Extract<RecordedEvent, { type: 'OverrideSet' | 'OverrideCleared' }>;
type Withdrawing = Extract<RecordedEvent, { type: 'OverrideWithdrawn' }>;

export const assertions: Projection = {
  name: 'assertions',
  version: 1,
  tables: ['assertions'],
  async project(events, tx) {
    await insertAssertions(
      events.filter(
        (event): event is Asserting => event.type === 'OverrideSet' || event.type === 'OverrideCleared',
      ),
      tx,
    );
    // After the rows: one of them may be taken back in the same batch.
    await markWithdrawn(
      events.filter((event): event is Withdrawing => event.type === 'OverrideWithdrawn'),
      tx,
    );
  },
};

async function insertAssertions(events: readonly Asserting[], tx: ProjectionTransaction): Promise<void> {
  if (events.length === 0) return;
  const asserted = events.map(assertionOf);
  await tx.query({
    name: 'assertions_insert',
    text: `insert into assertions
             (ledger, revision, key, scope, kind, value, effective_from, effective_until, scheduled)
           select $1, * from unnest(
             $2::bigint[], $3::text[], $4::text[], $5::text[], $6::json[], $7::timestamptz[], $8::timestamptz[],
             $9::boolean[])`,
    values: [
      events[0]?.ledger,
      bigints(events.map(({ revision }) => revision)),
      texts(events.map(({ data }) => data.key)),
      texts(events.map(({ data }) => data.scope)),
      texts(asserted.map(({ kind }) => kind)),
      jsons(asserted.map(({ kind, value }) => (kind === 'cleared' ? null : JSON.stringify(value)))),
      instants(asserted.map(({ from }) => from)),
      instants(asserted.map(({ until }) => (until === forever ? null : until))),
      // Without an explicit start it begins when it is recorded; that is cheaper to see than to compare.
      booleans(
        events.map(({ data, recordedAt }, index) => {
          return (
            data.effectiveFrom !== undefined && (asserted[index]?.from ?? 0) > (parseInstant(recordedAt) ?? 0)
          );
        }),
      ),
    ],
  });
}

async function markWithdrawn(events: readonly Withdrawing[], tx: ProjectionTransaction): Promise<void> {
  if (events.length === 0) return;
  const marked = await tx.query({
    name: 'assertions_withdraw',
    text: `update assertions a
              set withdrawn_by = taken.by_revision
             from unnest($2::bigint[], $3::bigint[]) as taken (revision, by_revision)
            where a.ledger = $1 and a.revision = taken.revision`,
    values: [
      events[0]?.ledger,
      bigints(events.map(({ data }) => data.revision)),
      bigints(events.map(({ revision }) => revision)),
    ],
  });
  if (marked.rowCount !== events.length) {
    throw new Failure('corrupt', 'an assertion that is taken back is missing', { reason: 'row_missing' });
  }
}
