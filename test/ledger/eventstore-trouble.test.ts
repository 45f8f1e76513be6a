/**
 * The EventStoreDB engine in trouble: each way in which the fake server fails on command, and what the port promises then.
 */
import { describe, expect, test } from 'vitest';
import type { Ledger } from '../../src/ledger/ledger.ts';
import type { AppendFault } from '../support/fake-eventstore-faults.ts';
import { sizeOf } from '../support/fake-eventstore-streams.ts';
import { largestChangeset, readAll, startMs, storedEvents } from './contract-events.ts';
import { openBegun, openStand } from './eventstore-stand.ts';

const next = storedEvents(3, 2, 'next');

/** What was told to a follower so far. */
function followed(log: Ledger): (number | undefined)[] {
  const told: (number | undefined)[] = [];
  log.follow('default', (revision) => told.push(revision));
  return told;
}

describe('an append', () => {
  test.each<AppendFault>([
    'drop',
    'commit_and_drop',
    'commit_and_hang',
    'hang',
    'unavailable',
    'late_unavailable',
    'stop_reading',
  ])('that fails once (%s) is tried again and stands exactly once', async (fault) => {
    const { fake, log } = await openBegun({ callTimeoutMs: 400 });
    fake.next('append', fault);
    expect(await log.append('default', 2, next)).toEqual({ appended: true });
    expect(await readAll(log, 'default')).toEqual([...storedEvents(1, 2), ...next]);
  });

  test('that is larger than the window of a server that reads nothing ends in time', async () => {
    const { fake, log } = await openBegun({ callTimeoutMs: 300 });
    fake.next('append', 'stop_reading', 'stop_reading', 'stop_reading');
    const large = storedEvents(3, 2, 'x'.repeat(500_000));
    await expect(log.append('default', 2, large)).rejects.toMatchObject({ reason: 'outcome_unknown' });
    expect(await log.append('default', 2, large)).toEqual({ appended: true });
  });

  test('of which nothing is ever heard is found in the log', async () => {
    const { fake, log } = await openBegun({ callTimeoutMs: 300 });
    fake.next('append', 'commit_and_hang', 'hang', 'hang');
    expect(await log.append('default', 2, next)).toEqual({ appended: true });
    expect(await readAll(log, 'default')).toHaveLength(4);
  });

  test('of which nothing is ever heard is known to be lost once another one stands in its place', async () => {
    const { fake, log } = await openBegun({ callTimeoutMs: 300 });
    const before = fake.counts.append;
    fake.next('append', 'hang');
    const lost = log.append('default', 2, next);
    await expect.poll(() => fake.counts.append).toBe(before + 1);
    fake.streams.append('varve_ledger-default', 1, [
      {
        id: '00000000-0000-4000-8000-000000000001',
        type: 'varve-event-1',
        contentType: 'application/octet-stream',
        data: Buffer.from('{}'),
        metadata: Buffer.from(`{"recordedAt":${startMs + 3}}`),
      },
    ]);
    expect(await lost).toEqual({ appended: false, head: { revision: 3, recordedAt: startMs + 3 } });
  });

  test('of which a part were ever there is no append, and is told as what it is', async () => {
    const { fake, log } = await openBegun({ callTimeoutMs: 300 });
    fake.next('append', 'commit_first', 'wrong_expected_version');
    await expect(log.append('default', 2, next)).rejects.toMatchObject({
      code: 'corrupt',
      reason: 'torn_append',
    });
  });

  test('that the server says has lost its race is believed, and the head is the stream’s', async () => {
    const { fake, log } = await openBegun();
    fake.next('append', 'wrong_expected_version');
    const head = { revision: 2, recordedAt: startMs + 1 };
    expect(await log.append('default', 2, next)).toEqual({ appended: false, head });
  });

  test('by a server that makes the same bytes again does not act twice', async () => {
    const { log, open } = await openBegun();
    expect(await log.append('default', 2, next)).toEqual({ appended: true });
    await open().append('default', 2, next);
    expect(await readAll(log, 'default')).toHaveLength(4);
  });
});

test('after a change of leader the new one is asked, for appends, reads and subscriptions', async () => {
  const { fake, log, open } = await openBegun();
  const { fake: second } = await openStand({ streams: fake.streams });
  const told = followed(log);
  await expect.poll(() => fake.counts.subscribe).toBe(1);
  fake.follow(second.port);
  expect(await log.append('default', 2, next)).toEqual({ appended: true });
  expect(await readAll(log, 'default')).toHaveLength(4);
  fake.endReads();
  await expect.poll(() => second.counts.subscribe).toBe(1);
  await open({ url: second.url }).append('default', 4, storedEvents(5, 1));
  await expect.poll(() => told).toContain(5);
});

