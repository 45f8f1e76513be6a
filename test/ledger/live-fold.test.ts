/** The fold: catching up, listeners, waiting for a revision. How appends interleave: live-fold-interleaving.test.ts. */
import { describe, expect, test } from 'vitest';
import type { RecordedEvent } from '../../src/domain/event.ts';
import { LiveState } from '../../src/domain/live-state.ts';
import { Failure } from '../../src/failure.ts';
import { encodeEvent } from '../../src/ledger/event-codec.ts';
import type { Ledger, StoredEvent } from '../../src/ledger/ledger.ts';
import { createMemoryLedger } from '../../src/ledger/memory-ledger.ts';
import { append, groupOf, openFold } from './fold-stand.ts';
import { contentOf, gate, start } from './writer-stand.ts';

describe('catching up', () => {
  test('a call made when another is just about to end looks again', async () => {
    const log = createMemoryLedger();
    const { fold } = openFold(log);
    const again: Promise<void>[] = [];
    // Told in the very step in which the first look has ended, before anybody who awaits it goes on.
    const first = fold.catchUp();
    const chained = first.then(async () => {
      await append(log, 0, groupOf(new LiveState(), [1], 'other'));
      again.push(fold.catchUp());
    });
    await first;
    await chained;
    await Promise.all(again);
    expect(fold.state.revision).toBe(2);
  });

  test('every call sees what the log held when it was made', async () => {
    const inner = createMemoryLedger();
    const other = openFold(inner);
    for (let delay = 0; delay < 12; delay += 1) {
      const { fold } = openFold(inner);
      const calls = [fold.catchUp()];
      for (let turn = 0; turn < delay; turn += 1) await Promise.resolve();
      await other.fold.catchUp();
      await append(inner, other.fold.state.revision, groupOf(other.fold.state, [1], 'other'));
      const { revision } = await inner.head('default');
      await fold.catchUp();
      expect(fold.state.revision).toBe(revision);
      await Promise.all(calls);
    }
  });

  test('one look at a time, and one more for all that called meanwhile', async () => {
    const inner = createMemoryLedger();
    const { opened, open } = gate();
    let looks = 0;
    const log: Ledger = {
      ...inner,
      async head(...call) {
        looks += 1;
        await opened;
        return inner.head(...call);
      },
    };
    const { fold } = openFold(log);
    const calls = Array.from({ length: 100 }, () => fold.catchUp());
    expect(looks).toBe(1);
    open();
    await Promise.all(calls);
    expect(looks).toBe(2);
  });

  test('a call is answered while others write, and call, without end', async () => {
    const inner = createMemoryLedger();
    const other = openFold(inner);
    await other.fold.catchUp();
    let reads = 0;
    const log: Ledger = {
      ...inner,
      async read(...call) {
        const page = await inner.read(...call);
        reads += 1;
        if (reads < 1_000) {
          await append(inner, other.fold.state.revision, groupOf(other.fold.state, [1], 'other'));
          await other.fold.catchUp();
          fold.catchUp().catch(() => undefined);
        }
        return page;
      },
    };
    const { fold } = openFold(log);
    await append(inner, 0, groupOf(new LiveState(), [1], 'other'));
    await other.fold.catchUp();
    await fold.catchUp();
    expect(reads).toBeLessThan(10);
    expect(fold.state.revision).toBeGreaterThan(0);
  });

  test('a failing log rejects the calls; the next call tries again', async () => {
    const inner = createMemoryLedger();
    let failure: Error | undefined = new Failure('unavailable', 'no log');
    const log: Ledger = {
      ...inner,
      head: async (...call) => {
        if (failure !== undefined) throw failure;
        return inner.head(...call);
      },
    };
    const { fold, stops } = openFold(log);
    const results = await Promise.allSettled([fold.catchUp(), fold.catchUp()]);
    expect(results).toEqual([failure, failure].map((reason) => ({ status: 'rejected', reason })));
    failure = undefined;
    await append(inner, 0, groupOf(new LiveState(), [1], 'other'));
    await fold.catchUp();
    expect(fold.state.revision).toBe(2);
    expect(stops).toEqual([]);
  });

  test('what cannot be folded stops it once and for all, and is named', async () => {
    const log = createMemoryLedger();
    await append(log, 0, groupOf(new LiveState(), [2], 'other'));
    const poison: StoredEvent = { revision: 4, recordedAt: start, bytes: '{"type":"MoonPhaseChanged"}' };
    await log.append('default', 3, [poison]);
    const { fold, stops, told } = openFold(log);
    const corrupt = { code: 'corrupt', reason: 'unknown_event_type' };
    await expect(fold.catchUp()).rejects.toMatchObject(corrupt);
    await expect(fold.catchUp()).rejects.toMatchObject(corrupt);
    expect(stops).toMatchObject([corrupt]);
    expect(fold.stopped).toMatchObject(corrupt);
    expect(fold.state.revision).toBe(3);
    expect(told).toHaveLength(1);
  });

  test('a log that has lost its end stops it: what it serves is not there any more', async () => {
    const inner = createMemoryLedger();
    await append(inner, 0, groupOf(new LiveState(), [2], 'other'));
    let lost = 0;
    const log: Ledger = {
      ...inner,
      head: async (...call) => {
        const head = await inner.head(...call);
        return { ...head, revision: head.revision - lost };
      },
    };
    const { fold, stops } = openFold(log);
    await fold.catchUp();
    lost = 1;
    await expect(fold.catchUp()).rejects.toMatchObject({ code: 'corrupt', reason: 'log_went_back' });
    expect(stops).toHaveLength(1);
    expect(fold.stopped).toMatchObject({ reason: 'log_went_back' });
  });

  test('a log with a gap is corrupt, not followed', async () => {
    const inner = createMemoryLedger();
    await append(inner, 0, groupOf(new LiveState(), [1, 1, 1], 'other'));
    const log: Ledger = {
      ...inner,
      read: async (...call) => (await inner.read(...call)).filter(({ revision }) => revision !== 3),
    };
    const { fold } = openFold(log);
    await expect(fold.catchUp()).rejects.toMatchObject({ code: 'corrupt', reason: 'not_contiguous' });
    expect(fold.state.revision).toBe(2);
  });

  test('an event that does not fit its subject leaves nothing of its changeset', async () => {
    const log = createMemoryLedger();
    const group = groupOf(new LiveState(), [2], 'other');
    const [first, , last] = group.recorded;
    if (first === undefined || last === undefined) throw new Error('three events were expected');
    const misfit: RecordedEvent = {
      ...last,
      type: 'ApiKeyRevoked',
      data: { id: 'nobody' },
      subject: 'api-key:nobody',
    };
    await log.append('default', 0, [...group.stored.slice(0, 2), encodeEvent(misfit)]);
    const { fold } = openFold(log);
    await expect(fold.catchUp()).rejects.toMatchObject({ code: 'corrupt', reason: 'event_does_not_fit' });
    expect(contentOf(fold.state)).toEqual(contentOf(new LiveState()));
  });
});

