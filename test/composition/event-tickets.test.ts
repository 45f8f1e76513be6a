/** Tickets: what was claimed comes back, on any server; nothing that was changed or whose key is gone opens anything. */
import { expect, test } from 'vitest';
import { randomWord } from '../../src/clock-and-ids.ts';
import { hashApiKey, type KeyRing, makeApiKey } from '../../src/composition/api-keys.ts';
import { createEventTickets } from '../../src/composition/event-tickets.ts';

const scopes = ['user:ada', 'tenant:acme'] as const;
const claim = { ledger: 'acme-2', until: Date.UTC(2026, 2, 1, 18), scopes };

function createStand() {
  const { id, key } = makeApiKey('service', randomWord);
  let revoked = false;
  const ring: KeyRing = {
    findVerifier: async (asked) => (asked === id ? { ledger: 'default', hash: hashApiKey(key) } : undefined),
    standing: (ledger, asked) =>
      ledger === 'default' && asked === id
        ? { name: 'web', role: 'service', trusted: false, revoked }
        : undefined,
    open: async (ledger) => ledger === 'default',
  };
  return { id, key, ring, revoke: () => (revoked = true) };
}

test('a ticket gives back its claim, also on another server', async () => {
  const { key, ring } = createStand();
  const { ledger, until } = claim;
  const ticket = createEventTickets(ring).issue(key, claim);
  const redeemed = await createEventTickets(ring).redeem(ticket);
  expect(redeemed).toMatchObject({ ledger, until });
  expect(redeemed?.audience).toEqual(scopes.map((scope) => redeemed?.markOf(scope)));
  const alone = createEventTickets(ring).issue(key, { ...claim, scopes: [] });
  expect(await createEventTickets(ring).redeem(alone)).toMatchObject({ ledger, until, audience: [] });
});

test('scopes are marked otherwise with each key and in each ledger; those of one key and ledger by one function', async () => {
  const [one, other] = [createStand(), createStand()];
  const tickets = createEventTickets(one.ring);
  const redeem = (ledger: string) => tickets.redeem(tickets.issue(one.key, { ...claim, ledger }));
  const here = await redeem('acme-2');
  expect((await redeem('acme-2'))?.markOf).toBe(here?.markOf);
  const elsewhere = createEventTickets(other.ring);
  const all = [here, await redeem('acme-3'), await elsewhere.redeem(elsewhere.issue(other.key, claim))];
  expect(new Set(all.flatMap((redeemed) => redeemed?.audience)).size).toBe(6);
  for (const mark of all.flatMap((redeemed) => redeemed?.audience)) expect(mark).toMatch(/^[\w-]{12}$/);
});

test('the same claim is the same ticket, and it tells nothing of the key but its id', () => {
  const { id, key, ring } = createStand();
  const tickets = createEventTickets(ring);
  const ticket = tickets.issue(key, claim);
  expect(tickets.issue(key, claim)).toBe(ticket);
  expect(ticket).toMatch(/^[A-Za-z0-9_.~-]+$/);
  expect(ticket.startsWith(`${id}.acme-2.`)).toBe(true);
  expect(ticket).not.toContain(key.slice(-20));
  expect(ticket).not.toContain(hashApiKey(key).toString('base64url'));
});

test('no character of a ticket can be another one', async () => {
  const { key, ring } = createStand();
  const tickets = createEventTickets(ring);
  const ticket = tickets.issue(key, claim);
  for (let at = 0; at < ticket.length; at += 1) {
    const other = `${ticket.slice(0, at)}${ticket[at] === 'a' ? 'b' : 'a'}${ticket.slice(at + 1)}`;
    // The last character of base64url holds four bits only.
    const isSameSignature = at === ticket.length - 1 && sameBytes(other, ticket);
    expect([at, await tickets.redeem(other)]).toEqual([at, isSameSignature ? expect.anything() : undefined]);
  }
  const stranger = createStand();
  expect(await tickets.redeem(createEventTickets(stranger.ring).issue(stranger.key, claim))).toBeUndefined();
});

test.each(['', 'a', 'a.b.c.d.e', `${'a'.repeat(12)}.default.0..${'A'.repeat(43)}`, 'x'.repeat(10_000)])(
  '%j opens nothing',
  async (ticket) => {
    expect(await createEventTickets(createStand().ring).redeem(ticket)).toBeUndefined();
  },
);

test('a key that is revoked takes its tickets with it, the redeemed ones too', async () => {
  const { key, ring, revoke } = createStand();
  const tickets = createEventTickets(ring);
  const ticket = tickets.issue(key, claim);
  const redeemed = await tickets.redeem(ticket);
  expect(redeemed?.isStillGood()).toBe(true);
  revoke();
  expect(redeemed?.isStillGood()).toBe(false);
  expect(await tickets.redeem(ticket)).toBeUndefined();
});

function sameBytes(one: string, other: string): boolean {
  const signature = (ticket: string) => Buffer.from(ticket.slice(ticket.lastIndexOf('.') + 1), 'base64url');
  return signature(one).equals(signature(other));
}
