/**
 * The read model `changesets`: changes made together, to be found by time, by idempotency key and by words.
 * Whole changesets come in; a row each goes out.
 */
import type { RecordedEvent } from '../src/domain/event.ts';
import { parseInstant } from '../src/domain/instant.ts';
import { Failure } from '../src/failure.ts';
import type { Projection } from '../src/projector/projection.ts';
import { bigints, instants, texts } from './column-arrays.ts';

/** A changeset's searchable words, in UTF-16 units; a tsvector holds at most 1 MiB, whatever is in it. */
const maxWordsLength = 200_000;

export const changesets: Projection = {
  name: 'changesets',
  version: 1,
  tables: ['changesets'],
  async project(events, tx) {
    const lasts = events.filter(({ last }) => last);
    const firsts = events.filter((_, index) => events[index - 1]?.last !== false);
    await tx.query({
      name: 'changesets_insert',
      text: `insert into changesets
               (ledger, changeset_id, first_revision, last_revision, recorded_at, actor, via, reason, source,
                request_id, undoes, idempotency_key, body_hash, search)
             select $1, id::uuid, first_revision, last_revision, recorded_at, actor, via, reason, source,
                    request_id, undoes::uuid, idempotency_key, body_hash, search_words(words)
               from unnest(
                 $2::text[], $3::bigint[], $4::bigint[], $5::timestamptz[], $6::text[], $7::text[], $8::text[],
                 $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[])
                 as made (id, first_revision, last_revision, recorded_at, actor, via, reason, source,
                          request_id, undoes, idempotency_key, body_hash, words)`,
      values: [
        events[0]?.ledger,
        texts(lasts.map(({ changesetId }) => changesetId)),
        bigints(firsts.map(({ revision }) => revision)),
        bigints(lasts.map(({ revision }) => revision)),
        instants(lasts.map(recordedAtOf)),
        texts(lasts.map(({ actor }) => actor.id)),
        texts(lasts.map(({ actor }) => actor.via ?? null)),
        texts(lasts.map(({ reason }) => reason)),
        texts(lasts.map(({ source }) => source)),
        texts(lasts.map(({ requestId }) => requestId)),
        texts(lasts.map(({ undoes }) => undoes ?? null)),
        texts(lasts.map(({ idempotency }) => idempotency?.key ?? null)),
        texts(lasts.map(({ idempotency }) => idempotency?.bodyHash ?? null)),
        texts(wordsOf(events)),
      ],
    });
  },
};

/** Reason, actor and subjects of each changeset; of very many subjects only so many that the words have room. */
function wordsOf(events: readonly RecordedEvent[]): readonly string[] {
  const words: string[] = [];
  let current = '';
  for (const { subject, reason, actor, last } of events) {
    if (current === '') current = `${reason} ${actor.id} ${actor.via ?? ''}`;
    if (current.length + subject.length < maxWordsLength) current += ` ${subject}`;
    if (!last) continue;
    words.push(current);
    current = '';
  }
  return words;
}

function recordedAtOf(event: RecordedEvent): number {
  const recordedAt = parseInstant(event.recordedAt);
  if (recordedAt === undefined) throw new Failure('corrupt', `revision ${event.revision} holds a bad time`);
  return recordedAt;
}
