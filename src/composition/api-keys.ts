/**
 * API keys: `varve_<role>_<id>_<secret>`. Making one, and telling whose a token is.
 * In: tokens from requests; out: principals. The ledger knows which keys there are (ApiKeyCreated, ApiKeyRevoked),
 * a table of verifiers knows their hashes; a key counts while both say so. The secret itself is kept nowhere.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Role } from '../domain/event.ts';
import type { Principal } from '../http/dependencies.ts';

const tokenPattern = /^varve_(admin|operator|auditor|service)_([a-z0-9]{4,40})_([A-Za-z0-9]{24,128})$/;
/** Tokens that were verified lately; the hot path compares no hash. */
const maxVerified = 10_000;

export interface ApiKeyParts {
  readonly role: Role;
  readonly id: string;
}

export interface Verifier {
  readonly ledger: string;
  readonly hash: Buffer;
}

/** What a ledger says about a key at its head; undefined when it does not know the key. */
export interface KeyStanding {
  readonly name: string;
  readonly role: Role;
  readonly trusted: boolean;
  readonly revoked: boolean;
}

export interface KeyRing {
  findVerifier(id: string): Promise<Verifier | undefined>;
  /** From the live state, without waiting; undefined also when the ledger is not open. */
  standing(ledger: string, id: string): KeyStanding | undefined;
  /** Opens a ledger that is known; false when there is none of that name. */
  open(ledger: string): Promise<boolean>;
}

/** The parts of a token, or undefined when it is none. */
export function parseApiKey(token: string): ApiKeyParts | undefined {
  const [, role, id] = tokenPattern.exec(token) ?? [];
  return role === undefined || id === undefined ? undefined : { role: role as Role, id };
}

/** A new key. `randomWord(n)` gives n random letters and digits. */
export function makeApiKey(role: Role, randomWord: (length: number) => string): { id: string; key: string } {
  const id = randomWord(12);
  return { id, key: `varve_${role}_${id}_${randomWord(40)}` };
}

/** What is kept of a key: sha256; the secret has over 200 random bits, so that no slow hash is needed. */
export function hashApiKey(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/** Tells whose a token is: at once for one that was seen lately, else after looking up its verifier. */
export function createAuthenticate(
  ring: KeyRing,
): (token: string) => Principal | undefined | Promise<Principal | undefined> {
  const verified = new LRUCache<
    string,
    { readonly id: string; readonly ledger: string; principal: Principal }
  >({
    max: maxVerified,
  });

  const current = (token: string, id: string, ledger: string): Principal | undefined => {
    const standing = ring.standing(ledger, id);
    if (standing === undefined || standing.revoked) return undefined;
    const { name, role, trusted } = standing;
    const principal: Principal = { keyId: id, name, role, trusted, ledger };
    verified.set(token, { id, ledger, principal });
    return principal;
  };

  const verify = async (token: string): Promise<Principal | undefined> => {
    const parts = parseApiKey(token);
    if (parts === undefined) return undefined;
    const verifier = await ring.findVerifier(parts.id);
    if (verifier === undefined || !timingSafeEqual(verifier.hash, hashApiKey(token))) return undefined;
    if (!(await ring.open(verifier.ledger))) return undefined;
    return current(token, parts.id, verifier.ledger);
  };

  return (token) => {
    const seen = verified.get(token);
    if (seen === undefined) return verify(token);
    // The state is asked every time: a revoked key stops counting with the changeset that revokes it.
    const standing = ring.standing(seen.ledger, seen.id);
    if (standing !== undefined && !standing.revoked) return seen.principal;
    verified.delete(token);
    return undefined;
  };
}
