/**
 * What a service holds in its hands: types only. create-varve.ts makes one; contexts, sessions, OpenFeature and the LLM client
 * are built on this alone. It never says how the state comes in.
 */
import type { JsonValue } from '../domain/json.ts';
import type { Receipt } from '../domain/receipt.ts';
import type { Reason, ResolvedModel } from '../domain/resolve.ts';
import type { Context, Scope } from '../domain/scope.ts';
import type { Failure } from '../failure.ts';
import type { ApiClient } from './api-client.ts';

export interface VarveOptions {
  /** Where the server is: `http://127.0.0.1:4270`. */
  readonly url: string;
  /** A key of the role `service` suffices to read; writing needs `operator`. */
  readonly apiKey: string;
  /** `default` when absent; only an admin's key may choose. */
  readonly ledger?: string;
  /** Which overrides to hold: `global`, `tier:*`, `tenant:acme` …; all when absent. A context outside them is not answered for. */
  readonly scopes?: readonly string[];
  /** Who is asking when a call gives no context; the request's context (request-context.ts) when absent. */
  readonly contextProvider?: () => Context | undefined;
  /** Last known good values: written while the service runs, read when it starts without a server. None when absent. */
  readonly cacheFile?: string;
  /** Without news for so long values are called stale; 60,000 when absent. */
  readonly staleAfterMs?: number;
  /** How this process is called among the consumers; with it it reports what it has applied. 1–200 characters; silent when absent. */
  readonly client?: string;
  /** Whether it reports who asked, too: contexts, each once in ten seconds, at most 1,000 (note 004). Goes with `client`; false when absent. */
  readonly reportContexts?: boolean;
  /** `auto` (when absent): a stream, and asking every `pollMs` where streams do not come through. */
  readonly transport?: 'auto' | 'stream' | 'polling';
  /** 5,000 when absent. */
  readonly pollMs?: number;
  /** Told of what goes wrong behind the calls, each with its cause; values go on being answered. */
  readonly onTrouble?: (failure: Failure) => void;
}

/** What a value is checked with; a zod schema is one. */
export interface ValueSchema<T> {
  safeParse(
    value: unknown,
  ): { readonly success: true; readonly data: T } | { readonly success: false; readonly error: Error };
}

export interface ResolveOptions<T> {
  /** Answered when there is no value to answer: with it nothing is thrown. */
  readonly fallback?: T;
  readonly schema?: ValueSchema<T>;
}

export interface Resolved<T = JsonValue> {
  readonly key: string;
  readonly value: T;
  /** The winning scope; `fallback` is the definition's, `caller` the call's own. */
  readonly scope: Scope | 'fallback' | 'caller';
  /** As OpenFeature has them; `ERROR` when the caller's fallback is answered. */
  readonly reason: Reason | 'ERROR';
  /** Of the winning event; 0 when there is none. */
  readonly revision: number;
  /** When the answer changes by itself, epoch milliseconds; null when it never does. */
  readonly validUntil: number | null;
  readonly arm?: string;
  readonly model?: ResolvedModel;
  /** Where the state came from that answered. */
  readonly source: 'server' | 'file' | 'caller';
  /** Revision of the ledger that answered; 0 when none did. */
  readonly stateRevision: number;
  /** The moment that was asked about, epoch milliseconds. */
  readonly at: number;
  /** Milliseconds since it was last known that nothing newer exists. */
  readonly ageMs: number;
  readonly isStale: boolean;
  /** Why the caller's fallback was answered. */
  readonly failure?: Failure;
}

export interface VarveStatus {
  /** `starting`: no values yet; `live`: up to date; `stale`: no news for longer than staleAfterMs; `closed`. */
  readonly state: 'starting' | 'live' | 'stale' | 'closed';
  readonly transport: 'stream' | 'polling' | 'none';
  readonly ledger: string;
  /** Goes back only when the server has another log (trouble `other_log`): its revisions are another count. */
  readonly revision: number;
  readonly source: 'server' | 'file' | 'none';
  readonly ageMs: number;
  /** What went wrong last, while it has not come right since. */
  readonly failure?: Failure;
  /** Of `reportContexts`: how many calls asked for contexts that found no room in a report. */
  readonly droppedContexts?: number;
}

