/**
 * Tickets: what a browser follows a ledger's changes with, where it can send no header (EventSource). A ticket opens the
 * stream of notices of one ledger and nothing else, until its time is over or its API key is revoked.
 * In: an API key and a claim; out: a word for a URL. It is signed with the hash of the key, which every server finds among
 * the verifiers: so no secret is kept for it, any server takes a ticket of another one, and it tells nothing of the key.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { EventTickets, TicketClaim } from '../http/dependencies.ts';
import { hashApiKey, type KeyRing, parseApiKey, type Verifier } from './api-keys.ts';

/** `<key id>.<ledger>.<until, base 36>.<audience, joined by ~>.<signature>` */
const ticketPattern =
  /^([a-z0-9]{4,40})\.([a-z][a-z0-9-]{0,62})\.([0-9a-z]{1,11})\.([A-Za-z0-9_-]*(?:~[A-Za-z0-9_-]+)*)\.([A-Za-z0-9_-]{43})$/;
const maxVerifiers = 10_000;

export function createEventTickets(ring: KeyRing): EventTickets {
  // A verifier never changes; whether its key still counts is asked of the ledger every time.
  const known = new LRUCache<string, Verifier>({ max: maxVerifiers });
  const verifierOf = async (id: string): Promise<Verifier | undefined> => {
    const found = known.get(id) ?? (await ring.findVerifier(id));
    if (found !== undefined) known.set(id, found);
    return found;
  };
  return {
    issue(token, { ledger, until, audience }) {
      const id = parseApiKey(token)?.id ?? '';
      const told = `${id}.${ledger}.${until.toString(36)}.${audience.join('~')}`;
      return `${told}.${signatureOf(told, hashApiKey(token)).toString('base64url')}`;
    },
    async redeem(ticket) {
      const [, id, ledger, until, audience = '', signature] = ticketPattern.exec(ticket) ?? [];
      if (id === undefined || ledger === undefined || until === undefined || signature === undefined)
        return undefined;
      const verifier = await verifierOf(id);
      if (verifier === undefined) return undefined;
      const told = ticket.slice(0, ticket.lastIndexOf('.'));
      const given = Buffer.from(signature, 'base64url');
      if (!timingSafeEqual(given, signatureOf(told, verifier.hash))) return undefined;
      if (!(await ring.open(verifier.ledger))) return undefined;
      const isStillGood = () => ring.standing(verifier.ledger, id)?.revoked === false;
      const claim: TicketClaim = {
        ledger,
        until: Number.parseInt(until, 36),
        audience: audience === '' ? [] : audience.split('~'),
      };
      return isStillGood() ? { ...claim, isStillGood } : undefined;
    },
  };
}

/** The first words keep a signature from being taken for one of another purpose. */
function signatureOf(told: string, keyHash: Buffer): Buffer {
  return createHmac('sha256', keyHash).update(`varve event ticket\n${told}`).digest();
}
