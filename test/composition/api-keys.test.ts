/** API keys as tokens: their form, what is kept of them, and whose a token is; the ring of keys here is two maps. */
import { describe, expect, test } from 'vitest';
import { randomWord } from '../../src/clock-and-ids.ts';
import {
  createAuthenticate,
  hashApiKey,
  type KeyStanding,
  makeApiKey,
  parseApiKey,
  type Verifier,
} from '../../src/composition/api-keys.ts';

const roles = ['admin', 'operator', 'auditor', 'service'] as const;

describe('the form of a key', () => {
  test.each(roles)('a made key of the role %s is parsed again', (role) => {
    const { id, key } = makeApiKey(role, randomWord);
    expect(key).toMatch(new RegExp(`^varve_${role}_${id}_[a-z0-9]{40}$`));
    expect(parseApiKey(key)).toEqual({ role, id });
    expect(makeApiKey(role, randomWord).key).not.toBe(key);
  });

  test.each([
    '',
    'varve_admin_abcd_',
    `varve_admin_abc_${'s'.repeat(24)}`,
    `varve_admin_ABCD_${'s'.repeat(24)}`,
    `varve_king_abcd_${'s'.repeat(24)}`,
    `varve_admin_abcd_${'s'.repeat(23)}`,
    `varve_admin_abcd_${'s'.repeat(129)}`,
    `varve_admin_abcd_${'s'.repeat(24)}\n`,
    ` varve_admin_abcd_${'s'.repeat(24)}`,
    `varve_admin_abcd_${'s'.repeat(23)}_`,
    `varve_admin_${'i'.repeat(41)}_${'s'.repeat(24)}`,
  ])('%j is none', (text) => {
    expect(parseApiKey(text)).toBeUndefined();
  });

  test('what is kept is a hash of all of it', () => {
    const { key } = makeApiKey('service', randomWord);
    expect(hashApiKey(key)).toHaveLength(32);
    expect(hashApiKey(key)).toEqual(hashApiKey(key));
    for (let at = 0; at < key.length; at += 1) {
      const other = `${key.slice(0, at)}${key[at] === 'x' ? 'y' : 'x'}${key.slice(at + 1)}`;
      expect(hashApiKey(other)).not.toEqual(hashApiKey(key));
    }
  });
});

describe('whose a token is', () => {
  test('the ledger decides about name, role and trust, not the token', async () => {
    const { key, id, ring } = createRing('operator', { name: 'ci', role: 'auditor', trusted: true });
    expect(await createAuthenticate(ring)(key)).toEqual({
      keyId: id,
      name: 'ci',
      role: 'auditor',
      trusted: true,
      ledger: 'default',
    });
  });

  test('another role written into a token that was seen already makes it nobody’s', async () => {
    const { key, ring } = createRing('service');
    const authenticate = createAuthenticate(ring);
    expect(await authenticate(key)).toMatchObject({ role: 'service' });
    expect(await authenticate(key.replace('_service_', '_admin_'))).toBeUndefined();
    expect(await authenticate(key)).toMatchObject({ role: 'service' });
  });

  test('a known id with another secret, a longer or a shorter one is nobody’s', async () => {
    const { key, ring } = createRing('admin');
    const authenticate = createAuthenticate(ring);
    const secret = key.slice(key.lastIndexOf('_') + 1);
    for (const forged of [
      secret.split('').reverse().join(''),
      `${secret}a`,
      secret.slice(0, -1),
      'a'.repeat(40),
    ]) {
      expect(await authenticate(key.replace(secret, forged))).toBeUndefined();
    }
  });

  test('an unknown id, and what is no key at all, is nobody’s', async () => {
    const { ring } = createRing('admin');
    const authenticate = createAuthenticate(ring);
    expect(await authenticate(makeApiKey('admin', randomWord).key)).toBeUndefined();
    expect(await authenticate('secret')).toBeUndefined();
  });

  test('a verifier without an event opens nothing, an event without a verifier neither', async () => {
    const left = createRing('admin');
    left.standings.clear();
    expect(await createAuthenticate(left.ring)(left.key)).toBeUndefined();
    const lost = createRing('admin');
    lost.verifiers.clear();
    expect(await createAuthenticate(lost.ring)(lost.key)).toBeUndefined();
  });

  test('a ledger that is not open yet is opened; one that is gone makes the token nobody’s', async () => {
    const { key, ring, opened } = createRing('service');
    expect(await createAuthenticate(ring)(key)).toBeDefined();
    expect(opened).toEqual(['default']);
    const gone = createRing('service');
    expect(await createAuthenticate({ ...gone.ring, open: async () => false })(gone.key)).toBeUndefined();
  });

  test('a token that was seen answers at once, until its key is revoked; then at once not any more', async () => {
    const { key, id, ring, standings, verifiers } = createRing('operator');
    const authenticate = createAuthenticate(ring);
    const first = await authenticate(key);
    verifiers.clear();
    expect(authenticate(key)).toBe(first);
    standings.set(id, { ...(standings.get(id) as KeyStanding), revoked: true });
    expect(authenticate(key)).toBeUndefined();
    // It is forgotten: a second look asks for the verifier again, and that one is gone.
    expect(await authenticate(key)).toBeUndefined();
  });

  test('a revoked key is nobody’s to a server that has never seen it', async () => {
    const { key, ring } = createRing('operator', { revoked: true });
    expect(await createAuthenticate(ring)(key)).toBeUndefined();
  });

  test('a failure to look is a failure, not a no', async () => {
    const { key, ring } = createRing('operator');
    const away = { ...ring, findVerifier: () => Promise.reject(new Error('the database is away')) };
    await expect(createAuthenticate(away)(key)).rejects.toThrow('the database is away');
  });
});

function createRing(role: (typeof roles)[number], standing: Partial<KeyStanding> = {}) {
  const { id, key } = makeApiKey(role, randomWord);
  const verifiers = new Map<string, Verifier>([[id, { ledger: 'default', hash: hashApiKey(key) }]]);
  const standings = new Map<string, KeyStanding>([
    [id, { name: 'a test', role, trusted: false, revoked: false, ...standing }],
  ]);
  const opened: string[] = [];
  const ring = {
    findVerifier: async (wanted: string) => verifiers.get(wanted),
    standing: (_: string, wanted: string) => standings.get(wanted),
    open: async (ledger: string) => opened.push(ledger) > 0,
  };
  return { id, key, ring, verifiers, standings, opened };
}
