/**
 * Answers the requests of a commit group, once what it came to is durable.
 * In: the requests and their outcomes; out: each request's answer, or that it waits for the next group.
 * One request's trouble never fails another: the events stand, whatever happens here.
 */
import { type ChangesetRequest, type ChangesetResult, idempotencyIdOf } from './changeset.ts';
import type { DecidedRequest } from './commit-group.ts';
import type { Outcome } from './decide-group.ts';
import type { FirstAnswer, IdempotencyId } from './idempotency.ts';
import type { Waiting } from './waiting.ts';

export interface AnswerDependencies {
  /** Keeps the answer to an idempotent request that changed nothing; false when another server's stands already. */
  readonly rememberNoChange: (id: IdempotencyId, bodyHash: string, answer: unknown) => Promise<boolean>;
  /** The events of a changeset as they were answered at first. */
  readonly replay: (first: number, last: number) => Promise<ChangesetResult['events']>;
  readonly observe: { changed(result: ChangesetResult): void };
}

export interface Answered {
  /** What was put off, in order. */
  readonly deferred: readonly Waiting[];
  /**
   * Resolves when every answer that must be remembered is, or its request failed; the next group must find them. Says
   * whose key was answered by another server meanwhile: they are to be decided again.
   */
  readonly remembered: Promise<readonly Waiting[]>;
  /** Resolves when the answers that are given again are read; nobody else need wait for them. */
  readonly replayed: Promise<unknown>;
}

/** `revision` is that of the live state, with the group in it. */
export function answerGroup(
  on: AnswerDependencies,
  revision: number,
  waiting: readonly Waiting[],
  outcomes: readonly Outcome[],
): Answered {
  const answers = new Map<string, Promise<ChangesetResult | undefined>>();
  const deferred: Waiting[] = [];
  const beaten: Waiting[] = [];
  const tell = (one: Waiting, result: ChangesetResult | undefined) => {
    if (result === undefined) beaten.push(one);
    else one.resolve(result);
  };
  const remembered: Promise<void>[] = [];
  const replayed: Promise<void>[] = [];
  for (const [place, one] of waiting.entries()) {
    const { request, resolve, reject } = one;
    const outcome = outcomes[place];
    if (outcome === undefined || 'deferred' in outcome) deferred.push(one);
    else if ('failure' in outcome) reject(outcome.failure);
    else if ('first' in outcome)
      replayed.push(answerAgain(on, outcome.first, revision).then(resolve, reject));
    else if ('sameAs' in outcome) {
      const again = answers.get(outcome.sameAs);
      if (again === undefined) deferred.push(one);
      else
        remembered.push(again.then((result) => tell(one, result && { ...result, replayed: true }), reject));
    } else {
      const result = resultOf(outcome.decided, revision);
      const id = idempotencyIdOf(request);
      if (id === undefined) resolve(result);
      else {
        const answer = remember(on, request, result);
        answers.set(id, answer);
        remembered.push(answer.then((own) => tell(one, own), reject));
      }
      on.observe.changed(result);
    }
  }
  return {
    deferred,
    remembered: Promise.all(remembered).then(() => beaten),
    replayed: Promise.all(replayed),
  };
}

function resultOf({ changesetId, events, warnings }: DecidedRequest, revision: number): ChangesetResult {
  return { changesetId, events, warnings, revision: events.at(-1)?.revision ?? revision, replayed: false };
}

/**
 * The answer to an idempotent request, when it is sure to be found again: in its events, or else remembered. Undefined
 * when another server remembered one first.
 */
async function remember(
  { rememberNoChange }: AnswerDependencies,
  { actor, idempotency }: ChangesetRequest,
  result: ChangesetResult,
): Promise<ChangesetResult | undefined> {
  if (result.changesetId !== null || idempotency === undefined) return result;
  const { warnings, revision } = result;
  const id = { actor: actor.id, key: idempotency.key };
  const isFirst = await rememberNoChange(id, idempotency.bodyHash, { warnings, revision });
  return isFirst ? result : undefined;
}

async function answerAgain(
  { replay }: AnswerDependencies,
  first: FirstAnswer,
  revision: number,
): Promise<ChangesetResult> {
  if (first.kind === 'no_change') {
    const { warnings } = first.answer as Pick<ChangesetResult, 'warnings'>;
    return { changesetId: null, events: [], warnings, revision, replayed: true };
  }
  const events = await replay(first.first, first.last);
  const warnings = events.at(-1)?.idempotency?.warnings ?? [];
  return { changesetId: first.changesetId, events, warnings, revision, replayed: true };
}
