/**
 * The read model `models`: every version of every model, without its prices (those are in prices.ts).
 * Model events come in and are folded by the domain's evolve on the row before; each becomes a row that is in force
 * until the model's next one. Price events too, because each counts as a version of its model.
 */
import type { RecordedEvent } from '../src/domain/event.ts';
import { evolve } from '../src/domain/evolve.ts';
import type { ModelState } from '../src/domain/subject-state.ts';
import { Failure } from '../src/failure.ts';
import type { Projection, ProjectionTransaction } from '../src/projector/projection.ts';
import { bigints, jsons, texts } from './column-arrays.ts';
import { type SuccessiveVersions, successiveVersions } from './successive-versions.ts';

type ModelEvent = Extract<
  RecordedEvent,
  {
    type:
      | 'ModelAdded'
      | 'ModelUpdated'
      | 'ModelPriceChanged'
      | 'ModelPriceCorrected'
      | 'ModelDeprecated'
      | 'ModelReinstated'
      | 'ModelRemoved';
  }
>;

/** What the rows hold. */
type CatalogueState = Omit<ModelState, 'prices'>;

export const catalogue: Projection = {
  name: 'catalogue',
  version: 1,
  tables: ['models'],
  async project(events, tx) {
    const touching = events.filter(isModelEvent);
    if (touching.length === 0) return;
    const versions = successiveVersions(touching);
    const states = await endVersions(versions.endings, tx);
    await insertVersions(versions.steps, states, tx);
  },
};

function isModelEvent(event: RecordedEvent): event is ModelEvent {
  switch (event.type) {
    case 'ModelAdded':
    case 'ModelUpdated':
    case 'ModelPriceChanged':
    case 'ModelPriceCorrected':
    case 'ModelDeprecated':
    case 'ModelReinstated':
    case 'ModelRemoved':
      return true;
    default:
      return false;
  }
}

/** Ends the rows that the batch follows, and answers what they held. */
async function endVersions(
  endings: readonly ModelEvent[],
  tx: ProjectionTransaction,
): Promise<Map<string, CatalogueState>> {
  if (endings.length === 0) return new Map();
  const ended = await tx.query<{ id: string; state: CatalogueState }>({
    name: 'catalogue_end',
    text: `update models m
              set until_revision = next.revision
             from unnest($2::text[], $3::bigint[], $4::bigint[]) as next (id, version, revision)
            where m.ledger = $1 and m.id = next.id and m.version = next.version - 1
        returning m.id, m.state`,
    values: [
      endings[0]?.ledger,
      texts(endings.map(({ data }) => data.id)),
      bigints(endings.map(({ version }) => version)),
      bigints(endings.map(({ revision }) => revision)),
    ],
  });
  if (ended.rowCount !== endings.length) {
    throw new Failure('corrupt', 'the version before one of a model is missing', { reason: 'row_missing' });
  }
  return new Map(ended.rows.map(({ id, state }) => [id, state]));
}

async function insertVersions(
  steps: SuccessiveVersions<ModelEvent>['steps'],
  states: Map<string, CatalogueState>,
  tx: ProjectionTransaction,
): Promise<void> {
  const folded = steps.map(({ event }) => {
    const state = withoutPrices(event, states.get(event.data.id));
    states.set(event.data.id, state);
    return state;
  });
  await tx.query({
    name: 'catalogue_insert',
    text: `insert into models (ledger, id, version, revision, until_revision, provider, status, state, search)
           select $1, * from unnest(
             $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[], $7::text[], $8::json[], $9::text[])`,
    values: [
      steps[0]?.event.ledger,
      texts(folded.map(({ id }) => id)),
      bigints(folded.map(({ version }) => version)),
      bigints(folded.map(({ revision }) => revision)),
      bigints(steps.map(({ untilRevision }) => untilRevision)),
      texts(folded.map(({ provider }) => provider)),
      texts(folded.map(({ status }) => status)),
      jsons(folded.map((state) => JSON.stringify(state))),
      texts(folded.map(({ id, name, family = '' }) => `${id} ${name} ${family}`.trimEnd().toLowerCase())),
    ],
  });
}

function withoutPrices(event: ModelEvent, before: CatalogueState | undefined): CatalogueState {
  const after = evolve(before === undefined ? undefined : { ...before, prices: [] }, event);
  if (!('prices' in after)) throw new Failure('corrupt', `revision ${event.revision} made no model`);
  const { prices: _, ...state } = after;
  return state;
}
