/**
 * The id of a delivery, made of what it is about (a UUIDv8 of SHA-256, RFC 9562): whoever writes it down, whenever, names it the same.
 * So nothing is written down twice, and a receiver that remembers ids hears everything once.
 */
import { hash } from 'node:crypto';
import type { Activation } from '../domain/background-questions.ts';
import { canonicalJson } from '../ledger/canonical-json.ts';

export function eventDeliveryId(ledger: string, webhook: string, revision: number): string {
  return idOf([ledger, webhook, 'event', revision]);
}

/** A subject turns in one way at one moment, whichever revision is known to have foretold it. */
export function activationDeliveryId(ledger: string, webhook: string, { at, turn }: Activation): string {
  return idOf([ledger, webhook, 'activation', at, turn.kind, turn.subject]);
}

function idOf(what: readonly (string | number)[]): string {
  const hex = hash('sha256', canonicalJson(what), 'hex');
  // The variant's two bits, then what is left of its digit.
  const variant = (8 + (Number.parseInt(hex.slice(16, 17), 16) % 4)).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
