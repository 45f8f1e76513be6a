/**
 * The known traps of @eventstore/db-client 6.2.1, each sprung on the engine by the fake server. Every test names the guard
 * in src/ledger/ without which it fails; where it is short, the bare client is shown in its trap first.
 */
import { EventStoreDBClient, jsonEvent } from '@eventstore/db-client';
import { describe, expect, onTestFinished, test } from 'vitest';
import { canonicalJson } from '../../src/domain/canonical-json.ts';
import { readAll, startMs, storedEvents } from './contract-events.ts';
import { openBegun, openStand } from './eventstore-stand.ts';

const plainEvent = () => jsonEvent({ type: 'plain', data: {} });

function bareClient(url: string): EventStoreDBClient {
  const client = EventStoreDBClient.connectionString(url);
  onTestFinished(() => client.dispose());
  return client;
}

const settled = (ms: number) => new Promise<'waits'>((resolve) => setTimeout(resolve, ms, 'waits'));

describe('appends', () => {
  // Guard: `success ? 'appended' : 'elsewhere'` in eventstore-client.ts, and the head that eventstore-ledger.ts asks for itself.
  test('with throwOnAppendFailure=false a lost race is an answer with a wrong revision: the head is asked for', async () => {
    const { fake, open } = await openBegun({ parameters: '&throwOnAppendFailure=false' });
    const bare = bareClient(fake.url);
    await bare.appendToStream('bare', Array.from({ length: 5 }, plainEvent));
    // It stands at 4n.
    expect(await bare.appendToStream('bare', plainEvent(), { expectedRevision: 7n })).toMatchObject({
      success: false,
      nextExpectedRevision: 1n,
    });
    const answer = await open().append('default', 1, storedEvents(2, 1, 'other'));
    expect(answer).toEqual({ appended: false, head: { revision: 2, recordedAt: startMs + 1 } });
  });

  // Guard: `supports` in eventstore-client.ts. Without it the first append is rejected with the second one's error, and its
  // answer, when it comes, throws where nobody catches: that ends the process.
  test('one stream’s error rejects every batch append of the process: each of ours is a call of its own', async () => {
    const { fake, log, open } = await openBegun();
    const other = open();
    await other.head('other');
    const before = fake.counts.append;
    fake.next('append', 'late', 'unavailable');
    const first = log.append('default', 2, storedEvents(3, 1));
    await expect.poll(() => fake.counts.append).toBe(before + 1);
    const second = other.append('default-2', 0, storedEvents(1, 1));
    expect(await Promise.all([first, second])).toEqual([{ appended: true }, { appended: true }]);
    // One for the first; the second registers its ledger (which fails once) and appends.
    expect(fake.counts.append - before).toBeLessThanOrEqual(4);
    expect(fake.counts.batchAppend).toBe(0);
    expect(await readAll(log, 'default')).toHaveLength(3);
    await settled(200);
  });

  // Guard: `supports` (a batch append has no deadline) and `withTimeLimit` in eventstore-client.ts.
  test('a batch append whose answer is lost waits for ever: ours end in time, with an unknown outcome', async () => {
    const { fake, log } = await openBegun({ callTimeoutMs: 300 });
    const bare = bareClient(fake.url);
    fake.next('append', 'commit_and_hang');
    expect(
      await Promise.race([bare.appendToStream('bare', plainEvent(), { deadline: 20 }), settled(100)]),
    ).toBe('waits');
    fake.next('append', 'hang', 'hang', 'hang');
    await expect(log.append('default', 2, storedEvents(3, 1))).rejects.toMatchObject({
      code: 'unavailable',
      reason: 'outcome_unknown',
    });
    expect(await log.head('default')).toMatchObject({ revision: 2 });
  });

  // Guard: `withTimeLimit` in eventstore-client.ts.
  test('looking for a node of a cluster takes as long as it takes: ours end in time, and what fails later harms nobody', async () => {
    const { fake, open } = await openStand();
    const parameters = 'tls=false&maxDiscoverAttempts=1&gossipTimeout=1';
    const log = open({ url: `esdb+discover://127.0.0.1:${fake.port}?${parameters}`, callTimeoutMs: 300 });
    fake.next('gossip', 'hang');
    await expect(log.head('default')).rejects.toMatchObject({ code: 'unavailable', reason: 'log_timeout' });
    expect(log.health?.()).toEqual({ state: 'unreachable' });
    await settled(1_200);
    expect(await log.head('default')).toEqual({ revision: 0, recordedAt: 0 });
    expect(log.health?.()).toEqual({ state: 'connected' });
  });

  // Guard: `handleError` in eventstore-client.ts. Without it the rejection is nobody's and ends the process.
  test('a call that fails while a node is looked for in vain has an error that nobody catches: ours is caught', async () => {
    const uncaught: unknown[] = [];
    const note = (error: unknown) => uncaught.push(error);
    process.on('unhandledRejection', note);
    onTestFinished(() => void process.off('unhandledRejection', note));
    const { fake, open } = await openStand();
    const parameters = 'tls=false&maxDiscoverAttempts=1&gossipTimeout=1';
    const log = open({ url: `esdb+discover://127.0.0.1:${fake.port}?${parameters}`, callTimeoutMs: 500 });
    await log.append('default', 0, storedEvents(1, 1));
    fake.next('append', 'late_unavailable');
    const late = log.append('default', 1, storedEvents(2, 1)).catch((error: unknown) => error);
    await settled(20);
    fake.next('read', 'unavailable');
    fake.next('gossip', 'hang', 'hang');
    await expect(log.head('default')).rejects.toMatchObject({ code: 'unavailable' });
    await expect(log.head('default')).rejects.toMatchObject({ code: 'unavailable' });
    await late;
    await settled(1_200);
    expect(await log.head('default')).toMatchObject({ revision: expect.any(Number) as number });
    expect(uncaught).toEqual([]);
  });

  // Guard: the sum before sending in eventstore-ledger.ts; for a server with a smaller limit than we were told,
  // MaxAppendSizeExceededError in eventstore-client.ts.
  test('the server takes 1 MiB at once: more is refused before it is sent, and names the setting if the server says so', async () => {
    const { fake, log, open } = await openBegun();
    const before = fake.counts.append;
    const large = storedEvents(3, 3, 'x'.repeat(400_000));
    await expect(log.append('default', 2, large)).rejects.toMatchObject({
      code: 'refused',
      reason: 'changeset_too_large',
    });
    expect(fake.counts.append).toBe(before);
    const misled = open({ maxAppendBytes: 4 * 1024 * 1024 });
    await expect(misled.append('default', 2, large)).rejects.toMatchObject({
      code: 'refused',
      reason: 'changeset_too_large',
      message: expect.stringContaining('MaxAppendSize') as string,
    });
    expect(await log.head('default')).toMatchObject({ revision: 2 });
  });

  // Guard: `lookUp` after `elsewhere` in eventstore-append.ts. Without it the writer decides again what stands already.
  test('the server knows events again only after the same revision: what it denies is looked for in the log', async () => {
    const { fake, log } = await openBegun({ callTimeoutMs: 300 });
    fake.next('append', 'commit_and_hang', 'wrong_expected_version');
    expect(await log.append('default', 2, storedEvents(3, 2))).toEqual({ appended: true });
    expect(await readAll(log, 'default')).toHaveLength(4);
  });

  // Guard: `binaryEvent` in eventstore-client.ts.
  test('a JSON event is parsed and written anew: ours keep their bytes', async () => {
    const { fake, log } = await openBegun();
    const bytes = canonicalJson({ 10: 'ten', 9: 'nine' });
    const bare = bareClient(fake.url);
    await bare.appendToStream(
      'bare',
      jsonEvent({ type: 'plain', data: JSON.parse(bytes) as { 10: string } }),
    );
    expect(Buffer.from(fake.streams.events('bare')?.[0]?.data ?? []).toString()).not.toBe(bytes);
    await log.append('default', 2, [{ revision: 3, recordedAt: startMs + 5, bytes }]);
    expect(await log.read('default', 2, 1)).toEqual([{ revision: 3, recordedAt: startMs + 5, bytes }]);
  });
});

