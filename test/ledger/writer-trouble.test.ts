/** The writer: appends that fail, limits, stopping, and a log that it does not understand. */
import { describe, expect, test } from 'vitest';
import { Failure } from '../../src/failure.ts';
import {
  gate,
  once,
  openReadyStand,
  openStand,
  reasonsOf,
  request,
  revisionsOf,
  set,
  start,
  unknownOutcome,
} from './writer-stand.ts';

describe('an append that fails', () => {
  test('before the commit: the outcome is unknown to the caller, and nothing is in the live state', async () => {
    const stand = await openReadyStand();
    stand.log.faults.push({ before: unknownOutcome });
    const results = await Promise.allSettled([
      stand.submit([set('a', 1)], once()),
      stand.submit([set('b', 1)]),
    ]);
    expect(reasonsOf(results)).toEqual(['outcome_unknown', 'outcome_unknown']);
    expect(stand.fold.state.revision).toBe(1);
    expect(stand.told).toHaveLength(1);
    expect(await stand.submit([set('a', 1)], once())).toMatchObject({ replayed: false, revision: 2 });
  });

  test('after the commit: looking at the log finds the events, and all are answered', async () => {
    const stand = await openReadyStand();
    stand.log.faults.push({ after: unknownOutcome });
    const results = await Promise.allSettled([
      stand.submit([set('a', 1)], once()),
      stand.submit([set('b', 'no number')]),
      stand.submit([set('b', 1), set('c', 1)]),
    ]);
    expect(reasonsOf(results)).toEqual(['done', 'wrong_type', 'done']);
    expect(stand.told.map((events) => events.map((event) => event.revision))).toEqual([[1], [2], [3, 4]]);
    expect(stand.counts.appended).toBe(2);
    expect(await stand.submit([set('a', 1)], once())).toMatchObject({ replayed: true });
  });

  test('after the commit, with another server’s events on top', async () => {
    const one = await openReadyStand();
    const two = await openReadyStand({ log: one.shared });
    one.log.faults.push({
      after: async () => {
        await two.submit([set('other', 1)]);
        await unknownOutcome();
      },
    });
    expect(revisionsOf([await one.submit([set('a', 1)])])).toEqual([[2]]);
    expect(one.fold.state.revision).toBe(3);
    expect(one.told.flat().map((event) => event.revision)).toEqual([1, 2, 3]);
  });

  test('after the commit, and the log cannot be read either: unknown; the retry with the key finds it', async () => {
    const stand = await openReadyStand();
    const read = stand.log.read;
    stand.log.faults.push({
      after: async () => {
        stand.log.read = () => Promise.reject(new Failure('unavailable', 'no log'));
        await unknownOutcome();
      },
    });
    await expect(stand.submit([set('a', 1)], once())).rejects.toMatchObject({ reason: 'outcome_unknown' });
    expect(stand.fold.state.revision).toBe(1);
    stand.log.read = read;
    expect(await stand.submit([set('a', 1)], once())).toMatchObject({
      changesetId: 'changeset-2',
      replayed: true,
    });
    expect(await stand.logged()).toHaveLength(2);
  });

  test('that commits only after it was given up is found by the retry with the key', async () => {
    const stand = await openReadyStand();
    const { opened, open } = gate();
    const inner = stand.log.append.bind(stand.log);
    let late: Promise<unknown> | undefined;
    stand.log.append = (...call) => {
      stand.log.append = inner;
      late = opened.then(() => inner(...call));
      return unknownOutcome();
    };
    await expect(stand.submit([set('a', 1)], once())).rejects.toMatchObject({ reason: 'outcome_unknown' });
    open();
    await late;
    expect(await stand.submit([set('a', 1)], once())).toMatchObject({
      changesetId: 'changeset-2',
      replayed: true,
    });
    expect(await stand.logged()).toHaveLength(2);
  });

  test('the writer goes on with what waited meanwhile', async () => {
    const stand = await openReadyStand();
    const { opened, open } = gate();
    stand.log.faults.push({ before: () => opened.then(unknownOutcome) });
    const first = stand.submit([set('a', 1)]);
    await expect.poll(() => stand.log.appends).toBe(1);
    const second = stand.submit([set('b', 1)]);
    open();
    await expect(first).rejects.toMatchObject({ reason: 'outcome_unknown' });
    expect(revisionsOf([await second])).toEqual([[2]]);
  });
});

