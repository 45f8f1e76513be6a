/**
 * Receipts: what proves years later which configuration was answered. Made by server and SDK alike, from what they
 * answered; whoever asks the ledger again, as it was at that revision, about that moment, gets the same one.
 * The text under the hash must never change for an answer: receipts are kept longer than code.
 */
import { canonicalJson } from './canonical-json.ts';
import { formatInstant } from './instant.ts';
import type { Resolution, ResolvedModel } from './resolve.ts';
import type { Context } from './scope.ts';

export interface Receipt {
  readonly ledger: string;
  /** The ledger's revision that answered. */
  readonly revision: number;
  /** The moment that was asked about, RFC 3339. */
  readonly at: string;
  /** SHA-256 of the canonical text of what was answered, in lower case hexadecimal digits. */
  readonly hash: string;
}

/** Of a resolution what a receipt holds. When it changes by itself is no part: it follows from the rest. */
export interface ReceiptedValue
  extends Pick<Resolution, 'key' | 'scope' | 'reason' | 'revision' | 'arm' | 'model'> {
  /** JSON; clients may know it as a type of their own. */
  readonly value: unknown;
}

export interface Receipted {
  readonly ledger: string;
  readonly revision: number;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly context: Context;
  /** In any order, each key once. */
  readonly resolutions: readonly ReceiptedValue[];
}

/** `sha256` answers lower case hexadecimal digits of a text in UTF-8; where code runs decides how. */
export function makeReceipt(sha256: (text: string) => string, answered: Receipted): Receipt {
  const { ledger, revision, at } = answered;
  return { ledger, revision, at: formatInstant(at), hash: sha256(receiptText(answered)) };
}

/**
 * The text whose hash is the receipt's: canonical JSON (RFC 8785) of
 * `{ ledger, revision, at, context, values: { <key>: { value, scope, reason, revision, arm?, model? } } }`.
 */
export function receiptText({ ledger, revision, at, context, resolutions }: Receipted): string {
  const { user, tenant, tier } = context;
  return canonicalJson({
    ledger,
    revision,
    at: formatInstant(at),
    context: {
      ...(user === undefined ? {} : { user }),
      ...(tenant === undefined ? {} : { tenant }),
      ...(tier === undefined ? {} : { tier }),
    },
    values: Object.fromEntries(resolutions.map((resolution) => [resolution.key, receipted(resolution)])),
  });
}

function receipted({ value, scope, reason, revision, arm, model }: ReceiptedValue) {
  return {
    value,
    scope,
    reason,
    revision,
    ...(arm === undefined ? {} : { arm }),
    ...(model === undefined ? {} : { model: modelPart(model) }),
  };
}

/** Spelled out, so that a field that is added to a model one day does not change the receipts of before. */
function modelPart({ id, provider, model, status, successor, sunsetAt, followed }: ResolvedModel) {
  return {
    id,
    provider,
    model,
    status,
    ...(successor === undefined ? {} : { successor }),
    ...(sunsetAt === undefined ? {} : { sunsetAt: formatInstant(sunsetAt) }),
    ...(followed === undefined ? {} : { followed }),
  };
}
