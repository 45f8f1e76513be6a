/**
 * Proof of arrival in this process: heartbeats of every ledger on their way to the table, and who waits for them.
 * In: heartbeats and waits from the routes; out: writes in batches, reports. Ends with the server.
 */
import type { ArrivalReport, Heartbeat } from '../../domain/arrival.ts';
import { Failure } from '../../failure.ts';
import type { LiveLedger } from '../../ledger/live-ledger.ts';
import type { HttpDependencies } from '../dependencies.ts';
import { ArrivalWatch } from './arrival-watch.ts';
import { HeartbeatBatches } from './heartbeat-batches.ts';

/** The most requests that wait for consumers at once. */
const maxWaiting = 256;

export interface Arrivals {
  /** Keeps a heartbeat. Failures: limited, unavailable. */
  note(ledger: LiveLedger, heartbeat: Heartbeat): Promise<void>;
  /** Takes a place among those that wait, before anything is written; answers how to leave it. Failure `limited`. */
  enter(): () => void;
  /** Waits (bounded), no longer than until `gone`; undefined when it cannot be told who has the revision. */
  reached(
    ledger: LiveLedger,
    revision: number,
    waitMs: number,
    gone: AbortSignal,
  ): Promise<ArrivalReport | undefined>;
  /** Nobody waits any longer. */
  endWaits(): void;
  /** Writes the heartbeats that are left. */
  endBatches(): Promise<void>;
}

interface Desk {
  readonly watch: ArrivalWatch;
  readonly batches: HeartbeatBatches;
}

export function createArrivals(
  dependencies: Pick<HttpDependencies, 'reads' | 'now' | 'consumers'>,
  heartbeatWriteMs = 5_000,
): Arrivals {
  const desks = new Map<LiveLedger, Desk>();
  let waiting = 0;
  let isEnding = false;
  const deskOf = (ledger: LiveLedger): Desk => {
    const known = desks.get(ledger);
    if (known !== undefined) return known;
    const watch = new ArrivalWatch({ reads: dependencies.reads, now: () => dependencies.now() }, ledger);
    const batches = new HeartbeatBatches({
      keep: (heartbeats) => dependencies.consumers.keep(ledger.name, heartbeats),
      onNews: () => watch.look(),
      laterMs: heartbeatWriteMs,
    });
    desks.set(ledger, { watch, batches });
    return { watch, batches };
  };
  return {
    note: (ledger, heartbeat) => deskOf(ledger).batches.note(heartbeat),
    enter() {
      if (waiting >= maxWaiting) {
        throw new Failure('limited', `${maxWaiting} requests wait for consumers already`, {
          reason: 'too_many_waits',
          retryAfterSeconds: 1,
        });
      }
      waiting += 1;
      return () => {
        waiting -= 1;
      };
    },
    reached: (ledger, revision, waitMs, gone) =>
      deskOf(ledger).watch.reached(revision, isEnding ? 0 : waitMs, gone),
    endWaits() {
      isEnding = true;
      for (const { watch } of desks.values()) watch.end();
    },
    async endBatches() {
      await Promise.all([...desks.values()].map(({ batches }) => batches.end()));
    },
  };
}