/** A whole changeset was applied, or a boundary was crossed: what may resolve differently now. */
export interface ValuesChange {
  readonly revision: number;
  /** Of the selected ones; all that are defined when a model changed or a new snapshot came in. */
  readonly keys: readonly string[];
}

/** As in `POST /v1/changesets`; times are RFC 3339. */
export interface ChangesetToWrite {
  readonly reason: string;
  readonly changes: readonly object[];
  readonly expectedRevision?: number;
  readonly fingerprint?: string;
}

export interface WriteOptions {
  /** Made when absent, so that trying again is safe. */
  readonly idempotencyKey?: string;
  /** Waits (bounded) until every consumer has it. */
  readonly waitFor?: 'consumers';
  /** How long at most; 5,000 when absent, at most 30,000. */
  readonly waitMs?: number;
}

/** Who has a changeset and who has not; lists of at most 1,000. */
export interface Arrival {
  readonly revision: number;
  /** Names of which every process that is heard of has it. */
  readonly reached: readonly string[];
  readonly reachedCount: number;
  readonly missing: readonly {
    readonly client: string;
    readonly instance: string;
    readonly revision: number;
    readonly state: 'current' | 'behind' | 'stuck' | 'silent';
    /** RFC 3339. */
    readonly lastSeenAt: string;
  }[];
  readonly missingCount: number;
}

export interface Written {
  /** Absent when nothing changed. */
  readonly changesetId?: string;
  readonly revisions?: { readonly first: number; readonly last: number };
  readonly warnings: readonly { readonly code: string; readonly message: string; readonly path: string }[];
  /** When consumers were waited for and something was written; absent also when nobody can tell, which is a warning. */
  readonly consumers?: Arrival;
}

export interface Varve {
  /** Waits until there are values, from the server or the file. Failures: unavailable after `timeoutMs` (10,000), unauthenticated, forbidden, not_found. */
  ready(timeoutMs?: number): Promise<void>;
  status(): VarveStatus;
  /** The value with all that is known about it. Failures, without a fallback: not_found, unavailable, invalid. */
  resolve<T = JsonValue>(key: string, context?: Context, options?: ResolveOptions<T>): Resolved<T>;
  /** The value alone; the same failures. Values are shared, not copied: nobody may change them. */
  value<T = JsonValue>(key: string, context?: Context, options?: ResolveOptions<T>): T;
  /** Who is asking when a call does not say, at this moment. Failures: invalid for a context that is none. */
  asking(): Context;
  /** Names of the keys that are defined. */
  keys(): readonly string[];
  /**
   * What proves later what was answered; `GET /v1/receipts/…` gives it back. `context` as it was in the call; of a value
   * that a schema has made into something else there is none that the server would know. Failures: invalid.
   */
  receipt(resolved: Resolved<unknown>, context?: Context): Receipt;
  /** `selector`: a key, or a prefix that ends in `*`. Called after the whole changeset is in. Answers how to stop. */
  onChange(selector: string, listener: (change: ValuesChange) => void): () => void;
  /** Called when state, transport or source change, and when the key or the ledger begins or ceases to be refused. */
  onStatus(listener: (status: VarveStatus) => void): () => void;
  /** Waits until a revision is applied. Failures: unavailable after `timeoutMs` (10,000). */
  reached(revision: number, timeoutMs?: number): Promise<void>;
  /** Asks the server now, where it is asked every `pollMs` or after a pause; for whoever hears of a change by other ways. */
  refresh(): void;
  /** Writes a changeset, once, and waits until its values are here. Failures: those of the server. */
  write(changeset: ChangesetToWrite, options?: WriteOptions): Promise<Written>;
  /** For what has no call of its own. */
  readonly api: ApiClient;
  /** Milliseconds of the epoch by the server's clock, as far as it is known. */
  now(): number;
  /** Ends the connection and writes the file. */
  close(): Promise<void>;
}
