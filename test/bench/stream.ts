/**
 * P8 and the idle crowd of issue 5: how soon a committed change is in 100 streaming clients, and what 1,000 that are told
 * nothing cost the server. Half of the 100 ask for the scopes of one tenant each, as services of tenants do.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { seedKeys } from '../../src/seed/keys.ts';
import type { BenchOptions } from './bench-options.ts';
import { turnsFor } from './compare.ts';
import { type Figure, median } from './figure.ts';
import { ask, fill } from './fill.ts';
import { type LoadResult, type LoadTarget, load, processorMicrosOf } from './load.ts';
import { startVarve } from './server-process.ts';
import { type Crowd, openCrowd } from './stream-crowd.ts';
import { withFolder } from './with-folder.ts';
import { createWorld } from './world.ts';
import { writes } from './write.ts';

const listeners = 100;
const idleClients = 1_000;
const maxMedianMs = 10;
const maxP99Ms = 50;
const maxMegabytes = 300;
const maxProcessorPercent = 5;
/** Changes come one by one, so that each is timed by itself. */
const pauseMs = 25;
const values = ['openai/gpt-4o', 'gemini/gemini-2.5-pro'];

export const streamHow = `${listeners} clients in one process of their own, changesets of one change every ${pauseMs} ms; then ${idleClients} that are told nothing`;

export async function benchStream({ isQuick, say }: BenchOptions): Promise<readonly Figure[]> {
  return withFolder(async (folder) => {
    const varve = await startVarve(folder);
    try {
      say(`the server with ${idleClients} idle clients`);
      const idle = await measureIdle(varve, isQuick ? 4 : 30);
      const world = createWorld(isQuick ? 10_000 : 100_000);
      say(`P8: on ${world.overrideCount.toLocaleString('en')} overrides`);
      await fill(varve, world);
      const arrival = await measureArrival(varve, isQuick ? 40 : 500);
      say(`writes beside ${listeners} clients`);
      return [...arrival, ...(await measureWrites(varve, folder, isQuick)), ...idle];
    } finally {
      await varve.stop();
    }
  });
}

/** Half of them ask for the scopes of a tenant. */
const listenerPaths = Array.from({ length: listeners }, (_, n) =>
  n % 2 === 0 ? '/v1/stream?view=values' : `/v1/stream?view=values&scopes=global,tenant:t-${n}`,
);

async function measureArrival(varve: LoadTarget, changes: number): Promise<readonly Figure[]> {
  const before = await headOf(varve);
  const crowd = await openCrowd(varve, listenerPaths, before);
  try {
    const bodies = changesets();
    const warmUp = await change(varve, crowd, bodies, Math.ceil(changes / 10), before);
    const measured = await change(varve, crowd, bodies, changes, warmUp.head);
    return [
      ...figuresOf('from the sending of the request', measured.sinceSent, true),
      ...figuresOf('from its acknowledgement', measured.sinceAnswered, false),
      told('the acknowledgement itself, median', median(measured.answeredAfter), 'ms'),
    ];
  } finally {
    await crowd.end();
  }
}

/**
 * Changesets as fast as they go, with and without clients that have to be told of all of them, in turns. On two processors
 * the clients take some of what the server would have; what the server itself takes tells more.
 */
async function measureWrites(
  varve: LoadTarget,
  folder: string,
  isQuick: boolean,
): Promise<readonly Figure[]> {
  const { rounds, seconds } = turnsFor(isQuick);
  const [alone, watched]: [LoadResult[], LoadResult[]] = [[], []];
  for (let round = -1; round < rounds; round += 1) {
    const without = await load(varve, writes(), seconds, folder);
    const crowd = await openCrowd(varve, listenerPaths, Number.MAX_SAFE_INTEGER);
    const beside = await load(varve, writes(), seconds, folder);
    await crowd.end();
    if (round < 0) continue;
    alone.push(without);
    watched.push(beside);
  }
  const compared = (what: string, unit: string, of: (result: LoadResult) => number): Figure => {
    const yardstick = { what: 'without clients', figure: median(alone.map(of)) };
    const figure = told(`${what} while ${listeners} clients stream`, median(watched.map(of)), unit);
    return { ...figure, yardstick, ratio: figure.figure / yardstick.figure };
  };
  return [
    compared('changesets of one change', '/s', ({ perSecond }) => perSecond),
    compared('processor time of a changeset', 'µs', ({ processorMicros = Number.NaN }) => processorMicros),
  ];
}

interface Arrivals {
  readonly head: number;
  /** Milliseconds, one for each change and client. */
  readonly sinceSent: readonly number[];
  readonly sinceAnswered: readonly number[];
  /** Milliseconds, one for each change. */
  readonly answeredAfter: readonly number[];
}

