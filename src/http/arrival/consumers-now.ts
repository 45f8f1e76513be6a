/**
 * The consumers of a ledger as they stand, and from where they are judged. In: the ledger, reads, the clock.
 */
import {
  type ArrivalReport,
  arrivalReport,
  type Consumer,
  type ConsumerName,
  stuckAfterMs,
  type Vantage,
} from '../../domain/arrival.ts';
import type { Reads } from '../../domain/reads.ts';
import type { LiveLedger } from '../../ledger/live-ledger.ts';

export interface ArrivalDependencies {
  readonly reads: Pick<Reads, 'consumers' | 'leastRevision' | 'revisionAt'>;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** The most that one read answers. */
export const maxPage = 1_000;

/** Consumers behind a name, by name; in pages, so that no read holds up other work. Failures: unavailable. */
export async function* consumersFrom(
  { reads }: ArrivalDependencies,
  ledger: LiveLedger,
  start: ConsumerName | undefined,
  pageSize = maxPage,
): AsyncGenerator<Consumer> {
  let after = start;
  for (;;) {
    const page = await reads.consumers(ledger.name, after, pageSize);
    yield* page;
    after = page.at(-1);
    if (page.length < pageSize) return;
  }
}

/**
 * From where consumers are judged now. The tables may be behind the head: then who is stuck is told a moment later, which
 * beats waiting for them. Failures: unavailable.
 */
export async function vantageOf(
  { reads, now }: ArrivalDependencies,
  { name, state }: LiveLedger,
): Promise<Vantage> {
  const then = now() - stuckAfterMs;
  const headThen = then >= state.recordedAt ? state.revision : await reads.revisionAt(name, then);
  return { now: now(), head: state.revision, headThen };
}

/** Who has these revisions and who has not, a report for each. Failures: unavailable. */
export async function reportsNow(
  dependencies: ArrivalDependencies,
  ledger: LiveLedger,
  revisions: readonly number[],
): Promise<readonly ArrivalReport[]> {
  const consumers: Consumer[] = [];
  for await (const consumer of consumersFrom(dependencies, ledger, undefined)) consumers.push(consumer);
  const vantage = await vantageOf(dependencies, ledger);
  const reports: ArrivalReport[] = [];
  for (const revision of revisions) {
    reports.push(arrivalReport(consumers, revision, vantage));
    // Ten thousand consumers are about a millisecond a report.
    await new Promise(setImmediate);
  }
  return reports;
}
