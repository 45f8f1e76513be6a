/**
 * P2 and P3: values over HTTP from 64 connections, every request about another context.
 * Varve is filled with a world and asked in turns with a bare Fastify route that answers a body of the same size.
 */
import type { BenchOptions } from './bench-options.ts';
import { type Comparison, compare, turnsFor } from './compare.ts';
import type { Figure } from './figure.ts';
import { ask, fill } from './fill.ts';
import { connections, type LoadRequest, loadSource } from './load.ts';
import { type RunningServer, startBare, startVarve } from './server-process.ts';
import { withFolder } from './with-folder.ts';
import { createRandom, createWorld, type Random, type World } from './world.ts';

const seed = 20_260_202;
const requestCount = 16_384;

export const httpHow = `${connections} connections, ${requestCount} different requests, load from ${loadSource}, in turns; seed ${seed}`;

interface Question {
  readonly number: string;
  readonly what: string;
  readonly sizes: readonly number[];
  readonly minRatio: number;
  path(world: World, random: Random): string;
}

/** P2, and how it grows. */
export function benchHttpResolve(options: BenchOptions): Promise<readonly Figure[]> {
  return measure(options, {
    number: 'P2',
    what: 'GET /v1/resolve/{key}',
    sizes: options.isQuick ? [10_000] : [10_000, 100_000, 1_000_000],
    minRatio: 0.7,
    path: (world, random) => {
      const key = world.keys[random(world.keys.length)] ?? '';
      return `/v1/resolve/${key}?${queryOf(world, random)}`;
    },
  });
}

/** P3. */
export function benchHttpResolveMany(options: BenchOptions): Promise<readonly Figure[]> {
  return measure(options, {
    number: 'P3',
    what: 'GET /v1/resolve of 20 keys',
    sizes: options.isQuick ? [10_000] : [100_000],
    minRatio: 0.5,
    path: (world, random) => `/v1/resolve?${queryOf(world, random)}&keys=${world.keys.join(',')}`,
  });
}

async function measure(options: BenchOptions, question: Question): Promise<readonly Figure[]> {
  return withFolder(async (folder) => {
    const figures: Figure[] = [];
    const varve = await startVarve(folder);
    try {
      for (const size of question.sizes) {
        options.say(`${question.number}: ${size.toLocaleString('en')} overrides`);
        figures.push(...(await measureSize(options, question, size, varve, folder)));
      }
    } finally {
      await varve.stop();
    }
    return figures;
  });
}

async function measureSize(
  { isQuick }: BenchOptions,
  question: Question,
  size: number,
  varve: RunningServer,
  folder: string,
): Promise<readonly Figure[]> {
  const world = createWorld(size);
  await fill(varve, world);
  const random = createRandom(seed);
  const requests = Array.from(
    { length: requestCount },
    (): LoadRequest => ({ path: question.path(world, random) }),
  );
  const sample = JSON.stringify(await ask(varve, requests[0]?.path ?? ''));
  const bare = await startBare(folder, 'get', sample);
  try {
    const compared = await compare(varve, bare, requests, { ...turnsFor(isQuick), folder });
    return figuresOf(question, world, compared);
  } finally {
    await bare.stop();
  }
}

function figuresOf(question: Question, world: World, compared: Comparison): readonly Figure[] {
  const { number, minRatio } = question;
  const what = `${question.what}, ${world.overrideCount.toLocaleString('en')} overrides`;
  const { processorMicros, yardstickMicros, processorRatio } = compared;
  const figure: Figure = {
    number,
    what,
    figure: compared.perSecond,
    unit: '/s',
    yardstick: { what: 'bare Fastify', figure: compared.yardstickPerSecond },
    ratio: compared.ratio,
    target: `≥ ${minRatio * 100} % of it, by throughput and by processor time`,
    isReached: compared.ratio >= minRatio,
  };
  if (processorMicros === undefined || yardstickMicros === undefined) return [figure];
  const beside: Figure = {
    number,
    what: `${what}, processor time of the server`,
    figure: processorMicros,
    unit: 'µs',
    yardstick: { what: 'bare Fastify', figure: yardstickMicros },
    ratio: processorRatio,
    target: undefined,
    isReached: undefined,
  };
  return [figure, beside];
}

export function queryOf(world: World, random: Random): string {
  const { user, tenant, tier } = world.context(random);
  return `user=${user}&tenant=${tenant}&tier=${tier}`;
}
