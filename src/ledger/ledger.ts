/**
 * The Ledger port: append, read, follow. One named ledger is one totally ordered, gapless sequence of events.
 * Engines: postgres-ledger.ts, eventstore-ledger.ts, memory-ledger.ts; test/ledger/ledger-contract.ts holds each to the
 * sentences below. What an event means is none of the port's business: it keeps bytes.
 */

/** An event as the log keeps it: the exact canonical bytes (RFC 8785, as text) that its leaf hash is taken of. */
export interface StoredEvent {
  readonly revision: number;
  /** Epoch milliseconds; the same moment as in the bytes. */
  readonly recordedAt: number;
  readonly bytes: string;
}

/** Where a ledger ends: revision 0 and time 0 when it is empty. */
export interface Head {
  readonly revision: number;
  readonly recordedAt: number;
}

/** What an engine knows of its connection, for operators. */
export interface LogHealth {
  /** `unreachable`: the last call failed for want of a server. */
  readonly state: 'connected' | 'unreachable';
}

/** Either the events are durable, or the ledger stood elsewhere and nothing happened. */
export type AppendResult = { readonly appended: true } | { readonly appended: false; readonly head: Head };

/**
 * A turn at the end of the line of those who want to append: while it lasts nobody else does. It is over with `end`,
 * and by itself soon after its owner has fallen silent, so that a server that is paused stops nobody for long.
 */
export interface Turn {
  /** Where the ledger ends while the turn lasts. */
  readonly head: Head;
  /** As the ledger's own; at most once. Failure `unavailable` with reason `turn_over` when it came too late: nothing happened. */
  append(expectedRevision: number, events: readonly StoredEvent[]): Promise<AppendResult>;
  /** Lets the next one in; never rejects. */
  end(): Promise<void>;
}

export interface Ledger {
  /** The engine's name in `/v1/status`. */
  readonly engine: string;
  /** The most bytes that one append takes; a larger changeset is refused before it is sent. */
  readonly maxChangesetBytes: number;
  /** What each event takes of that beside its own bytes (in UTF-8): metadata, framing. At least what the engine counts. */
  readonly eventOverheadBytes: number;

  /**
   * Names this very log, for ever and for every server; what is made of it carries the name (checkpoints), so that
   * nothing made of another log is taken for it. A copy of the log in another engine has the same name.
   */
  identity(): Promise<string>;

  /** The ledgers that have events, by name; at most 100. */
  names(): Promise<readonly string[]>;

  /**
   * Appends whole changesets after `expectedRevision`, all or nothing; the events (at least one) have the next
   * revisions, without a gap. When it resolves with `appended: true` they survive the death of every process.
   * A ledger that stands at another revision answers `appended: false`; an unknown outcome (the connection went
   * away, a time limit) throws Failure `unavailable` with reason `outcome_unknown`: read to learn it.
   */
  append(ledger: string, expectedRevision: number, events: readonly StoredEvent[]): Promise<AppendResult>;

  /**
   * The events after a revision, in order, without gaps, at most `limit` (1–10,000) and at most about 8 MiB,
   * fewer only at the end of the ledger or for the bytes, never none while there is one. What was read stays so.
   */
  read(ledger: string, after: number, limit: number): Promise<readonly StoredEvent[]>;

  /** Where the ledger ends now. An append that was acknowledged before the call is seen. */
  head(ledger: string): Promise<Head>;

  /**
   * Calls `onAdvance` soon after the ledger may have grown, by whomever: at once for appends in this process,
   * within `pollMs` for others even if a notification is lost. It may be called for nothing, never the other way round.
   * `revision`, where it is known, is one that the ledger holds: who has it already need not look.
   */
  follow(ledger: string, onAdvance: (revision?: number) => void): { stop(): void };

  /**
   * Waits in line (bounded) for a turn: how a writer that lost a race gets its chance. An engine without a line has no
   * such verb; its writers race on. Failure `unavailable` when the wait was too long: nothing happened.
   */
  takeTurn?(ledger: string): Promise<Turn>;

  /** How the connection is, where the engine has one of its own. */
  health?(): LogHealth;
}

/** A log that holds something to let go of. */
export interface OpenLedger extends Ledger {
  stop(): Promise<void>;
}

/** What events take of an engine's `maxChangesetBytes`, with its `eventOverheadBytes`. */
export function appendBytes(events: readonly StoredEvent[], overheadBytes: number): number {
  return events.reduce((sum, { bytes }) => sum + Buffer.byteLength(bytes) + overheadBytes, 0);
}
