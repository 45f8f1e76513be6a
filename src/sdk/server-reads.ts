/**
 * What a client reads from the server: a snapshot as a whole, and the stream, changeset by changeset.
 * Every answer is news of the server's clock and of how old its own news is. It never tries again by itself.
 */
import { z } from 'zod';
import { parseInstant } from '../domain/instant.ts';
import { Failure } from '../failure.ts';
import type { ApiClient, ApiRequest } from './api-client.ts';
import type { ValuesChangeset } from './apply-changeset.ts';
import { bodyPieces } from './body-pieces.ts';
import { ChangesetMessages } from './changeset-messages.ts';
import { EventMessages, type StreamMessage } from './event-messages.ts';
import { SnapshotReader } from './read-snapshot.ts';
import { SnapshotTally } from './snapshot-tally.ts';
import type { ValuesState } from './values-state.ts';
import type { VarveWaits } from './varve-parts.ts';

interface ServerReadsOn {
  readonly api: ApiClient;
  readonly elapsed: () => number;
  readonly waits: VarveWaits;
  /** Patterns of the scopes that are asked for; undefined for all. */
  readonly scopes: string | undefined;
  /** A word from the server: its time (epoch milliseconds) and how old its news is, where it says so. */
  readonly onHeard: (time: number | undefined, ageMs: number | undefined) => void;
  /** How long the server wants its clients to wait before they come again, milliseconds. */
  readonly onRetry: (ms: number) => void;
  /** Boundaries were crossed on the server. */
  readonly onActivation: () => void;
}

export interface ReadSnapshot {
  readonly state: ValuesState;
  readonly ledger: string;
}

interface SnapshotQuestion {
  readonly minRevision: number;
  readonly onPiece?: (piece: Uint8Array) => Promise<void>;
  readonly signal: AbortSignal;
}

interface FollowQuestion {
  readonly revision: number;
  /** Otherwise it ends at the head. */
  readonly isFollowing: boolean;
  readonly apply: (changeset: ValuesChangeset) => Promise<void>;
  /** The first byte is there. */
  readonly onOpen?: () => void;
  readonly signal: AbortSignal;
}

interface Opening {
  readonly request: ApiRequest;
  /** What the answer has to be; something in between may answer with a page of its own. */
  readonly mediaType: string;
  readonly firstMs: number;
  readonly signal: AbortSignal;
}

const aliveSchema = z.looseObject({ at: z.string(), ageMs: z.number().nonnegative() });

export interface ServerReads {
  /** A snapshot; `onPiece` gets its bytes as they come. Failures: those of the server, unavailable, corrupt. */
  snapshot(question: SnapshotQuestion): Promise<ReadSnapshot>;
  /** The bytes of a snapshot, whole, that nobody reads here; the same failures. */
  copySnapshot(question: Required<SnapshotQuestion>): Promise<void>;
  /**
   * Follows from after `revision` until the connection ends; `apply` is awaited before the next changeset.
   * Failures: those of the server, unavailable, corrupt.
   */
  follow(question: FollowQuestion): Promise<void>;
}

export function createServerReads(on: ServerReadsOn): ServerReads {
  return {
    snapshot: (question) => readSnapshot(on, question),
    copySnapshot: (question) => copySnapshot(on, question),
    follow: (question) => follow(on, question),
  };
}

async function readSnapshot(on: ServerReadsOn, question: SnapshotQuestion): Promise<ReadSnapshot> {
  const reader = new SnapshotReader();
  for await (const piece of await openSnapshot(on, question)) {
    reader.feed(piece);
    await question.onPiece?.(piece);
  }
  return { state: reader.whole(), ledger: reader.ledger };
}

async function copySnapshot(on: ServerReadsOn, question: Required<SnapshotQuestion>): Promise<void> {
  const tally = new SnapshotTally();
  for await (const piece of await openSnapshot(on, question)) {
    tally.feed(piece);
    await question.onPiece(piece);
  }
  tally.whole();
}

function openSnapshot(on: ServerReadsOn, { minRevision, signal }: SnapshotQuestion) {
  return open(on, {
    request: { method: 'GET', path: '/v1/snapshot', query: { scopes: on.scopes, minRevision } },
    mediaType: 'application/x-ndjson',
    firstMs: on.waits.silenceMs,
    signal,
  });
}

async function follow(
  on: ServerReadsOn,
  { revision, isFollowing, apply, onOpen, signal }: FollowQuestion,
): Promise<void> {
  const { firstByteMs, silenceMs } = on.waits;
  const firstMs = isFollowing ? firstByteMs : silenceMs;
  const pieces = await open(on, {
    request: {
      method: 'GET',
      path: '/v1/stream',
      query: { view: 'values', scopes: on.scopes, ...(isFollowing ? {} : { follow: 'false' }) },
      headers: { 'last-event-id': String(revision), accept: 'text/event-stream' },
      timeoutMs: firstMs,
    },
    mediaType: 'text/event-stream',
    firstMs,
    signal,
  });
  const decoder = new TextDecoder();
  const messages = new EventMessages();
  const changesets = new ChangesetMessages(revision);
  let isOpen = false;
  for await (const piece of pieces) {
    if (!isOpen) onOpen?.();
    isOpen = true;
    on.onHeard(undefined, undefined);
    for (const message of messages.feed(decoder.decode(piece, { stream: true }))) {
      const changeset = taken(on, message, changesets);
      if (changeset !== undefined) await apply(changeset);
    }
  }
}

/** Opens a body that ends with `signal`, or when its reader ends it. */
async function open(
  on: ServerReadsOn,
  { request, mediaType, firstMs, signal }: Opening,
): Promise<AsyncGenerator<Uint8Array>> {
  const { elapsed, waits } = on;
  const abort = new AbortController();
  const end = () => abort.abort();
  if (signal.aborted) end();
  signal.addEventListener('abort', end);
  abort.signal.addEventListener('abort', () => signal.removeEventListener('abort', end));
  let response: Response;
  try {
    response = await on.api.open({ ...request, signal: abort.signal });
    checkMediaType(response, mediaType);
  } catch (error) {
    end();
    throw error;
  }
  const { headers } = response;
  const age = Number(headers.get('varve-age') ?? Number.NaN);
  on.onHeard(parseInstant(headers.get('varve-at') ?? ''), Number.isFinite(age) ? age * 1_000 : undefined);
  return bodyPieces(response, { abort, elapsed, silenceMs: waits.silenceMs, firstMs });
}

function checkMediaType({ headers }: Response, mediaType: string): void {
  if (headers.get('content-type')?.startsWith(mediaType) === true) return;
  throw new Failure('unavailable', 'something in between answered for the server', {
    reason: 'foreign_answer',
  });
}

/** What a message says; answers the changeset that it completes. Failures: corrupt. */
function taken(
  on: ServerReadsOn,
  message: StreamMessage,
  changesets: ChangesetMessages,
): ValuesChangeset | undefined {
  if (message.kind === 'retry') on.onRetry(message.ms);
  if (message.kind !== 'message') return undefined;
  const { event, data } = message;
  if (event === 'message') return changesets.event(data);
  if (event === 'revision') return changesets.moved(data);
  if (event === 'activation') on.onActivation();
  if (event === 'alive') heardAlive(on, data);
  return undefined;
}

function heardAlive(on: ServerReadsOn, data: string): void {
  const told = aliveSchema.safeParse(parsedJson(data));
  if (told.success) on.onHeard(parseInstant(told.data.at), told.data.ageMs);
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
