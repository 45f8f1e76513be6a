/**
 * Growth matters more than the point: the same questions to ledgers of 10⁴, 10⁵ and 10⁶ overrides, one beside the other.
 * A Varve of its own for each size comes in, one curve a question goes out, each figure beside that of the smallest.
 */
import type { BenchOptions } from './bench-options.ts';
import { writeBulk } from './bulk.ts';
import type { Figure } from './figure.ts';
import { ask, fill, reachHead } from './fill.ts';
import { queryOf } from './http-resolve.ts';
import { measureInTurns } from './latencies.ts';
import { connections, load, loadSource } from './load.ts';
import { type RunningServer, startVarve } from './server-process.ts';
import { timeStart } from './start.ts';
import { withFolder } from './with-folder.ts';
import { createRandom, createWorld, type World } from './world.ts';
import { writes } from './write.ts';

const seed = 20_261_127;
const questionCount = 8_192;

export const growthHow = `one server after the other; ${connections} connections of ${loadSource} for what is told per second, one question at a time for the rest; seed ${seed}`;

/** A question's answer at one size; `isRate`: more is better. */
interface Point {
  readonly what: string;
  readonly figure: number;
  readonly unit: string;
  readonly isRate: boolean;
}

export async function benchGrowth({ isQuick, say }: BenchOptions): Promise<readonly Figure[]> {
  const sizes = isQuick ? [10_000, 30_000] : [10_000, 100_000, 1_000_000];
  const curves = new Map<string, { readonly size: number; readonly point: Point }[]>();
  for (const size of sizes) {
    say(`growth: ${size.toLocaleString('en')} overrides`);
    for (const point of await measureSize(size, isQuick)) {
      curves.set(point.what, [...(curves.get(point.what) ?? []), { size, point }]);
    }
  }
  return [...curves.values()].flatMap((curve) => {
    const smallest = curve[0]?.point.figure ?? Number.NaN;
    return curve.map(({ size, point }) => figureOf(size, point, smallest));
  });
}

/** The ratio tells how many times worse than the smallest size it is. */
function figureOf(size: number, { what, figure, unit, isRate }: Point, smallest: number): Figure {
  return {
    number: 'growth',
    what: `${what}, ${size.toLocaleString('en')} overrides`,
    figure,
    unit,
    yardstick: undefined,
    ratio: isRate ? smallest / figure : figure / smallest,
    target: undefined,
    isReached: undefined,
  };
}

async function measureSize(size: number, isQuick: boolean): Promise<readonly Point[]> {
  return withFolder(async (folder) => {
    const world = createWorld(size);
    const varve = await startVarve(folder);
    let points: readonly Point[];
    try {
      await fill(varve, { ...world, overrides: () => [] });
      const { seconds } = await writeBulk(varve, world);
      const bulk = { what: 'bulk', figure: world.overrideCount / seconds, unit: 'changes/s', isRate: true };
      points = [
        bulk,
        ...(await measureRates(varve, world, folder, isQuick)),
        ...(await measureReads(varve, isQuick)),
      ];
    } finally {
      await varve.stop();
    }
    const { seconds, mebibytes = Number.NaN } = await timeStart(folder);
    return [
      ...points,
      { what: 'start to the first answer', figure: seconds, unit: 's', isRate: false },
      { what: 'resident memory after the start', figure: mebibytes, unit: 'MiB', isRate: false },
    ];
  });
}

async function measureRates(
  varve: RunningServer,
  world: World,
  folder: string,
  isQuick: boolean,
): Promise<readonly Point[]> {
  const seconds = isQuick ? 1 : 5;
  const random = createRandom(seed);
  const questions = Array.from({ length: questionCount }, () => ({
    path: `/v1/resolve/${world.keys[random(world.keys.length)] ?? ''}?${queryOf(world, random)}`,
  }));
  await load(varve, questions, 1, folder);
  const resolved = await load(varve, questions, seconds, folder);
  const written = await load(varve, writes(), seconds, folder);
  await reachHead(varve);
  return [
    { what: 'GET /v1/resolve/{key}', figure: resolved.perSecond, unit: '/s', isRate: true },
    { what: 'POST /v1/changesets of one change', figure: written.perSecond, unit: '/s', isRate: true },
  ];
}

async function measureReads(varve: RunningServer, isQuick: boolean): Promise<readonly Point[]> {
  const { revision } = (await ask(varve, '/v1/status')) as { readonly revision: number };
  const random = createRandom(seed);
  const latencies = await measureInTurns(
    {
      'as of a random revision': () =>
        ask(varve, `/v1/resolve/ai.planner.model?tier=3&asOf=${1 + random(revision)}`),
      'a page of the history by key': () => ask(varve, '/v1/history?key=ai.planner.model&limit=50'),
    },
    isQuick ? 20 : 300,
  );
  return Object.entries(latencies).map(([what, { median }]) => ({
    what,
    figure: median,
    unit: 'ms',
    isRate: false,
  }));
}
