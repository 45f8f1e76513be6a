/**
 * Webhooks and imports as they stand outside the ledger: deliveries, secrets, progress. Types alone; times are epoch
 * milliseconds.
 */
import type { Actor } from './event.ts';
import type { Page, PageRequest } from './questions.ts';
import type { LiveTurn } from './turns.ts';

export const deliveryStates = ['pending', 'delivered', 'given_up'] as const;
export type DeliveryState = (typeof deliveryStates)[number];

/** What turned by itself, and when. */
export interface Activation {
  /** RFC 3339. */
  readonly at: string;
  readonly turn: LiveTurn;
}

/** One notice to one webhook, and what became of it. */
export interface DeliveryRecord {
  readonly id: string;
  readonly ledger: string;
  readonly webhook: string;
  /** The type of the event, or `activation`. */
  readonly type: string;
  /** Of the event; of an activation that of the event that foretold it. */
  readonly revision: number;
  readonly activation: Activation | null;
  readonly state: DeliveryState;
  readonly attempts: number;
  /** When it is sent next, as long as it is pending. */
  readonly dueAt: number;
  readonly lastStatus: number | null;
  readonly lastError: string | null;
  readonly createdAt: number;
  readonly finishedAt: number | null;
}

export interface DeliveryFilter {
  readonly state?: DeliveryState;
}

export interface DeliveryReads {
  deliveries(
    ledger: string,
    webhook: string,
    filter: DeliveryFilter,
    page: PageRequest,
  ): Promise<Page<DeliveryRecord>>;
  delivery(ledger: string, webhook: string, id: string): Promise<DeliveryRecord | undefined>;
  /** By webhook, how many deliveries are pending and given up. */
  openDeliveries(
    ledger: string,
  ): Promise<ReadonlyMap<string, { readonly pending: number; readonly givenUp: number }>>;
}

export type ImportState = 'open' | 'finished' | 'failed' | 'cancelled';

/** A changeset that an import could not bring in. */
export interface ImportRefusal {
  /** Its place in the import, from 1. */
  readonly line: number;
  readonly idempotencyKey: string;
  readonly code: string;
  readonly reason: string | null;
  readonly message: string;
}

export interface ImportRecord {
  readonly id: string;
  readonly ledger: string;
  readonly actor: Actor;
  readonly state: ImportState;
  readonly total: number;
  readonly done: number;
  /** Events that it brought. */
  readonly events: number;
  /** Changesets that the ledger had before. */
  readonly replayed: number;
  readonly refused: number;
  /** The first 100. */
  readonly refusals: readonly ImportRefusal[];
  readonly lastError: string | null;
  readonly createdAt: number;
  readonly finishedAt: number | null;
}
