/**
 * Times questions one after the other on one connection, and tells the middle and the slow end.
 */
import { median } from './figure.ts';

export interface Latencies {
  /** Milliseconds. */
  readonly median: number;
  /** Milliseconds that one in a hundred exceeds. */
  readonly p99: number;
}

/** Asks each kind of question `rounds` times, in turns, so that a busy machine disturbs all alike; a tenth more to warm up. */
export async function measureInTurns<Name extends string>(
  kinds: Readonly<Record<Name, () => Promise<unknown>>>,
  rounds: number,
): Promise<Readonly<Record<Name, Latencies>>> {
  const names = Object.keys(kinds) as Name[];
  const times = new Map<Name, number[]>(names.map((name) => [name, []]));
  for (let round = -Math.ceil(rounds / 10); round < rounds; round++) {
    for (const name of names) {
      const start = performance.now();
      await kinds[name]();
      if (round >= 0) times.get(name)?.push(performance.now() - start);
    }
  }
  const told = names.map((name) => [name, summaryOf(times.get(name) ?? [])] as const);
  return Object.fromEntries(told) as Record<Name, Latencies>;
}

function summaryOf(times: readonly number[]): Latencies {
  const sorted = times.toSorted((a, b) => a - b);
  return { median: median(sorted), p99: sorted[Math.ceil(sorted.length * 0.99) - 1] ?? Number.NaN };
}
