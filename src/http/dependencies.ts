/**
 * What the HTTP side is given by the composition root: live ledgers, reads, keys, metrics; never a pool.
 */
import type { FastifyPluginCallback } from 'fastify';
import type { ConsumerName, Heartbeat } from '../domain/arrival.ts';
import type { DeliveryRecord, ImportRecord } from '../domain/background-questions.ts';
import type { Actor, DataOf, Role } from '../domain/event.ts';
import type { ImportedChangeset } from '../domain/import-line.ts';
import type { Page, PageRequest } from '../domain/questions.ts';
import type { Reads } from '../domain/reads.ts';
import type { ReplayKind } from '../domain/replay-questions.ts';
import type { Context, Scope } from '../domain/scope.ts';
import type { ReceivedUsage, UsageReceipt } from '../domain/usage/usage.ts';
import type { ChangesetRequest, ChangesetResult } from '../ledger/changeset.ts';
import type { LiveLedger } from '../ledger/live-ledger.ts';

/** Whose key it is. */
export interface Principal {
  readonly keyId: string;
  readonly name: string;
  readonly role: Role;
  readonly trusted: boolean;
  /** The ledger the key belongs to; admins of `default` may choose another. */
  readonly ledger: string;
}

export interface HttpDependencies {
  /** The live ledger of that name, or undefined: an unknown one is never made. Loads it on first use. */
  ledger(name: string): Promise<LiveLedger | undefined>;
  /** Ledgers already live, for a look without waiting. */
  liveLedger(name: string): LiveLedger | undefined;
  readonly reads: Reads;
  /** Who a bearer token belongs to; undefined when it is unknown or revoked. Cached; synchronous when it can be. */
  authenticate(token: string): Principal | undefined | Promise<Principal | undefined>;
  readonly eventTickets: EventTickets;
  /** Makes a key: stores the verifier, then appends ApiKeyCreated. The secret is in the answer once. */
  createApiKey(
    ledger: LiveLedger,
    input: { readonly name: string; readonly role: Role; readonly trusted: boolean },
    meta: Omit<ChangesetRequest, 'changes'>,
  ): Promise<{ readonly id: string; readonly key: string; readonly result: ChangesetResult }>;
  readonly webhooks: WebhookDesk;
  readonly imports: ImportDesk;
  readonly consumers: ConsumerStore;
  /** How long ago an active context was seen at most, unless a request says otherwise. */
  readonly contextMaxAgeHours: number;
  /** Keeps usage, each id once; all or nothing. Failures: unavailable. */
  recordUsage(ledger: string, records: readonly ReceivedUsage[]): Promise<UsageReceipt>;
  /**
   * Asks for a rebuild or a verification of all ledgers and answers its id; of the one that is asked for already, if
   * it is the same. `all` or the name of a projection. Failures: not_found, unavailable.
   */
  requestReplay(kind: ReplayKind, projection: string, requestedBy: string): Promise<string>;
  /** The version that this server's code gives the rows of a projection; undefined for one that it does not know. */
  projectionVersion(name: string): number | undefined;
  /** Epoch milliseconds. */
  now(): number;
  /** A clock for durations, milliseconds; never runs backwards. */
  elapsed(): number;
  newId(): string;
  readonly version: string;
  /** Prometheus text, and the counters that routes feed. */
  readonly metrics: HttpMetrics;
  /** Whether the server is on its way out, or cannot serve, and why; and how well it is. */
  readiness(): {
    readonly ready: boolean;
    readonly reason?: string;
    /** Milliseconds since it last heard from a log. */
    readonly ageMs?: number;
    /** What does not work just now, a line each; never with keys or values. */
    readonly sick?: readonly string[];
  };
  /** Status of background jobs for /v1/status. */
  jobs(): Promise<
    readonly {
      readonly name: string;
      readonly state: string;
      readonly counts?: Readonly<Record<string, number>>;
    }[]
  >;
  /** The dashboard of jobs, to be mounted for admins; absent where there are no queues. */
  readonly jobsBoard?: FastifyPluginCallback;
}

