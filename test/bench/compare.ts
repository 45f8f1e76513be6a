/**
 * Measures two servers by turns, A B A B …, and compares the middles: on a busy machine both are disturbed alike.
 * The ratio is the lower one of throughput and of processor time, so that a load that is too weak flatters nobody.
 */
import { median } from './figure.ts';
import { type LoadRequest, type LoadResult, type LoadTarget, load } from './load.ts';

export interface Comparison {
  readonly perSecond: number;
  readonly yardstickPerSecond: number;
  /** By throughput alone. */
  readonly throughputRatio: number;
  /** By the processor time of one request alone; undefined where the system does not tell. */
  readonly processorRatio: number | undefined;
  readonly ratio: number;
  readonly processorMicros: number | undefined;
  readonly yardstickMicros: number | undefined;
}

export interface Turns {
  readonly rounds: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  /** For the script of the load. */
  readonly folder: string;
  /** Called after each of our own rounds. */
  readonly afterRound?: () => Promise<void>;
}

export async function compare(
  ours: LoadTarget,
  yardstick: LoadTarget,
  requests: readonly LoadRequest[],
  { rounds, seconds, warmUpSeconds, folder, afterRound }: Turns,
): Promise<Comparison> {
  await load(ours, requests, warmUpSeconds, folder);
  await load(yardstick, requests, warmUpSeconds, folder);
  await afterRound?.();
  const a: LoadResult[] = [];
  const b: LoadResult[] = [];
  for (let round = 0; round < rounds; round++) {
    a.push(await load(ours, requests, seconds, folder));
    await afterRound?.();
    b.push(await load(yardstick, requests, seconds, folder));
  }
  const perSecond = median(a.map((result) => result.perSecond));
  const yardstickPerSecond = median(b.map((result) => result.perSecond));
  const processorMicros = middleMicros(a);
  const yardstickMicros = middleMicros(b);
  const throughputRatio = perSecond / yardstickPerSecond;
  const processorRatio =
    processorMicros === undefined || yardstickMicros === undefined
      ? undefined
      : yardstickMicros / processorMicros;
  return {
    perSecond,
    yardstickPerSecond,
    throughputRatio,
    processorRatio,
    ratio: Math.min(throughputRatio, processorRatio ?? throughputRatio),
    processorMicros,
    yardstickMicros,
  };
}

/** How many rounds and how long. */
export function turnsFor(isQuick: boolean): Omit<Turns, 'folder'> {
  return isQuick ? { rounds: 2, seconds: 2, warmUpSeconds: 1 } : { rounds: 5, seconds: 5, warmUpSeconds: 3 };
}

function middleMicros(results: readonly LoadResult[]): number | undefined {
  const micros = results.map((result) => result.processorMicros).filter((value) => value !== undefined);
  return micros.length === 0 ? undefined : median(micros);
}
