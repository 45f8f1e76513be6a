/**
 * Replays of the log, as types: rebuilds of read models and verifications, what is known of them while they run, and what
 * they found. They are about the whole installation, all its ledgers.
 */

export type ReplayKind = 'rebuild' | 'verification';

export type ReplayPhase = 'checking' | 'filling' | 'indexing' | 'catching up' | 'comparing' | 'swapping';

export interface ReplayProgress {
  readonly phase: ReplayPhase;
  /** Events of all ledgers (indexes while indexing) that are done, of so many; 0 of 0 where nothing is counted. */
  readonly done: number;
  readonly total: number;
  readonly eventsPerSecond: number;
}

/** How the rows of one table that are read stand to those of a replay, at the same revision. */
export interface TableComparison {
  readonly table: string;
  /** Of the replay. */
  readonly rows: number;
  /** In the replay, and not in the rows that are read. */
  readonly missing: number;
  /** In the rows that are read, and not in the replay. */
  readonly surplus: number;
  /** In both, with other content. */
  readonly changed: number;
  /** Primary keys of at most five rows that differ. */
  readonly examples: readonly string[];
}

export interface Comparison {
  readonly tables: readonly TableComparison[];
  /** What need not be equal, and why: other code made it, it stands still. */
  readonly notCompared: readonly { readonly projection: string; readonly why: string }[];
}

/** One thing that a verification looks at, in all ledgers. */
export interface Check {
  readonly name: string;
  /** `unknown`: it could not be looked at, because of what another check names. */
  readonly result: 'ok' | 'violated' | 'unknown';
  readonly violations: number;
  /** The first 20. */
  readonly examples: readonly Violation[];
}

export interface Violation {
  readonly ledger?: string;
  readonly revision?: number;
  readonly what: string;
}

/** Of a rebuild the comparison of old and new, of a verification the checks. */
export type ReplayOutcome = { readonly comparison: Comparison } | { readonly checks: readonly Check[] };

export interface Replay {
  readonly id: string;
  readonly kind: ReplayKind;
  readonly projections: readonly string[];
  readonly requestedBy: string;
  /** Epoch milliseconds, as all times here. */
  readonly requestedAt: number;
  readonly state: 'waiting' | 'running' | 'done' | 'failed';
  readonly progress: ReplayProgress | null;
  readonly outcome: ReplayOutcome | null;
  /** Why it failed, without keys or values. */
  readonly error: string | null;
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
}

export interface ReplayReads {
  replay(kind: ReplayKind, id: string): Promise<Replay | undefined>;
  /** Those that wait or run, the oldest first; at most 100. */
  openReplays(): Promise<readonly Replay[]>;
}

/** Whether nothing differs. */
export function isEqual({ missing, surplus, changed }: TableComparison): boolean {
  return missing + surplus + changed === 0;
}
