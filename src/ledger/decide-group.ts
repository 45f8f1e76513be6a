/**
 * What each changeset of a commit group comes to: decided, answered before, the same as a neighbour, put off or failed.
 * In: requests as they waited, and what is known of their idempotency keys; out: an outcome for each, in their order.
 * Nothing is awaited here, so that all of it rests on one revision; whether it stands is known after the append.
 */
import { Failure } from '../failure.ts';
import { type ChangesetRequest, idempotencyIdOf } from './changeset.ts';
import type { CommitGroup, DecidedRequest } from './commit-group.ts';
import type { FirstAnswer } from './idempotency.ts';

export type Outcome =
  | { readonly decided: DecidedRequest }
  /** It was answered in another group. */
  | { readonly first: FirstAnswer }
  /** A neighbour before it, with this idempotency id, gets the answer. */
  | { readonly sameAs: string }
  /** The group is full: it is decided in the next one. */
  | { readonly deferred: true }
  | { readonly failure: unknown };

export interface DecideGroupDependencies {
  /** The first answer to an idempotency id, if there was one; throws when that cannot be known now. */
  readonly firstAnswer: (id: string) => FirstAnswer | undefined;
  readonly newId: () => string;
  readonly maxChangesetBytes: number;
}

/** Decides the requests one after the other; the group takes those that are decided. */
export function decideGroup(
  dependencies: DecideGroupDependencies,
  requests: readonly ChangesetRequest[],
  group: CommitGroup,
): readonly Outcome[] {
  const inGroup = new Map<string, string>();
  let isFull = false;
  return requests.map((request) => {
    try {
      const again = answeredBefore(dependencies, request, inGroup);
      if (again !== undefined) return again;
      // In order: what comes after one that is put off does not overtake it, and is not decided in vain.
      const decided = isFull ? undefined : decideOne(dependencies, request, group);
      if (decided === undefined) {
        isFull = true;
        return { deferred: true };
      }
      const id = idempotencyIdOf(request);
      if (id !== undefined) inGroup.set(id, request.idempotency?.bodyHash ?? '');
      return { decided };
    } catch (failure) {
      return { failure };
    }
  });
}

function answeredBefore(
  { firstAnswer }: DecideGroupDependencies,
  request: ChangesetRequest,
  inGroup: ReadonlyMap<string, string>,
): Outcome | undefined {
  const id = idempotencyIdOf(request);
  if (id === undefined) return undefined;
  const first = firstAnswer(id);
  const hash = first?.bodyHash ?? inGroup.get(id);
  if (hash === undefined) return undefined;
  if (hash !== request.idempotency?.bodyHash) throw keyReused();
  return first === undefined ? { sameAs: id } : { first };
}

/** Undefined when the group has no room for it. */
function decideOne(
  { newId, maxChangesetBytes }: DecideGroupDependencies,
  request: ChangesetRequest,
  group: CommitGroup,
): DecidedRequest | undefined {
  const decided = group.decide(request, newId());
  if (decided.bytes > maxChangesetBytes) {
    throw new Failure(
      'refused',
      `the changeset takes ${decided.bytes} bytes, the log at most ${maxChangesetBytes}`,
      {
        reason: 'changeset_too_large',
      },
    );
  }
  if (group.bytes + decided.bytes > maxChangesetBytes) return undefined;
  group.take(decided);
  return decided;
}

function keyReused(): Failure {
  return new Failure('conflict', 'this idempotency key was used for another request', {
    reason: 'idempotency_key_reused',
    details: [{ path: 'header.Idempotency-Key', message: 'was used with another body' }],
  });
}
