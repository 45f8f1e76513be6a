/** A live ledger: opened at the head, following others, not reading its own events back, stopping cleanly. */
import { describe, expect, test } from 'vitest';
import { LiveState } from '../../src/domain/live-state.ts';
import { Failure } from '../../src/failure.ts';
import { IdempotencyTail } from '../../src/ledger/idempotency.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { type LiveLedgerDependencies, openLiveLedger } from '../../src/ledger/live-ledger.ts';
import { createMemoryLedger } from '../../src/ledger/memory-ledger.ts';
import { defineKey, key, request, set, start } from './writer-stand.ts';

function open(log: Ledger, more: Partial<LiveLedgerDependencies> = {}) {
  let ids = 0;
  return openLiveLedger({
    name: 'default',
    log,
    state: new LiveState(),
    idempotency: new IdempotencyTail(0),
    now: () => start,
    clock: async () => start,
    newId: () => {
      ids += 1;
      return `changeset-${ids}`;
    },
    findAnswers: async (ids_) => ({ answers: ids_.map(() => undefined), checkpoint: 0 }),
    rememberNoChange: async () => true,
    replay: async () => [],
    observe: {
      grouped: () => undefined,
      appending: () => () => undefined,
      lostRace: () => undefined,
      changed: () => undefined,
    },
    maxQueue: 100,
    onStopped: () => undefined,
    onTrouble: (failure) => {
      throw failure;
    },
    delay: () => new Promise(() => undefined),
    ...more,
  });
}

test('opens at the head, sees what others append, and answers from there', async () => {
  const log = createMemoryLedger();
  const one = await open(log);
  await one.submit(request([defineKey, set('a', 1)]));
  const two = await open(log);
  expect(two.state.revision).toBe(2);
  expect(two.state.override(key, 'user:a')).toEqual(one.state.override(key, 'user:a'));
  await one.submit(request([set('a', 2)]));
  await expect.poll(() => two.state.revision).toBe(3);
  expect((await two.readLog(1, 10)).map((event) => event.revision)).toEqual([2, 3]);
  expect(two.status()).toEqual({
    engine: 'memory',
    logRevision: 3,
    maxChangesetBytes: log.maxChangesetBytes,
  });
  expect((await two.preview(request([set('a', 3)]))).revision).toBe(3);
  expect(two.waiting()).toBe(0);
  expect(two.ageMs()).toBe(0);
});

test('does not read its own events back', async () => {
  const inner = createMemoryLedger();
  let reads = 0;
  const log: Ledger = {
    ...inner,
    // In the next turn, as an engine with a real connection tells of it.
    follow: (name, onAdvance) => inner.follow(name, (revision) => setImmediate(onAdvance, revision)),
    read: (...call) => {
      reads += 1;
      return inner.read(...call);
    },
  };
  const ledger = await open(log);
  await ledger.submit(request([defineKey]));
  reads = 0;
  for (let n = 0; n < 20; n += 1) await ledger.submit(request([set('a', n + 1)]));
  await new Promise(setImmediate);
  expect(ledger.state.revision).toBe(21);
  expect(reads).toBe(0);
});

describe('when the log fails', () => {
  test('at the start, opening fails and nothing follows', async () => {
    const inner = createMemoryLedger();
    let followers = 0;
    const failure = new Failure('unavailable', 'no log');
    const log: Ledger = {
      ...inner,
      head: () => Promise.reject(failure),
      follow: (...call) => {
        followers += 1;
        const { stop } = inner.follow(...call);
        return {
          stop: () => {
            followers -= 1;
            stop();
          },
        };
      },
    };
    await expect(open(log)).rejects.toBe(failure);
    expect(followers).toBe(0);
  });

  test('later, it is told of, and following goes on', async () => {
    const inner = createMemoryLedger();
    let failure: Error | undefined;
    const log: Ledger = {
      ...inner,
      head: async (...call) => {
        if (failure !== undefined) throw failure;
        return inner.head(...call);
      },
    };
    const troubles: unknown[] = [];
    const ledger = await open(log, { onTrouble: (trouble) => troubles.push(trouble) });
    const other = await open(inner);
    failure = new Failure('unavailable', 'no log');
    await other.submit(request([defineKey]));
    await expect.poll(() => troubles).toEqual([failure]);
    failure = undefined;
    await other.submit(request([set('a', 1)]));
    await expect.poll(() => ledger.state.revision).toBe(2);
  });

  test('because it holds what cannot be folded: it opens before that, says why, and refuses to write', async () => {
    const log = createMemoryLedger();
    await (await open(log)).submit(request([defineKey]));
    await log.append('default', 1, [
      { revision: 2, recordedAt: start, bytes: '{"type":"MoonPhaseChanged"}' },
    ]);
    const stops: unknown[] = [];
    const troubles: unknown[] = [];
    const ledger = await open(log, {
      onStopped: (failure) => stops.push(failure),
      onTrouble: (failure) => troubles.push(failure),
    });
    expect(ledger.state.key(key)).toBeDefined();
    expect(ledger.fold.stopped).toMatchObject({ code: 'corrupt', reason: 'unknown_event_type' });
    expect(stops).toEqual([ledger.fold.stopped]);
    await expect(ledger.submit(request([set('a', 1)]))).rejects.toMatchObject({
      reason: 'live_state_stopped',
    });
    await log.append('default', 2, [
      { revision: 3, recordedAt: start, bytes: '{"type":"MoonPhaseChanged"}' },
    ]);
    await new Promise(setImmediate);
    expect(troubles).toEqual([]);
    expect(ledger.state.revision).toBe(1);
  });
});

test('a stopped one finishes what was taken and follows no more', async () => {
  const log = createMemoryLedger();
  const one = await open(log);
  const two = await open(log);
  const taken = [one.submit(request([defineKey])), one.submit(request([set('a', 1)]))];
  await one.stop();
  await Promise.all(taken);
  await expect(one.submit(request([set('b', 1)]))).rejects.toMatchObject({ reason: 'stopping' });
  await two.reached(2);
  await two.submit(request([set('b', 1)]));
  await new Promise(setImmediate);
  expect(one.state.revision).toBe(2);
});
