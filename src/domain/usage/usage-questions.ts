/**
 * Questions about usage and prices over time and their answers, as types; bound to a pool with the others (questions.ts).
 * Times are epoch milliseconds; everything is about one ledger.
 */
import type { Context } from '../scope.ts';
import type { PriceAssertion } from '../subject-state.ts';
import type { UsageRecord } from './usage.ts';

/** Which usage is meant: recorded at or after `from` and before `to`, and for all that is named. */
export interface UsageFilter {
  readonly from: number;
  readonly to: number;
  readonly model?: string;
  readonly tenant?: string;
  readonly key?: string;
}

/** The place behind a record; records are ordered by time, then id. */
export type UsagePosition = Pick<UsageRecord, 'at' | 'id'>;

/** A price as it is known, and how it came about. */
export interface KnownPrice extends PriceAssertion {
  readonly kind: 'added' | 'changed' | 'corrected';
}

/** Prices by model, in the order of domain/assertion.ts; a model without a known price has no entry. */
export type PricesByModel = ReadonlyMap<string, readonly KnownPrice[]>;

/** That a model's price was wrong from a time until before another (`forever` when it has no end). */
export interface PriceCorrection {
  readonly revision: number;
  readonly model: string;
  readonly from: number;
  readonly until: number;
}

export interface UsageReads {
  /** Contexts that were seen in usage or by consumers, last seen first, each once; `limit` up to 100,000. */
  contextsSeen(ledger: string, limit: number): Promise<readonly Context[]>;
  /** Up to 2,000 records behind a place, by time and id; fewer only at the end. */
  usagePage(
    ledger: string,
    filter: UsageFilter,
    after: UsagePosition | undefined,
  ): Promise<readonly UsageRecord[]>;
  /** Every price of these models that was known at a revision. Failure `limited` for more than 200,000. */
  pricesOfModels(ledger: string, asOf: number, models: readonly string[]): Promise<PricesByModel>;
  /** Corrections recorded after a revision and known at another, oldest first. Failure `limited` for more than 10,000. */
  correctionsSince(
    ledger: string,
    since: number,
    asOf: number,
    model: string | undefined,
  ): Promise<readonly PriceCorrection[]>;
  /** The head at each of these times, in their order; 0 before the first changeset. */
  revisionsAt(ledger: string, times: readonly number[]): Promise<readonly number[]>;
}
