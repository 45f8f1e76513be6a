/**
 * The read model `history`: every event as people read it, with the fields that it changed.
 * Every event of the log comes in; a row each goes out, and the subjects' states beside it (subjects.ts): before and
 * after of an event are the same fold, and one fold a batch is half the work of two.
 */
import type { EventBody, RecordedEvent } from '../src/domain/event.ts';
import { fieldChanges } from '../src/domain/field-changes.ts';
import type { Projection } from '../src/projector/projection.ts';
import type { SubjectStatesProjection } from '../src/projector/subject-states.ts';
import { bigints, jsons, texts } from './column-arrays.ts';
import { foldSubjects } from './subjects.ts';

export const history: Projection & SubjectStatesProjection = {
  name: 'history',
  version: 1,
  tables: ['history', 'subjects'],
  async project(events, tx) {
    const steps = await foldSubjects(events, tx);
    await tx.query({
      name: 'history_insert',
      text: `insert into history (ledger, revision, type, subject, key, scope, actor, event, changes)
             select $1, * from unnest(
               $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::json[], $9::json[])`,
      values: [
        events[0]?.ledger,
        bigints(events.map(({ revision }) => revision)),
        texts(events.map(({ type }) => type)),
        texts(events.map(({ subject }) => subject)),
        texts(events.map(keyOf)),
        texts(events.map(scopeOf)),
        texts(events.map(({ actor }) => actor.id)),
        jsons(events.map((event: RecordedEvent) => JSON.stringify(event))),
        jsons(steps.map(({ before, after, event }) => JSON.stringify(fieldChanges(before, after, event)))),
      ],
    });
  },
};

function keyOf({ data }: EventBody): string | null {
  return 'key' in data ? data.key : null;
}

function scopeOf({ data }: EventBody): string | null {
  return 'scope' in data ? data.scope : null;
}
