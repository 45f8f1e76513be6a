/**
 * P7: resolving as of an old revision, beside resolving now through Postgres (the same question asked at the head), in
 * ledgers of 10⁵ and 10⁶ events, and 10⁷ with `--full`. A random key and context, one scope that every twentieth event
 * changed, twenty keys at once; told beside: the same from memory.
 */
import type pg from 'pg';
import type { Moment } from '../../src/domain/questions.ts';
import { resolve } from '../../src/domain/resolve.ts';
import type { Context } from '../../src/domain/scope.ts';
import { recordedAt } from '../../src/queries/recorded-at.ts';
import { stateAt } from '../../src/queries/state-at.ts';
import type { BenchOptions } from './bench-options.ts';
import type { Figure } from './figure.ts';
import { busyKey, filledLedger } from './fill-by-sql.ts';
import { filledDatabase, filledSizes } from './filled-database.ts';
import { busyContext, drawContext, drawKey } from './filled-questions.ts';
import { type Latencies, measureInTurns } from './latencies.ts';
import { createRandom, type Random } from './world.ts';

const maxRatio = 1.5;
const maxGrowth = 2;
const seed = 20_261_107;
const keysAtOnce = 20;
const inMemoryRounds = 200_000;

export const asOfHow = `queries in process, one question at a time, random moments, in turns with the head, medians; filled by SQL; seed ${seed}`;

interface Asked {
  readonly keys: readonly string[];
  readonly context: Context;
}

/** What is asked, by the words for it. */
const kinds: Readonly<Record<string, (random: Random) => Asked>> = {
  'one key': (random) => ({ keys: [drawKey(random)], context: drawContext(random) }),
  'one key, a scope that every 20th event changed': () => ({ keys: [busyKey], context: busyContext }),
  [`${keysAtOnce} keys`]: (random) => ({
    keys: [...new Set(Array.from({ length: keysAtOnce }, () => drawKey(random)))],
    context: drawContext(random),
  }),
};

export async function benchAsOf(options: BenchOptions): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  for (const [what, draw] of Object.entries(kinds)) {
    const old: { readonly size: number; readonly median: number }[] = [];
    for (const size of filledSizes(options)) {
      const pool = await filledDatabase(size, options.say);
      options.say(`P7: ${what}, ${size.toLocaleString('en')} events`);
      const times = await measure(pool, size, draw, options.isQuick ? 200 : 2_000);
      figures.push(...figuresOf(what, size, times));
      old.push({ size, median: times.old.median });
    }
    figures.push(...growthOf(what, old));
  }
  figures.push(await inMemory(options));
  return figures;
}

async function measure(pool: pg.Pool, size: number, draw: (random: Random) => Asked, rounds: number) {
  const random = createRandom(seed);
  const head = await momentOf(pool, size);
  // Found beforehand: who names a revision pays for that look-up in either case.
  const moments = await Promise.all(
    Array.from({ length: 64 }, () => momentOf(pool, 1_000 + random(size - 1_000))),
  );
  const ask = async (moment: Moment) => {
    const { keys, context } = draw(random);
    const state = await stateAt(pool, filledLedger, moment, keys, [context]);
    for (const key of keys) resolve(state, key, context, moment.at);
  };
  return measureInTurns(
    { old: () => ask(moments[random(moments.length)] ?? head), now: () => ask(head) },
    rounds,
  );
}

async function momentOf(pool: pg.Pool, asOf: number): Promise<Moment> {
  const at = await recordedAt(pool, filledLedger, asOf);
  if (at === undefined) throw new Error(`revision ${asOf} is not there`);
  return { asOf, at };
}

function figuresOf(
  what: string,
  size: number,
  { old, now }: Readonly<Record<'old' | 'now', Latencies>>,
): readonly Figure[] {
  const ratio = old.median / now.median;
  const among = `${what}, ${size.toLocaleString('en')} events`;
  return [
    {
      number: 'P7',
      what: `as of an old revision: ${among}`,
      figure: old.median,
      unit: 'ms',
      yardstick: { what: 'now through Postgres', figure: now.median },
      ratio,
      target: `≤ ${maxRatio} × it`,
      isReached: ratio <= maxRatio,
    },
    {
      number: 'P7',
      what: `p99: ${among}`,
      figure: old.p99,
      unit: 'ms',
      yardstick: { what: 'now through Postgres', figure: now.p99 },
      ratio: old.p99 / now.p99,
      target: undefined,
      isReached: undefined,
    },
  ];
}

/** The largest ledger beside the smallest. */
function growthOf(
  what: string,
  sizes: readonly { readonly size: number; readonly median: number }[],
): readonly Figure[] {
  const first = sizes[0];
  const last = sizes.at(-1);
  if (first === undefined || last === undefined || first === last) return [];
  const ratio = last.median / first.median;
  return [
    {
      number: 'P7',
      what: `growth: ${what}, ${last.size.toLocaleString('en')} events`,
      figure: last.median,
      unit: 'ms',
      yardstick: { what: `${first.size.toLocaleString('en')} events`, figure: first.median },
      ratio,
      target: `≤ ${maxGrowth} × it`,
      isReached: ratio <= maxGrowth,
    },
  ];
}

/** A state that is in memory already, for comparison. */
async function inMemory({ isQuick, isFull, say }: BenchOptions): Promise<Figure> {
  const [size = 0] = filledSizes({ isQuick, isFull });
  const pool = await filledDatabase(size, say);
  const moment = await momentOf(pool, size);
  const state = await stateAt(pool, filledLedger, moment, [busyKey], [busyContext]);
  const start = performance.now();
  for (let round = 0; round < inMemoryRounds; round++) resolve(state, busyKey, busyContext, moment.at);
  return {
    number: 'P7',
    what: 'one key now, from memory',
    figure: (performance.now() - start) / inMemoryRounds,
    unit: 'ms',
    yardstick: undefined,
    ratio: undefined,
    target: undefined,
    isReached: undefined,
  };
}