test('whoever begins at a follower reads from the leader', async () => {
  const { fake, open } = await openBegun();
  const { fake: second } = await openStand({ streams: fake.streams });
  second.follow(fake.port);
  const begun = open({ url: second.url });
  expect(await begun.head('default')).toMatchObject({ revision: 2 });
  expect(await begun.read('default', 0, 10)).toEqual(storedEvents(1, 2));
});

describe('an outage', () => {
  test('is told as unavailable, seen in the health, and over when the server is back', async () => {
    const { fake, log, open } = await openBegun({ callTimeoutMs: 500 });
    const other = open();
    await other.head('default');
    const told = followed(log);
    await expect.poll(() => fake.counts.subscribe).toBe(1);
    expect(log.health?.()).toEqual({ state: 'connected' });
    await fake.door.setOpen(false);
    await expect(log.read('default', 0, 10)).rejects.toMatchObject({ code: 'unavailable' });
    await expect(log.append('default', 2, next)).rejects.toMatchObject({ code: 'unavailable' });
    expect(log.health?.()).toEqual({ state: 'unreachable' });
    await fake.door.setOpen(true);
    await expect.poll(() => log.head('default').catch(() => undefined)).toMatchObject({ revision: 2 });
    expect(log.health?.()).toEqual({ state: 'connected' });
    expect(await log.append('default', 2, next)).toEqual({ appended: true });
    await expect.poll(() => other.head('default').catch(() => undefined)).toMatchObject({ revision: 4 });
    await other.append('default', 4, storedEvents(5, 1));
    await expect.poll(() => told, { timeout: 10_000 }).toContain(5);
  });

  test('of a subscription, of whatever kind, is made good from where it was', async () => {
    const { fake, log, open } = await openBegun();
    const other = open();
    fake.next('subscribe', 'unavailable', 'unknown', 'end_empty', 'drop');
    const told = followed(log);
    await expect.poll(() => fake.counts.subscribe, { timeout: 10_000 }).toBe(5);
    await expect
      .poll(() => other.append('default', 2, next).catch(() => undefined))
      .toMatchObject({
        appended: true,
      });
    await expect.poll(() => told).toContain(4);
  });

  test('at the very beginning does not make the whole ledger come again', async () => {
    const { fake, log, open } = await openBegun();
    const late = open();
    fake.next('read', 'unavailable', 'unavailable');
    const told = followed(late);
    await expect.poll(() => fake.counts.subscribe).toBe(1);
    await expect.poll(() => told).toContain(undefined);
    expect(told).not.toContain(1);
    expect(told).not.toContain(2);
    await log.append('default', 2, next);
    await expect.poll(() => told).toContain(4);
  });

  test('of one that hears nothing is made good by the poll of whoever follows', async () => {
    const { fake, open } = await openBegun();
    const polling = open({ pollMs: 20 });
    fake.next('subscribe', 'hang');
    const told = followed(polling);
    await expect.poll(() => told.length).toBeGreaterThan(2);
    expect(told.filter((revision) => revision !== undefined)).toEqual([]);
  });
});

describe('the log’s own name', () => {
  test('is one, however many servers begin at once', async () => {
    const { open } = await openStand();
    const names = await Promise.all(Array.from({ length: 5 }, () => open().identity()));
    expect(new Set(names).size).toBe(1);
  });

  test('can be taken from another log while there is none', async () => {
    const { open } = await openStand();
    expect(await open().adopt('5f0c2a52-0000-4000-8000-000000000001')).toBe(
      '5f0c2a52-0000-4000-8000-000000000001',
    );
    expect(await open().adopt('5f0c2a52-0000-4000-8000-000000000002')).toBe(
      '5f0c2a52-0000-4000-8000-000000000001',
    );
  });

  test('and its list of ledgers survive a registration that was the last thing that happened', async () => {
    const { fake, open } = await openStand();
    const dying = open({ callTimeoutMs: 300 });
    fake.next('append', 'none', 'none', 'hang', 'hang', 'hang');
    await expect(dying.append('later', 0, storedEvents(1, 1))).rejects.toMatchObject({
      reason: 'outcome_unknown',
    });
    expect(await open().names()).toEqual([]);
    await open().append('later', 0, storedEvents(1, 1));
    expect(await open().names()).toEqual(['later']);
  });
});

test('what we say an event takes is at least what the server counts', async () => {
  const { fake, log } = await openBegun();
  const largest = largestChangeset(log).map((event) => ({
    ...event,
    revision: event.revision + 2,
    // The latest moment that a Date can tell.
    recordedAt: 8_640_000_000_000_000,
  }));
  expect(await log.append('default', 2, largest)).toEqual({ appended: true });
  const held = fake.streams.events('varve_ledger-default')?.slice(2) ?? [];
  const counted = held.reduce((sum, event) => sum + sizeOf(event), 0);
  const said = largest.reduce((sum, { bytes }) => sum + Buffer.byteLength(bytes) + log.eventOverheadBytes, 0);
  expect(counted).toBeLessThanOrEqual(said);
  expect(said - counted).toBeLessThan(held.length * 16);
});
