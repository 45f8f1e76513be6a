/**
 * Receipts in answers: what a resolution answered, under one hash (domain/receipt.ts). In: resolutions at a moment; out:
 * a receipt that `GET /v1/receipts/…` gives back.
 */
import { hash } from 'node:crypto';
import { z } from 'zod';
import type { Moment } from '../domain/questions.ts';
import { makeReceipt, type Receipt, type Receipted } from '../domain/receipt.ts';
import { invalidAt } from './problem.ts';

/** The most keys of one receipt, so that a URL can name them and each can be explained. */
const maxReceiptKeys = 100;

export const receiptSchema = z
  .strictObject({
    ledger: z.string(),
    revision: z.number().int(),
    at: z.string(),
    hash: z.string().regex(/^[0-9a-f]{64}$/),
  })
  .meta({
    id: 'Receipt',
    description: `What was answered, under one hash, for at most ${maxReceiptKeys} keys; GET /v1/receipts gives it back`,
  });

export const receiptQuery = {
  receipt: z
    .enum(['true', 'false'])
    .transform((value) => value === 'true')
    .meta({ type: 'boolean', description: 'Whether the answer carries a receipt; not when it is left out' })
    .exactOptional(),
};

/** The member `receipt` of an answer, where it is asked for. Throws Failure `invalid` for more keys than a receipt is for. */
export function receiptPart(
  isAsked: boolean | undefined,
  { ledger, place, ...answered }: Omit<Receipted, 'revision' | 'at'> & { readonly place: string },
  { asOf: revision, at }: Moment,
): { readonly receipt?: Receipt } {
  if (isAsked !== true) return {};
  checkReceiptKeys(answered.resolutions.length, place);
  return { receipt: receiptOf({ ...answered, ledger, revision, at }) };
}

export function receiptOf(answered: Receipted): Receipt {
  return makeReceipt((text) => hash('sha256', text, 'hex'), answered);
}

/** Throws Failure `invalid`; `place` is where keys are named. */
export function checkReceiptKeys(count: number, place: string): void {
  if (count <= maxReceiptKeys) return;
  const message = `a receipt is for at most ${maxReceiptKeys} keys, these are ${count}: name fewer`;
  throw invalidAt(place, message, 'too_many');
}
