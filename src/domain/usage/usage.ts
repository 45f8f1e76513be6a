/**
 * Usage: what a service reports about the tokens of one request, as it is kept and counted.
 * A record is a fact about a moment. It names what it was for (key, model) and who asked (user, tenant, tier); this file
 * knows no price and no clock.
 */
import type { Context } from '../scope.ts';

/** The counts of a record. Each token stands in exactly one of them, so that their sum is what the request took. */
export const tokenNames = [
  'inputTokens',
  'outputTokens',
  'cacheReadTokens',
  'cacheWriteTokens',
  'reasoningTokens',
  'inputAudioTokens',
  'outputAudioTokens',
] as const;

export type TokenName = (typeof tokenNames)[number];

/** The most tokens of one count of one record: sums over millions of records stay safe integers. */
export const maxTokens = 1_000_000_000;

/** Whole numbers from 0 to `maxTokens`. */
export type TokenCounts = { readonly [Name in TokenName]: number };

export const noTokens: TokenCounts = {
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  reasoningTokens: 0,
  inputAudioTokens: 0,
  outputAudioTokens: 0,
};

export interface UsageRecord extends Context, TokenCounts {
  /** Given by who reports; the same id is the same record. */
  readonly id: string;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly key?: string;
  /** `provider/model`; it need not be in the catalogue. */
  readonly model?: string;
}

/** A record on its way in: its model is the reported one, or what its key resolved to (absent when that is unknown). */
export interface ReceivedUsage extends UsageRecord {
  readonly modelByKey: boolean;
}

/** What became of a batch: `received` is `added` and `duplicates` together. */
export interface UsageReceipt {
  readonly received: number;
  readonly added: number;
  /** Records whose id was there already, in this batch or before. */
  readonly duplicates: number;
  /** Ids of duplicates that say something else than what is kept, at most 100. */
  readonly conflicting: readonly string[];
}
