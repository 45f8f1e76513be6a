/**
 * Tickets: what a browser follows a ledger's changes with, where it can send no header (EventSource). A ticket opens the
 * stream of notices of one ledger and nothing else, until its time is over or its API key is revoked.
 * In: an API key and a claim; out: a word for a URL. It is signed with the hash of the key, which every server finds among
 * the verifiers: so no secret is kept for it, any server takes a ticket of another one, and it tells nothing of the key.
 * Scopes stand in it as marks, made with the same hash: who finds a URL in a log cannot try out names.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { EventTickets, MarkOf } from '../http/dependencies.ts';
import { hashApiKey, type KeyRing, parseApiKey, type Verifier } from './api-keys.ts';

/** `<key id>.<ledger>.<until, base 36>.<audience, joined by ~>.<signature>` */
const ticketPattern =
  /^([a-z0-9]{4,40})\.([a-z][a-z0-9-]{0,62})\.([0-9a-z]{1,11})\.([A-Za-z0-9_-]*(?:~[A-Za-z0-9_-]+)*)\.([A-Za-z0-9_-]{43})$/;
const maxVerifiers = 10_000;
/** 72 bits. Two scopes of one mark cost a question too many. */
const markLength = 12;

export function createEventTickets(ring: KeyRing): EventTickets {
  // A verifier never changes; whether its key still counts is asked of the ledger every time.
  const known = new LRUCache<string, Verifier>({ max: maxVerifiers });
  const markers = new LRUCache<string, MarkOf>({ max: maxVerifiers });
  const verifierOf = async (id: string): Promise<Verifier | undefined> => {
    const found = known.get(id) ?? (await ring.findVerifier(id));
    if (found !== undefined) known.set(id, found);
    return found;
  };
  return {
    issue(token, { ledger, until, scopes }) {
      const id = parseApiKey(token)?.id ?? '';
      const keyHash = hashApiKey(token);
      const audience = scopes.map(markerOf(keyHash, ledger)).join('~');
      const told = `${id}.${ledger}.${until.toString(36)}.${audience}`;
      return `${told}.${signatureOf(told, keyHash).toString('base64url')}`;
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
      if (!isStillGood()) return undefined;
      const marker = `${id}.${ledger}`;
      const markOf = markers.get(marker) ?? markerOf(verifier.hash, ledger);
      markers.set(marker, markOf);
      return {
        ledger,
        until: Number.parseInt(until, 36),
        audience: audience === '' ? [] : audience.split('~'),
        markOf,
        isStillGood,
      };
    },
  };
}

/** Of the ledger too: one user of two ledgers has two marks. */
function markerOf(keyHash: Buffer, ledger: string): MarkOf {
  return (scope) =>
    createHmac('sha256', keyHash)
      .update(`varve event audience\n${ledger}\n${scope}`)
      .digest('base64url')
      .slice(0, markLength);
}

/** The first words keep a signature from being taken for one of another purpose. */
function signatureOf(told: string, keyHash: Buffer): Buffer {
  return createHmac('sha256', keyHash).update(`varve event ticket\n${told}`).digest();
}