describe('limits', () => {
  test('one request more than may wait is `unavailable` with a time to retry after', async () => {
    const stand = await openReadyStand({ maxQueue: 3 });
    const { opened, open } = gate();
    stand.log.faults.push({ before: () => opened });
    const first = stand.submit([set('first', 1)]);
    await expect.poll(() => stand.log.appends).toBe(1);
    const waiting = [1, 2, 3].map((n) => stand.submit([set(n, n)]));
    await expect(stand.submit([set(4, 4)])).rejects.toMatchObject({
      code: 'unavailable',
      reason: 'queue_full',
      retryAfterSeconds: 1,
    });
    open();
    await Promise.all([first, ...waiting]);
    expect((await stand.log.head('default')).revision).toBe(5);
    await stand.submit([set(4, 4)]);
  });

  test('a clock that cannot be read fails the group and nothing else', async () => {
    const stand = await openReadyStand();
    const failure = new Failure('unavailable', 'no clock', { reason: 'database_unavailable' });
    Object.defineProperty(stand.clock, 'now', {
      get: () => {
        throw failure;
      },
      configurable: true,
    });
    await expect(stand.submit([set('a', 1)])).rejects.toBe(failure);
    Object.defineProperty(stand.clock, 'now', { value: start, writable: true });
    await stand.submit([set('a', 1)]);
  });
});

describe('stop', () => {
  test('finishes what was taken, several groups of it, and takes nothing more', async () => {
    const stand = await openReadyStand({ maxChangesetBytes: 4_000 });
    const { opened, open } = gate();
    stand.log.faults.push({ before: () => opened });
    const taken = Array.from({ length: 30 }, (_, n) => stand.submit([set(n, n)]));
    const again = stand.submit([set('a', 1)], once());
    let isStopped = false;
    const stopped = stand.writer.stop().then(() => {
      isStopped = true;
    });
    await expect(stand.submit([set('late', 1)])).rejects.toMatchObject({
      code: 'unavailable',
      reason: 'stopping',
    });
    expect(isStopped).toBe(false);
    open();
    await stopped;
    expect(stand.told).toHaveLength(32);
    await Promise.all([...taken, again]);
  });

  test('waits for answers that are given again', async () => {
    const stand = await openReadyStand();
    await stand.submit([set('a', 1)], once());
    const { opened, open } = gate();
    const read = stand.log.read;
    stand.log.read = async (...call) => {
      await opened;
      return read(...call);
    };
    const order: string[] = [];
    const again = stand.submit([set('a', 1)], once()).then(() => order.push('answered'));
    const stopped = stand.writer.stop().then(() => order.push('stopped'));
    open();
    await Promise.all([again, stopped]);
    expect(order).toEqual(['answered', 'stopped']);
  });

  test('of an idle writer is immediate', async () => {
    const stand = await openReadyStand();
    await stand.writer.stop();
    expect(stand.told).toHaveLength(1);
  });
});

describe('a log that holds what this version does not know', () => {
  const poison = {
    revision: 2,
    recordedAt: start,
    bytes: '{"last":true,"revision":2,"schemaVersion":1,"type":"MoonPhaseChanged"}',
  };
  const unavailable = { code: 'unavailable', reason: 'live_state_stopped' };

  test('writes fail clearly from then on, and nothing is appended behind it', async () => {
    const stand = await openReadyStand();
    await stand.log.append('default', 1, [poison]);
    const results = await Promise.allSettled([
      stand.submit([set('a', 1)]),
      stand.submit([set('a', 'no number')]),
    ]);
    expect(reasonsOf(results)).toEqual(['live_state_stopped', 'live_state_stopped']);
    await expect(stand.submit([set('a', 1)])).rejects.toMatchObject(unavailable);
    await expect(stand.writer.preview(request([set('a', 1)]))).rejects.toMatchObject(unavailable);
    expect((await stand.log.head('default')).revision).toBe(2);
    expect(stand.fold.state.revision).toBe(1);
    expect(stand.stops).toMatchObject([{ code: 'corrupt', reason: 'unknown_event_type' }]);
  });

  test('a changeset of which only the last event is unknown leaves no trace in the live state', async () => {
    const one = await openReadyStand();
    await one.submit([set('a', 1), set('b', 1)]);
    const [, first] = await one.log.read('default', 0, 10);
    const two = openStand({ log: one.shared });
    await one.log.append('default', 3, [
      {
        ...first,
        revision: 4,
        bytes: (first?.bytes ?? '').replace('"revision":2', '"revision":4').replace('user:a', 'user:z'),
      } as typeof poison,
      { ...poison, revision: 5, bytes: poison.bytes.replace('"revision":2', '"revision":5') },
    ]);
    await expect(two.fold.catchUp()).rejects.toMatchObject({ code: 'corrupt' });
    expect(two.fold.state.revision).toBe(3);
    expect(two.told.flat()).toHaveLength(3);
    await expect(two.submit([set('c', 1)])).rejects.toMatchObject(unavailable);
  });
});
