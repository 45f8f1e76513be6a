/**
 * The clock of a client is its server's: a wrong clock here does not matter, and what starts and ends by itself does so
 * without a message, at its moment.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { formatInstant } from '../../src/domain/instant.ts';
import { createServerClock } from '../../src/sdk/server-clock.ts';
import { defineNumber, type SdkStand, set, startSdkStand, until } from '../support/sdk-stand.ts';

describe('the server told', () => {
  const hour = 3_600_000;
  let elapsed = 0;
  const clock = () => createServerClock({ elapsed: () => elapsed, wallClock: () => 1_000_000 });
  beforeEach(() => {
    elapsed = 0;
  });

  test('nothing yet: the clock of this machine', () => {
    const { now } = clock();
    elapsed = 5;
    expect(now()).toBe(1_000_005);
  });

  test('its time: it is carried on, whatever this machine believes', () => {
    const { now, told } = clock();
    told(10 * hour);
    elapsed = 7;
    expect(now()).toBe(10 * hour + 7);
  });

  test('some times late: the one that came quickest counts', () => {
    const { now, told } = clock();
    told(hour - 300);
    told(hour - 2);
    told(hour - 900);
    expect(now()).toBe(hour - 2);
  });

  test('another time since it was set back: it is followed after a while', () => {
    const { now, told } = clock();
    told(10 * hour);
    for (let count = 0; count < 15; count++) told(9 * hour);
    expect(now()).toBe(10 * hour);
    told(9 * hour);
    expect(now()).toBe(9 * hour);
  });
});

describe('a client', () => {
  let stand: SdkStand;
  /** Elapsed time of the client, in milliseconds, beside what really passes. */
  let jumped = 0;
  const parts = { elapsed: () => performance.now() + jumped, wallClock: () => Date.UTC(1999, 0, 1) };

  beforeEach(async () => {
    jumped = 0;
    // Heartbeats would tell the time of the assembly, which stands still.
    stand = await startSdkStand({ heartbeatMs: 60_000 });
    await stand.http.change(defineNumber, set(1));
  });
  afterEach(() => stand.close());

  const later = (ms: number) => formatInstant(stand.http.now() + ms);

  test('whose machine has a wrong clock answers for the present of its server', async () => {
    stand.http.pass(3_600_000);
    await stand.http.change(set(2, 'global', { effectiveUntil: later(60_000) }));
    const varve = stand.client({}, parts);
    await varve.ready();
    expect(varve.value('a.b')).toBe(2);
    expect(Math.abs(varve.now() - stand.http.now())).toBeLessThan(30_000);
  });

  test('crosses the start and the end of an interval without a message, and tells who listens', async () => {
    await stand.http.change(
      set(2, 'global', { effectiveFrom: later(60_000), effectiveUntil: later(120_000) }),
      set(3, 'user:u'),
    );
    const varve = stand.client({}, parts);
    await varve.ready();
    await until(() => varve.status().transport === 'stream');
    const told: unknown[] = [];
    varve.onChange('a.*', ({ keys, revision }) => told.push([keys, revision, varve.value('a.b')]));
    const first = varve.resolve('a.b');
    expect([first.value, first.validUntil]).toEqual([1, stand.http.now() + 60_000]);
    const { revision } = varve.status();
    const elsewhere = stand.http.change({ type: 'tagRevision', name: 'wakes-nobody' });
    jumped += 60_000;
    await elsewhere;
    expect([varve.value('a.b'), varve.resolve('a.b').validUntil]).toEqual([2, stand.http.now() + 120_000]);
    // Its timer was set for the moment as it was to come: a change lets it look at the clock again.
    await stand.http.change(set(4, 'tier:1'));
    await until(() => told.length >= 2);
    jumped += 60_000;
    expect(varve.value('a.b')).toBe(1);
    await stand.http.change(set(5, 'tier:1'));
    await until(() => told.length >= 4);
    // The change and the boundary, in whichever order.
    expect(told).toEqual([
      [['a.b'], revision + 2, 2],
      [['a.b'], revision + 2, 2],
      [['a.b'], revision + 3, 1],
      [['a.b'], revision + 3, 1],
    ]);
    expect(varve.value('a.b', { user: 'u' })).toBe(3);
  });

  test('notices a boundary in time by itself', async () => {
    await stand.http.change(set(2, 'global', { effectiveFrom: later(300) }));
    const varve = stand.client({}, { wallClock: stand.http.now });
    await varve.ready();
    await stand.stop();
    const told: unknown[] = [];
    varve.onChange('a.b', () => told.push(varve.value('a.b')));
    await until(() => told.length > 0);
    expect(told).toEqual([2]);
  });

  test('resolves a model to its successor from its sunset on', async () => {
    const model = (id: string) => ({ type: 'addModel', model: { id, name: id, contextWindow: 1 } });
    await stand.http.change(
      model('openai/old'),
      model('openai/new'),
      { type: 'defineKey', key: 'ai.model', valueType: 'model', fallback: 'openai/old' },
      { type: 'deprecateModel', id: 'openai/old', successor: 'openai/new', sunsetAt: later(60_000) },
    );
    const varve = stand.client({}, parts);
    await varve.ready();
    expect(varve.value('ai.model')).toBe('openai/old');
    jumped += 60_000;
    expect(varve.resolve('ai.model')).toMatchObject({
      value: 'openai/new',
      model: { followed: ['openai/old'], status: 'active' },
    });
  });
});
