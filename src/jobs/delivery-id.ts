/**
 * The id of a delivery, made of what it is about: whoever writes it down, whenever, names it the same.
 * So nothing is written down twice, and a receiver that remembers ids hears everything once.
 */
import type { Activation } from '../domain/background-questions.ts';
import { canonicalJson } from '../domain/canonical-json.ts';
import { hashedUuid } from '../ledger/hashed-uuid.ts';

export function eventDeliveryId(ledger: string, webhook: string, revision: number): string {
  return idOf([ledger, webhook, 'event', revision]);
}

/** A subject turns in one way at one moment, whichever revision is known to have foretold it. */
export function activationDeliveryId(ledger: string, webhook: string, { at, turn }: Activation): string {
  return idOf([ledger, webhook, 'activation', at, turn.kind, turn.subject]);
}

function idOf(what: readonly (string | number)[]): string {
  return hashedUuid(canonicalJson(what));
}