describe('reads', () => {
  // Guard: `throw endedEarly()` in eventstore-client.ts, for which eventstore-ledger.ts asks for the head first.
  test('a server that stops ends a read without an error: a part is not taken for the whole, nor nothing for an empty ledger', async () => {
    const { fake, log } = await openBegun();
    await log.append('default', 2, storedEvents(3, 8));
    const bare = bareClient(fake.url);
    fake.next('read', 'end_early');
    let seen = 0;
    for await (const _event of bare.readStream('varve_ledger-default', { maxCount: 10 })) seen += 1;
    expect(seen).toBe(5);
    fake.next('read', 'none', 'end_early');
    await expect(log.read('default', 0, 10)).rejects.toMatchObject({ reason: 'log_read_cut' });
    fake.next('read', 'end_empty');
    await expect(log.head('default')).rejects.toMatchObject({ reason: 'log_read_cut' });
    expect(await log.read('default', 0, 10)).toHaveLength(10);
  });

  // Guard: `withTimeLimit` in `collect`, eventstore-client.ts.
  test('a read has no time limit: ours has one, also while something comes', async () => {
    const { fake, log } = await openBegun({ callTimeoutMs: 300 });
    await log.append('default', 2, storedEvents(3, 20));
    fake.next('read', 'hang');
    await expect(log.head('default')).rejects.toMatchObject({ reason: 'log_timeout' });
    fake.next('read', 'none', 'trickle');
    await expect(log.read('default', 0, 100)).rejects.toMatchObject({ reason: 'log_timeout' });
    expect(await log.read('default', 0, 100)).toHaveLength(22);
  });

  // Guard: `cancel()` in `collect`, eventstore-client.ts.
  test('a read that is left early stays open on the server: ours is cancelled', async () => {
    const { fake, log } = await openBegun();
    for (let at = 2; at < 30; at += 1)
      await log.append('default', at, storedEvents(at + 1, 1, 'x'.repeat(1_000_000)));
    expect((await log.read('default', 0, 100)).length).toBeLessThan(20);
    await expect.poll(() => fake.openReads()).toBe(0);
  });
});

describe('subscriptions', () => {
  // Guard: the 'close' listener of `listen` in eventstore-client.ts, and `onEnd` in eventstore-following.ts.
  test('a server that stops ends a subscription without an error: ours is made again, from where it was', async () => {
    const { fake, log, open } = await openBegun();
    const other = open();
    const told: (number | undefined)[] = [];
    const following = log.follow('default', (revision) => told.push(revision));
    await expect.poll(() => fake.counts.subscribe).toBe(1);
    await other.append('default', 2, storedEvents(3, 1));
    await expect.poll(() => told).toContain(3);
    for (let revision = 4; revision < 7; revision += 1) {
      fake.endReads();
      await other.append('default', revision - 1, storedEvents(revision, 1));
      await expect.poll(() => told).toContain(revision);
    }
    expect(fake.counts.subscribe).toBe(4);
    following.stop();
    await expect.poll(() => fake.openReads()).toBe(0);
  });
});
