/**
 * Writes: once, whatever happens to the answer; tried again where that is safe, and only there.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { page } from '../support/odd-server.ts';
import { defineNumber, type SdkStand, set, startSdkStand, until } from '../support/sdk-stand.ts';

let stand: SdkStand;
beforeEach(async () => {
  stand = await startSdkStand();
  await stand.http.change(defineNumber);
});
afterEach(() => stand.close());

const head = () => stand.http.ledger().state.revision;
const wish = { reason: 'because', changes: [set(7)] };

async function behind(writeMs = 10_000) {
  const odd = await stand.openOdd();
  const varve = stand.client({ url: odd.url }, {}, { writeMs });
  await varve.ready();
  const writes = () => odd.asked.filter((asked) => asked.startsWith('POST')).length;
  /** The next writes meet these moods, and what comes after them goes through. */
  const meet = (...moods: (typeof odd.mood)[]) => {
    odd.mood = (request, response) =>
      (request.method === 'POST' ? moods.shift() : undefined)?.(request, response) ?? 'through';
  };
  return { varve, writes, meet };
}

test('whose answer is lost is written once', async () => {
  const { varve, writes, meet } = await behind();
  meet(
    () => 'lost',
    () => 'lost',
  );
  const before = head();
  const written = await varve.write(wish);
  expect([written.revisions, head(), writes()]).toEqual([
    { first: before + 1, last: before + 1 },
    before + 1,
    3,
  ]);
  expect(varve.value('a.b')).toBe(7);
});

test.each([
  ['503', 503],
  ['429', 429],
  ['502', 502],
])('that meets %s is tried again', async (_, status) => {
  const { varve, writes, meet } = await behind();
  meet((_request, response) => page(response, status));
  await varve.write(wish);
  expect([varve.value('a.b'), writes()]).toEqual([7, 2]);
});

describe('is not tried again', () => {
  test.each([
    ['refused', { reason: 'because', changes: [set('seven')] }],
    ['conflict', { ...wish, expectedRevision: 1 }],
    ['invalid', { reason: '', changes: [set(7)] }],
  ])('when it is %s', async (code, changeset) => {
    const { varve, writes } = await behind();
    await expect(varve.write(changeset)).rejects.toMatchObject({ code });
    expect(writes()).toBe(1);
  });

  test('for ever', async () => {
    const { varve, writes, meet } = await behind(200);
    meet(
      ...Array.from(
        { length: 1_000 },
        () => (_request: unknown, response: Parameters<typeof page>[0]) => page(response, 503),
      ),
    );
    await expect(varve.write(wish)).rejects.toMatchObject({ code: 'unavailable' });
    expect(writes()).toBeGreaterThan(1);
  });
});

test('the caller may name its request: the same one again is the same answer', async () => {
  const { varve } = await behind();
  const first = await varve.write(wish, { idempotencyKey: 'mine' });
  expect(await varve.write(wish, { idempotencyKey: 'mine' })).toEqual(first);
  expect(head()).toBe(first.revisions?.last);
});

test('is acknowledged while its values do not come in: it is written all the same', async () => {
  const odd = await stand.openOdd();
  const varve = stand.client({ url: odd.url, transport: 'polling', pollMs: 86_400_000 });
  await varve.ready();
  await until(() => varve.status().transport === 'polling');
  const written = await varve.write(wish);
  expect(written.revisions?.last).toBe(head());
  // A write lets the client ask at once.
  expect(varve.value('a.b')).toBe(7);
});
