/**
 * The read model `tags`: names given to revisions, once each.
 * RevisionTagged comes in and becomes a row.
 */
import type { RecordedEvent } from '../src/domain/event.ts';
import { parseInstant } from '../src/domain/instant.ts';
import type { Projection } from '../src/projector/projection.ts';
import { bigints, instants, texts } from './column-arrays.ts';

type Tagging = Extract<RecordedEvent, { type: 'RevisionTagged' }>;

export const tags: Projection = {
  name: 'tags',
  version: 1,
  tables: ['tags'],
  async project(events, tx) {
    const tagging = events.filter((event): event is Tagging => event.type === 'RevisionTagged');
    if (tagging.length === 0) return;
    await tx.query({
      name: 'tags_insert',
      text: `insert into tags (ledger, name, revision, tagged_by, tagged_at)
             select $1, * from unnest($2::text[], $3::bigint[], $4::bigint[], $5::timestamptz[])`,
      values: [
        events[0]?.ledger,
        texts(tagging.map(({ data }) => data.name)),
        bigints(tagging.map(({ data }) => data.revision)),
        bigints(tagging.map(({ revision }) => revision)),
        instants(tagging.map(({ recordedAt }) => parseInstant(recordedAt) ?? null)),
      ],
    });
  },
};
