/**
 * What a client reads from the server: a snapshot as a whole, and the stream, changeset by changeset.
 * It tells how fresh what it has read is, and never tries again by itself.
 */
import { type FollowQuestion, followStream } from './follow-stream.ts';
import { openAnswer, type ServerReadsOn } from './open-answer.ts';
import { SnapshotReader } from './read-snapshot.ts';
import { SnapshotTally } from './snapshot-tally.ts';
import type { ValuesState } from './values-state.ts';

export interface ReadSnapshot {
  readonly state: ValuesState;
  readonly ledger: string;
  /** Names the log that its revision counts in; undefined when the server does not say. */
  readonly log: string | undefined;
}

interface SnapshotQuestion {
  readonly minRevision: number;
  /** Names the log that it has to be of; any when undefined. */
  readonly log: string | undefined;
  readonly onPiece?: (piece: Uint8Array) => Promise<void>;
  readonly signal: AbortSignal;
}

export interface ServerReads {
  /** A snapshot; `onPiece` gets its bytes as they come. Failures: those of the server, unavailable, corrupt, conflict (other_log). */
  snapshot(question: SnapshotQuestion): Promise<ReadSnapshot>;
  /** The bytes of a snapshot, whole, that nobody reads here; the same failures. */
  copySnapshot(question: Required<SnapshotQuestion>): Promise<void>;
  /**
   * Follows from after `revision` until the connection ends; `apply` is awaited before the next changeset.
   * Failures: those of the server, unavailable, corrupt, conflict (other_log).
   */
  follow(question: FollowQuestion): Promise<void>;
}

export function createServerReads(on: ServerReadsOn): ServerReads {
  return {
    snapshot: (question) => readSnapshot(on, question),
    copySnapshot: (question) => copySnapshot(on, question),
    follow: (question) => followStream(on, question),
  };
}

async function readSnapshot(on: ServerReadsOn, question: SnapshotQuestion): Promise<ReadSnapshot> {
  const reader = new SnapshotReader();
  const askedAt = on.elapsed();
  const { pieces, ageMs = 0 } = await openSnapshot(on, question);
  for await (const piece of pieces) {
    reader.feed(piece);
    await question.onPiece?.(piece);
  }
  const state = reader.whole();
  on.onFresh(ageMs + on.elapsed() - askedAt);
  return { state, ledger: reader.ledger, log: reader.log };
}

async function copySnapshot(on: ServerReadsOn, question: Required<SnapshotQuestion>): Promise<void> {
  const tally = new SnapshotTally();
  const { pieces } = await openSnapshot(on, question);
  for await (const piece of pieces) {
    tally.feed(piece);
    await question.onPiece(piece);
  }
  tally.whole();
}

function openSnapshot(on: ServerReadsOn, { minRevision, log, signal }: SnapshotQuestion) {
  return openAnswer(on, {
    request: { method: 'GET', path: '/v1/snapshot', query: { scopes: on.scopes, minRevision }, log },
    mediaType: 'application/x-ndjson',
    firstMs: on.waits.silenceMs,
    signal,
  });
}
