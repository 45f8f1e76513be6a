/**
 * The stream of the view `values`, from a revision on: what it says becomes whole changesets, applied one after the other.
 * It tells when all that the server held has been applied, because only then the values are the newest.
 */
import { z } from 'zod';
import { parseInstant } from '../domain/instant.ts';
import { Failure } from '../failure.ts';
import type { ValuesChangeset } from './apply-changeset.ts';
import { ChangesetMessages } from './changeset-messages.ts';
import { EventMessages, type StreamMessage } from './event-messages.ts';
import { type Opened, openAnswer, type ServerReadsOn } from './open-answer.ts';

export interface FollowQuestion {
  readonly revision: number;
  /** Names the log that the revision counts in; undefined when it is not known. */
  readonly log: string | undefined;
  /** Otherwise it ends at the head. */
  readonly isFollowing: boolean;
  readonly apply: (changeset: ValuesChangeset) => Promise<void>;
  /** The first byte is there. */
  readonly onOpen: () => void;
  /** What the server held when it was asked has been applied. */
  readonly onCaughtUp: () => void;
  readonly signal: AbortSignal;
}

const aliveSchema = z.looseObject({ at: z.string(), ageMs: z.number().nonnegative() });

/** Until the connection ends. Failures: those of the server, unavailable, corrupt, conflict (other_log). */
export async function followStream(on: ServerReadsOn, question: FollowQuestion): Promise<void> {
  const { pieces, head, ageMs } = await openStream(on, question);
  const decoder = new TextDecoder();
  const messages = new EventMessages();
  const changesets = new ChangesetMessages(question.revision);
  let { revision } = question;
  let isOpen = false;
  let isCaughtUp = false;
  for await (const piece of pieces) {
    if (!isOpen) question.onOpen();
    isOpen = true;
    if (isCaughtUp) on.onFresh(undefined);
    for (const message of messages.feed(decoder.decode(piece, { stream: true }))) {
      const changeset = taken(on, message, changesets, isCaughtUp);
      if (changeset === undefined) continue;
      await question.apply(changeset);
      ({ revision } = changeset);
    }
    if (isCaughtUp || revision < head) continue;
    isCaughtUp = true;
    on.onFresh(ageMs);
    question.onCaughtUp();
  }
  if (question.isFollowing && !isOpen) {
    throw new Failure('unavailable', 'the stream ended before it began', { reason: 'silent' });
  }
  // What is asked for to the head ends there.
  if (!question.isFollowing) on.onFresh(ageMs);
}

function openStream(
  on: ServerReadsOn,
  { revision, log, isFollowing, signal }: FollowQuestion,
): Promise<Opened> {
  const { firstByteMs, silenceMs } = on.waits;
  const firstMs = isFollowing ? firstByteMs : silenceMs;
  return openAnswer(on, {
    request: {
      method: 'GET',
      path: '/v1/stream',
      query: { view: 'values', scopes: on.scopes, ...(isFollowing ? {} : { follow: 'false' }) },
      headers: { 'last-event-id': String(revision), accept: 'text/event-stream' },
      log,
      timeoutMs: firstMs,
    },
    mediaType: 'text/event-stream',
    firstMs,
    signal,
  });
}

/** What a message says; answers the changeset that it completes. Failures: corrupt. */
function taken(
  on: ServerReadsOn,
  message: StreamMessage,
  changesets: ChangesetMessages,
  isCaughtUp: boolean,
): ValuesChangeset | undefined {
  if (message.kind === 'retry') on.onRetry(message.ms);
  if (message.kind !== 'message') return undefined;
  const { event, data } = message;
  if (event === 'message') return changesets.event(data);
  if (event === 'revision') return changesets.moved(data);
  if (event === 'activation') on.onActivation();
  if (event === 'alive') heardAlive(on, data, isCaughtUp);
  return undefined;
}

function heardAlive(on: ServerReadsOn, data: string, isCaughtUp: boolean): void {
  const told = aliveSchema.safeParse(parsedJson(data));
  if (!told.success) return;
  const time = parseInstant(told.data.at);
  if (time !== undefined) on.onTime(time);
  if (isCaughtUp) on.onFresh(told.data.ageMs);
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
