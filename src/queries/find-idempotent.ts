/**
 * Question of the writer: which of these idempotent requests have already been answered, and with what?
 * One statement, and so one snapshot, for a whole commit group. A request that changed something stands in
 * its changeset, one that did not in the remembered answers (remembered-answers.ts). What is not projected
 * yet, the writer knows itself.
 */
import type { JsonValue } from '../domain/json.ts';
import { type Database, rowsOf } from './rows-of.ts';

export interface IdempotentRequest {
  /** The actor's id: keys of different actors never meet. */
  readonly actor: string;
  readonly key: string;
}

/** `bodyHash` is that of the first request; another one under the same key is a conflict. */
export type AnsweredRequest =
  | {
      readonly kind: 'changeset';
      readonly changesetId: string;
      readonly first: number;
      readonly last: number;
      readonly bodyHash: string;
    }
  | { readonly kind: 'no_change'; readonly answer: JsonValue; readonly bodyHash: string };

export interface IdempotentAnswers {
  /** In the order of the requests; undefined for one that is not known. */
  readonly answers: readonly (AnsweredRequest | undefined)[];
  /** The revision up to which changesets are known. */
  readonly checkpoint: number;
}

interface FoundRow {
  readonly checkpoint: number;
  /** 1, 2, 3 …; null when nothing was asked. */
  readonly place: number | null;
  readonly changeset_id: string | null;
  readonly first_revision: number | null;
  readonly last_revision: number | null;
  readonly changed_hash: string | null;
  readonly answer: JsonValue;
  readonly answer_hash: string | null;
}

const statement = {
  name: 'find_idempotent',
  text: `select index.checkpoint, wanted.place,
      c.changeset_id, c.first_revision, c.last_revision, c.body_hash as changed_hash,
      r.answer, r.body_hash as answer_hash
    from (
      select coalesce((
        select p.revision from projection_checkpoints p where p.ledger = $1 and p.projection = 'changesets'
      ), 0) as checkpoint
    ) as index
    left join unnest($2::text[], $3::text[]) with ordinality as wanted (actor, key, place) on true
    left join changesets c on c.ledger = $1 and c.actor = wanted.actor and c.idempotency_key = wanted.key
    left join remembered_answers r
      on r.ledger = $1 and r.actor = wanted.actor and r.idempotency_key = wanted.key
    order by wanted.place`,
};

/** Bounded by the requests. A changeset goes before a remembered answer. */
export async function findIdempotent(
  database: Database,
  ledger: string,
  requests: readonly IdempotentRequest[],
): Promise<IdempotentAnswers> {
  const actors = requests.map(({ actor }) => actor);
  const keys = requests.map(({ key }) => key);
  const rows = await rowsOf<FoundRow>(database, statement, [ledger, actors, keys]);
  const answers = new Map(rows.map((row) => [row.place, answerOf(row)]));
  return {
    answers: requests.map((_, index) => answers.get(index + 1)),
    checkpoint: rows[0]?.checkpoint ?? 0,
  };
}

function answerOf(row: FoundRow): AnsweredRequest | undefined {
  const {
    changeset_id: changesetId,
    first_revision: first,
    last_revision: last,
    changed_hash: bodyHash,
  } = row;
  if (changesetId !== null && first !== null && last !== null && bodyHash !== null) {
    return { kind: 'changeset', changesetId, first, last, bodyHash };
  }
  return row.answer_hash === null
    ? undefined
    : { kind: 'no_change', answer: row.answer, bodyHash: row.answer_hash };
}