/** One after the other; each really changes something. */
function* changesets(): Generator<object, never> {
  for (let n = 0; ; n += 1) {
    const key = seedKeys[n % seedKeys.length]?.key ?? '';
    const value = values[Math.floor(n / seedKeys.length) % values.length];
    const change = { type: 'setOverride', key, scope: 'user:streamed', value };
    yield { reason: 'Another model for this user', changes: [change] };
  }
}

async function change(
  varve: LoadTarget,
  crowd: Crowd,
  bodies: Iterator<object>,
  count: number,
  before: number,
): Promise<Arrivals> {
  const moments: { readonly sent: number; readonly answered: number }[] = [];
  for (let n = 0; n < count; n += 1) {
    const { value: body } = bodies.next();
    const sent = nanoseconds();
    await ask(varve, '/v1/changesets', body);
    moments.push({ sent, answered: nanoseconds() });
    await sleep(pauseMs);
  }
  await sleep(500);
  const arrivals = await crowd.arrivals();
  const head = await headOf(varve);
  if (head !== before + count) throw new Error(`${count} changes made ${head - before} events`);
  const had = moments.map((moment, n) => ({ ...moment, times: arrivals.get(before + 1 + n) ?? [] }));
  const short = had.find(({ times }) => times.length !== listeners);
  if (short !== undefined) throw new Error(`a change reached ${short.times.length} of ${listeners} clients`);
  return {
    head,
    sinceSent: had.flatMap(({ sent, times }) => times.map((time) => (time - sent) / 1e6)),
    sinceAnswered: had.flatMap(({ answered, times }) => times.map((time) => (time - answered) / 1e6)),
    answeredAfter: had.map(({ sent, answered }) => (answered - sent) / 1e6),
  };
}

async function measureIdle(varve: LoadTarget, seconds: number): Promise<readonly Figure[]> {
  const alone = await measureProcess(varve, seconds);
  const paths = Array.from({ length: idleClients }, () => '/v1/stream?view=values');
  const crowd = await openCrowd(varve, paths, Number.MAX_SAFE_INTEGER);
  try {
    const crowded = await measureProcess(varve, seconds);
    return [
      limited(
        `memory of the server with ${idleClients} idle clients`,
        crowded.megabytes,
        'MB resident',
        alone.megabytes,
        maxMegabytes,
      ),
      limited(
        `processor of the server with ${idleClients} idle clients, over ${seconds} s`,
        crowded.processorPercent,
        '%',
        alone.processorPercent,
        maxProcessorPercent,
      ),
    ];
  } finally {
    await crowd.end();
  }
}

/** The server's process alone, without its database; the most memory that it was seen with. */
async function measureProcess({ pid }: LoadTarget, seconds: number) {
  // What came before, a start or a thousand openings, is no part of it.
  await sleep(3_000);
  const start = nanoseconds();
  const before = processorMicrosOf(pid) ?? Number.NaN;
  let megabytes = 0;
  for (let second = 0; second < seconds; second += 1) {
    await sleep(1_000);
    megabytes = Math.max(megabytes, residentMegabytesOf(pid));
  }
  const micros = (processorMicrosOf(pid) ?? Number.NaN) - before;
  return { megabytes, processorPercent: (micros * 1e5) / (nanoseconds() - start) };
}

function residentMegabytesOf(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? [];
  return Number(kilobytes) / 1024;
}

async function headOf(varve: LoadTarget): Promise<number> {
  const { revision } = (await ask(varve, '/v1/status')) as { readonly revision: number };
  return revision;
}

function nanoseconds(): number {
  return Number(process.hrtime.bigint());
}

function figuresOf(since: string, times: readonly number[], isLimited: boolean): readonly Figure[] {
  const sorted = times.toSorted((one, other) => one - other);
  const p99 = sorted[Math.ceil(sorted.length * 0.99) - 1] ?? Number.NaN;
  const what = `a change is in ${listeners} clients, ${since}`;
  const middle = median(times);
  if (!isLimited) return [told(`${what}: p50`, middle, 'ms'), told(`${what}: p99`, p99, 'ms')];
  return [
    {
      ...told(`${what}: p50`, middle, 'ms'),
      target: `≤ ${maxMedianMs} ms`,
      isReached: middle <= maxMedianMs,
    },
    { ...told(`${what}: p99`, p99, 'ms'), target: `≤ ${maxP99Ms} ms`, isReached: p99 <= maxP99Ms },
  ];
}

function limited(what: string, figure: number, unit: string, alone: number, most: number): Figure {
  const yardstick = { what: 'without any', figure: alone };
  return { ...told(what, figure, unit), yardstick, target: `≤ ${most} ${unit}`, isReached: figure <= most };
}

function told(what: string, figure: number, unit: string): Figure {
  return {
    number: 'P8',
    what,
    figure,
    unit,
    yardstick: undefined,
    ratio: undefined,
    target: undefined,
    isReached: undefined,
  };
}
