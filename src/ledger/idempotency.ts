/**
 * Exactly once: which idempotent requests have been answered already, across servers and restarts.
 * The index (a read model) knows all up to its checkpoint; the tail knows what came after it. A look-up that the
 * two do not cover together is `unavailable`, because a wrong "never seen" would act twice.
 */
import type { RecordedEvent } from '../domain/event.ts';
import { Failure } from '../failure.ts';

/** Where the events of an idempotent request stand, or what was answered when it changed nothing. */
export type FirstAnswer =
  | {
      readonly kind: 'changeset';
      readonly changesetId: string;
      readonly first: number;
      readonly last: number;
      readonly bodyHash: string;
    }
  | { readonly kind: 'no_change'; readonly answer: unknown; readonly bodyHash: string };

/** Who asked with which key; keys of different actors do not meet. */
export interface IdempotencyId {
  readonly actor: string;
  readonly key: string;
}

/** What the read model knows: the answers in the order of the ids, and up to which revision it is complete. */
export interface IndexLookup {
  readonly answers: readonly (FirstAnswer | undefined)[];
  readonly checkpoint: number;
}

/** The most idempotent changesets that the tail holds while the index is behind; beyond it, it grows incomplete. */
const maxTailEntries = 200_000;

type TailEntry = Extract<FirstAnswer, { kind: 'changeset' }>;

export class IdempotencyTail {
  readonly #entries = new Map<string, TailEntry>();
  /** The tail is complete for every revision after this one. */
  #floor: number;

  readonly #maxEntries: number;

  /** `floor` is the revision up to which the index is complete. */
  constructor(floor: number, maxEntries = maxTailEntries) {
    this.#floor = floor;
    this.#maxEntries = maxEntries;
  }

  /** How many changesets it holds. */
  get size(): number {
    return this.#entries.size;
  }

  /** Takes note of a changeset that entered the live state. */
  note(events: readonly RecordedEvent[]): void {
    const first = events[0];
    const last = events.at(-1);
    if (first?.idempotency === undefined || last === undefined) return;
    const id = idOf({ actor: first.actor.id, key: first.idempotency.key });
    this.#entries.set(id, {
      kind: 'changeset',
      changesetId: first.changesetId,
      first: first.revision,
      last: last.revision,
      bodyHash: first.idempotency.bodyHash,
    });
    if (this.#entries.size <= this.#maxEntries) return;
    // The oldest is left to the index alone: look-ups that need it fail until the index has come so far.
    for (const [oldestId, oldest] of this.#entries) {
      this.#entries.delete(oldestId);
      this.#floor = Math.max(this.#floor, oldest.last);
      return;
    }
  }

  /** Drops what the index has taken over. Entries are in the order of their revisions. */
  forget(checkpoint: number): void {
    if (checkpoint <= this.#floor) return;
    for (const [id, entry] of this.#entries) {
      if (entry.last > checkpoint) break;
      this.#entries.delete(id);
    }
    this.#floor = checkpoint;
  }

  /** The first answers to requests, from the tail or else from the index. Throws Failure `unavailable`. */
  merge(ids: readonly IdempotencyId[], index: IndexLookup): readonly (FirstAnswer | undefined)[] {
    if (index.checkpoint < this.#floor) {
      throw new Failure('unavailable', 'the index of idempotency keys is behind; try again soon', {
        reason: 'index_behind',
        retryAfterSeconds: 1,
      });
    }
    const answers = ids.map((id, place) => this.#entries.get(idOf(id)) ?? index.answers[place]);
    this.forget(index.checkpoint);
    return answers;
  }
}

/**
 * Asks the index about some requests. What comes back finds the first answer by `idOf`, looking at the tail when it is
 * called first; it throws where that cannot be known, so that only requests with a key fail.
 */
export async function findFirstAnswers(
  findAnswers: (ids: readonly IdempotencyId[]) => Promise<IndexLookup>,
  tail: IdempotencyTail,
  ids: readonly IdempotencyId[],
): Promise<(id: string) => FirstAnswer | undefined> {
  if (ids.length === 0) return () => undefined;
  const index = await findAnswers(ids).then(
    (found) => () => found,
    (failure: unknown) => () => {
      throw failure;
    },
  );
  let answers: ReadonlyMap<string, FirstAnswer | undefined> | undefined;
  return (id) => {
    if (answers === undefined) {
      const merged = tail.merge(ids, index());
      answers = new Map(ids.map((one, place) => [idOf(one), merged[place]]));
    }
    return answers.get(id);
  };
}

/** One text for an id; the separator cannot stand in either half. */
export function idOf({ actor, key }: IdempotencyId): string {
  return `${actor}\n${key}`;
}