/** What a ticket opens: the notices that something of a ledger has changed. */
export interface TicketClaim {
  readonly ledger: string;
  /** Epoch milliseconds; from then on it opens nothing. */
  readonly until: number;
  /** The scopes whose changes are to be told. */
  readonly scopes: readonly Scope[];
}

/** What stands in a ticket in place of a scope: nobody without the API key can tell which scope it is. */
export type MarkOf = (scope: Scope) => string;

export interface RedeemedTicket {
  readonly ledger: string;
  /** Epoch milliseconds. */
  readonly until: number;
  /** Marks of the scopes that were claimed. */
  readonly audience: readonly string[];
  /** How that key marks scopes of that ledger; as a rule one function for all tickets of both. */
  readonly markOf: MarkOf;
  /** Whether its key still opens anything. */
  readonly isStillGood: () => boolean;
}

/** Words for URLs, in place of an API key where no header can be sent. */
export interface EventTickets {
  /** The same word for the same key and claim. */
  issue(token: string, claim: TicketClaim): string;
  /** What was issued, whatever its time; undefined when it was not, or its key is revoked. Failures: unavailable. */
  redeem(ticket: string): Promise<RedeemedTicket | undefined>;
}

/** What of webhooks does not stand in the ledger. */
export interface WebhookDesk {
  /**
   * Makes a webhook: keeps the secret (makes one when none is given), then appends WebhookCreated. The secret is in the
   * answer once. Failures: invalid for a bad secret, refused for an address that is known to be forbidden.
   */
  create(
    ledger: LiveLedger,
    told: Omit<DataOf<'WebhookCreated'>, 'id'>,
    secret: string | undefined,
    meta: Omit<ChangesetRequest, 'changes'>,
  ): Promise<{ readonly id: string; readonly secret: string; readonly result: ChangesetResult }>;
  /** Lets go of what belonged to a webhook that the ledger has removed; never fails, a sweep does what is left. */
  removed(ledger: string, id: string): Promise<void>;
  /** Adds a secret; the one before counts for so many seconds more. Failures: invalid, conflict, unavailable. */
  rotate(
    ledger: string,
    id: string,
    secret: string | undefined,
    overlapSeconds: number,
  ): Promise<{ readonly secret: string; readonly oldExpiresAt: number | null }>;
  /** Makes a delivery due now; undefined when there is none. Failures: unavailable. */
  retry(ledger: string, id: string, delivery: string): Promise<DeliveryRecord | undefined>;
}

/** A changeset of an import, checked. */
export interface HandedOverChangeset {
  readonly idempotencyKey: string;
  /** Hex sha256, as of the same request to POST /v1/changesets. */
  readonly bodyHash: string;
  readonly changeset: ImportedChangeset;
}

/** Imports that are worked off in the background. Failures: unavailable. */
export interface ImportDesk {
  /** Keeps an import, whole; it is begun soon. Failures: limited when too many are open. */
  open(
    made: { readonly id: string; readonly ledger: string; readonly actor: Actor },
    changesets: readonly HandedOverChangeset[],
  ): Promise<ImportRecord>;
  find(ledger: string, id: string): Promise<ImportRecord | undefined>;
  list(ledger: string, page: PageRequest): Promise<Page<ImportRecord>>;
  /** Undefined when there is none that is open. */
  cancel(ledger: string, id: string): Promise<ImportRecord | undefined>;
}

/** What consumers say. Failures: unavailable. */
export interface ConsumerStore {
  /** Keeps up to 1,000 heartbeats, one of each process; answers those that were not: no room, or repeats of who is not known. */
  keep(ledger: string, heartbeats: readonly Heartbeat[]): Promise<readonly ConsumerName[]>;
  /** Notes contexts as seen by consumers. */
  noteContexts(ledger: string, seen: readonly (Context & { readonly at: number })[]): Promise<void>;
}

export interface HttpMetrics {
  text(): Promise<{ readonly contentType: string; readonly body: string }>;
  /** config_cache_hits_total: resolutions answered from memory. */
  resolvedFromMemory(count: number): void;
  /** config_load_seconds: resolutions that had to load rows. */
  loaded(seconds: number): void;
  request(method: string, route: string, status: number, seconds: number): void;
}
