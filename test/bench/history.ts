/**
 * P10: pages of 50 of the history by actor, by key, by time window, in ledgers of 10⁵ and 10⁶ events, and 10⁷ with
 * `--full`. The very query behind GET /v1/history is asked, about actors and keys of every frequency.
 */
import type pg from 'pg';
import type { HistoryFilter } from '../../src/domain/questions.ts';
import { historyPage } from '../../src/queries/history-page.ts';
import type { BenchOptions } from './bench-options.ts';
import type { Figure } from './figure.ts';
import { filledLedger } from './fill-by-sql.ts';
import { filledDatabase, filledSizes } from './filled-database.ts';
import { drawActor, drawKey, drawTime } from './filled-questions.ts';
import { measureInTurns } from './latencies.ts';
import { createRandom, type Random } from './world.ts';

const maxMs = 20;
const page = { limit: 50 };
const dayMs = 86_400_000;
const seed = 20_261_110;

export const historyHow = `queries in process, one question at a time, pages of ${page.limit}, in turns; filled by SQL; seed ${seed}`;

/** What is asked, by the words for it. */
const kinds: Readonly<Record<string, (random: Random) => HistoryFilter>> = {
  'by actor': (random) => ({ actor: drawActor(random) }),
  'by key': (random) => ({ key: drawKey(random) }),
  'by time window (an hour to a month)': windowOf,
  'by actor and time window': (random) => ({ actor: drawActor(random), ...windowOf(random) }),
};

function windowOf(random: Random): HistoryFilter {
  const from = drawTime(random);
  const lengths = [dayMs / 24, dayMs, 7 * dayMs, 30 * dayMs];
  return { from, to: from + (lengths[random(lengths.length)] ?? dayMs) };
}

export async function benchHistory(options: BenchOptions): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  for (const size of filledSizes(options)) {
    const pool = await filledDatabase(size, options.say);
    options.say(`P10: ${size.toLocaleString('en')} events`);
    figures.push(...(await measure(pool, size, options.isQuick ? 200 : 2_000)));
  }
  return figures;
}

async function measure(pool: pg.Pool, size: number, rounds: number): Promise<readonly Figure[]> {
  const random = createRandom(seed);
  const asked = Object.entries(kinds).map(([what, draw]) => {
    return [what, () => historyPage(pool, filledLedger, draw(random), page)] as const;
  });
  const times = await measureInTurns(Object.fromEntries(asked), rounds);
  return Object.entries(times).flatMap(([what, { median, p99 }]): Figure[] => {
    const told = {
      number: 'P10',
      unit: 'ms',
      yardstick: undefined,
      ratio: undefined,
      target: undefined,
      isReached: undefined,
    };
    const among = `history ${what}, ${size.toLocaleString('en')} events`;
    return [
      { ...told, what: `p99: ${among}`, figure: p99, target: `≤ ${maxMs} ms`, isReached: p99 <= maxMs },
      { ...told, what: `median: ${among}`, figure: median },
    ];
  });
}