describe('listeners', () => {
  test('one that fails is reported; the others hear, and the fold goes on', async () => {
    const log = createMemoryLedger();
    const { fold, troubles, stops } = openFold(log);
    const bug = new Error('a bug');
    fold.onChangeset(() => {
      throw bug;
    });
    const heard: number[] = [];
    fold.onChangeset((events) => heard.push(events.length));
    const own = groupOf(fold.state, [1, 1], 'own');
    await append(log, 0, own);
    fold.foldOwn(0, own);
    const others = openFold(log);
    await others.fold.catchUp();
    await append(log, 3, groupOf(others.fold.state, [4], 'other'));
    await fold.catchUp();
    expect(heard).toEqual([2, 1, 4]);
    expect(troubles).toEqual([bug, bug, bug]);
    expect(stops).toEqual([]);
  });

  test('one that stopped hears nothing more', async () => {
    const log = createMemoryLedger();
    const { fold } = openFold(log);
    let heard = 0;
    const stop = fold.onChangeset(() => {
      heard += 1;
    });
    await append(log, 0, groupOf(new LiveState(), [1], 'other'));
    await fold.catchUp();
    stop();
    await append(log, 2, groupOf(fold.state, [1], 'other'));
    await fold.catchUp();
    expect(heard).toBe(1);
  });
});

describe('waiting for a revision', () => {
  const never = () => new Promise<void>(() => undefined);

  test('is over at once when it is here, and asks the log when it is not', async () => {
    const log = createMemoryLedger();
    const { fold } = openFold(log);
    await fold.reached(0, never, 100);
    await append(log, 0, groupOf(new LiveState(), [1], 'other'));
    await fold.reached(2, never, 100);
    expect(fold.state.revision).toBe(2);
  });

  test('is over when an own append brings it', async () => {
    const log = createMemoryLedger();
    const { fold } = openFold(log);
    const waiting = Promise.all([fold.reached(1, never, 100), fold.reached(3, never, 100)]);
    const own = groupOf(fold.state, [2], 'own');
    await append(log, 0, own);
    fold.foldOwn(0, own);
    await waiting;
    expect(fold.state.revision).toBe(3);
  });

  test('is bounded', async () => {
    const { fold } = openFold(createMemoryLedger());
    const limits: number[] = [];
    const timeLimit = (ms: number) => {
      limits.push(ms);
      return Promise.resolve();
    };
    await expect(fold.reached(7, timeLimit, 5_000)).rejects.toMatchObject({
      code: 'unavailable',
      reason: 'revision_not_reached',
      details: [{ path: 'query.minRevision', message: 'this server is at 0' }],
    });
    expect(limits).toEqual([5_000]);
  });
});

test('its age is the time since the log was heard, and never negative', async () => {
  let now = start;
  const log = createMemoryLedger();
  const { fold } = openFold(log, () => now);
  now += 700;
  expect(fold.ageMs()).toBe(700);
  await fold.catchUp();
  expect(fold.ageMs()).toBe(0);
  now -= 50;
  expect(fold.ageMs()).toBe(0);
});

test('it remembers whose changesets the log showed', async () => {
  const log = createMemoryLedger();
  await append(log, 0, groupOf(new LiveState(), [1], 'other'));
  const { fold } = openFold(log);
  expect(fold.hasFolded('other-0-0')).toBe(false);
  await fold.catchUp();
  expect(fold.hasFolded('other-0-0')).toBe(true);
});
