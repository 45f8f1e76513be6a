/**
 * The read model `key_definitions`: every version of every key's definition.
 * KeyDefined and KeyRetired come in; each becomes a row that is in force until the key's next one.
 */
import type { KeyDefinition, RecordedEvent } from '../src/domain/event.ts';
import { Failure } from '../src/failure.ts';
import type { Projection, ProjectionTransaction } from '../src/projector/projection.ts';
import { bigints, booleans, jsons, texts } from './column-arrays.ts';
import { type SuccessiveVersions, successiveVersions } from './successive-versions.ts';

type KeyEvent = Extract<RecordedEvent, { type: 'KeyDefined' | 'KeyRetired' }>;

export const keys: Projection = {
  name: 'keys',
  version: 1,
  tables: ['key_definitions'],
  async project(events, tx) {
    const touching = events.filter(
      (event): event is KeyEvent => event.type === 'KeyDefined' || event.type === 'KeyRetired',
    );
    if (touching.length === 0) return;
    const versions = successiveVersions(touching);
    const definitions = await endVersions(versions.endings, tx);
    await insertVersions(versions.steps, definitions, tx);
  },
};

/** Ends the rows that the batch follows, and answers what they held. */
async function endVersions(
  endings: readonly KeyEvent[],
  tx: ProjectionTransaction,
): Promise<Map<string, KeyDefinition>> {
  if (endings.length === 0) return new Map();
  const ended = await tx.query<{ definition: KeyDefinition }>({
    name: 'keys_end',
    text: `update key_definitions k
              set until_revision = next.revision
             from unnest($2::text[], $3::bigint[], $4::bigint[]) as next (key, version, revision)
            where k.ledger = $1 and k.key = next.key and k.version = next.version - 1
        returning k.definition`,
    values: [
      endings[0]?.ledger,
      texts(endings.map(({ data }) => data.key)),
      bigints(endings.map(({ version }) => version)),
      bigints(endings.map(({ revision }) => revision)),
    ],
  });
  if (ended.rowCount !== endings.length) throw missing();
  return new Map(ended.rows.map(({ definition }) => [definition.key, definition]));
}

async function insertVersions(
  steps: SuccessiveVersions<KeyEvent>['steps'],
  definitions: Map<string, KeyDefinition>,
  tx: ProjectionTransaction,
): Promise<void> {
  const inForce = steps.map(({ event }) => {
    if (event.type === 'KeyDefined') definitions.set(event.data.key, event.data);
    const definition = definitions.get(event.data.key);
    if (definition === undefined) throw missing();
    return definition;
  });
  await tx.query({
    name: 'keys_insert',
    text: `insert into key_definitions (ledger, key, version, revision, until_revision, retired, definition)
           select $1, * from unnest(
             $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::boolean[], $7::json[])`,
    values: [
      steps[0]?.event.ledger,
      texts(steps.map(({ event }) => event.data.key)),
      bigints(steps.map(({ event }) => event.version)),
      bigints(steps.map(({ event }) => event.revision)),
      bigints(steps.map(({ untilRevision }) => untilRevision)),
      booleans(steps.map(({ event }) => event.type === 'KeyRetired')),
      jsons(inForce.map((definition) => JSON.stringify(definition))),
    ],
  });
}

function missing(): Failure {
  return new Failure('corrupt', 'the version before one of a key is missing', { reason: 'row_missing' });
}
