/**
 * What background work promises on every queue, run by chores.integration.test.ts and chores.redis.test.ts.
 * In: a fresh queue and a way to wipe it; each case starts its own chores and stops them.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { type Chore, type RunningChores, startChores } from '../../src/jobs/chores.ts';
import type { QueueConnection } from '../../src/jobs/queue-place.ts';

export interface QueuePlace {
  readonly connection: QueueConnection;
  /** Takes away everything that the queue holds. */
  wipe(): Promise<void>;
  /** Connections of chores to it, now. */
  connections(): Promise<number>;
}

const hourMs = 3_600_000;
const secondMs = 1_000;

export function testChores(place: () => QueuePlace): void {
  const start = async (chores: readonly Chore[], rescheduleMs?: number): Promise<Started> => {
    const troubles: unknown[] = [];
    const running = await startChores({
      connection: place().connection,
      chores,
      onTrouble: (failure) => troubles.push(failure),
      ...(rescheduleMs === undefined ? {} : { rescheduleMs }),
    });
    onTestFinished(() => running.stop());
    return { ...running, troubles };
  };

  test('a chore runs after the start, again and again, and its status says how much there was', async () => {
    let runs = 0;
    const chores = await start([{ name: 'count', everyMs: secondMs, run: async () => ++runs * 10 }]);
    expect(chores.status()).toEqual([{ name: 'count', state: expect.any(String), lastResult: null }]);
    await until(() => runs >= 2);
    await until(() => chores.status()[0]?.state === 'waiting');
    expect(chores.status()).toEqual([{ name: 'count', state: 'waiting', lastResult: runs * 10 }]);
    expect(chores.troubles).toEqual([]);
  });

  test('a chore that fails is told and tried again, and the others go on', async () => {
    let tries = 0;
    let others = 0;
    const run = async () => {
      tries += 1;
      if (tries === 1) throw new Error('not this time');
      return tries;
    };
    const chores = await start([
      { name: 'fail', everyMs: hourMs, run },
      { name: 'other', everyMs: hourMs, run: async () => ++others },
    ]);
    await until(() => chores.status()[0]?.state === 'failed');
    await until(() => others > 0 && tries === 2);
    await until(() => chores.status()[0]?.state === 'waiting');
    expect(chores.status()[0]).toEqual({ name: 'fail', state: 'waiting', lastResult: 2 });
    expect(chores.troubles).toEqual([expect.objectContaining({ message: 'not this time' })]);
  });

  test('runs soon when it is asked to, beside its schedule', async () => {
    let runs = 0;
    const chores = await start([{ name: 'soon', everyMs: hourMs, run: async () => ++runs }]);
    await until(() => runs === 1);
    await chores.runSoon('soon');
    await until(() => runs === 2);
    expect(chores.troubles).toEqual([]);
  });

  test('what another version left in the queue is passed over', async () => {
    let runs = 0;
    const chores = await start([{ name: 'known', everyMs: hourMs, run: async () => ++runs }]);
    await until(() => runs === 1);
    await chores.runSoon('of-another-version');
    await chores.runSoon('known');
    await until(() => runs === 2);
    expect(chores.troubles).toEqual([]);
  });

  test('of two servers one does what is due', async () => {
    const runs: string[] = [];
    const choreOf = (server: string): Chore => ({
      name: 'shared',
      everyMs: hourMs,
      run: async () => runs.push(server),
    });
    const [one] = await Promise.all([start([choreOf('one')]), start([choreOf('two')])]);
    await until(() => runs.length > 0);
    // What is asked for later runs later: had it been due twice, three would have run by now.
    await one.runSoon('shared');
    await until(() => runs.length > 1);
    expect(runs).toHaveLength(2);
  });

  test('after the queue was wiped the next start has the schedule again', async () => {
    let runs = 0;
    const chore: Chore = { name: 'again', everyMs: hourMs, run: async () => ++runs };
    const first = await start([chore]);
    await until(() => runs === 1);
    await first.stop();
    await place().wipe();
    const second = await start([chore]);
    await until(() => runs === 2);
    expect([...first.troubles, ...second.troubles]).toEqual([]);
  });

  test('after the queue was wiped a running server has the schedule again by itself', async () => {
    let runs = 0;
    const chores = await start([{ name: 'by-itself', everyMs: hourMs, run: async () => ++runs }], 100);
    await until(() => runs === 1 && chores.status()[0]?.state === 'waiting');
    await place().wipe();
    await until(() => runs === 2);
    expect(chores.status()).toMatchObject([{ name: 'by-itself', lastResult: 2 }]);
  });

  test('scheduling again does not run anything again', async () => {
    let runs = 0;
    const chores = await start([{ name: 'once', everyMs: hourMs, run: async () => ++runs }], 20);
    await until(() => runs === 1);
    await sleep(200);
    await chores.runSoon('once');
    await until(() => runs > 1);
    expect(runs).toBe(2);
    expect(chores.troubles).toEqual([]);
  });

  test('stop waits for the chore that runs, lets go of every connection, and nothing runs afterwards', async () => {
    let begun = 0;
    let ended = 0;
    const before = await place().connections();
    const chores = await start([
      {
        name: 'slow',
        everyMs: secondMs,
        async run() {
          begun += 1;
          await sleep(200);
          ended += 1;
          return ended;
        },
      },
    ]);
    await until(() => begun === 1);
    await chores.stop();
    expect(ended).toBe(1);
    await until(async () => (await place().connections()) === before);
    await sleep(secondMs);
    expect(begun).toBe(1);
    expect(chores.troubles).toEqual([]);
  });
}

interface Started extends RunningChores {
  readonly troubles: readonly unknown[];
}

/** Looks until it is so; the time limit of the test ends it. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await sleep(5);
}
