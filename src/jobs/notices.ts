/**
 * Notices to webhooks: finds what is to be told, keeps the queue supplied, and sends. In: the ledger's read models and
 * the table of deliveries; out: HTTP requests. The queue is a window on the table: of each webhook the few deliveries
 * that are due longest, under ids made of theirs and of the moment's window, so that adding one again adds nothing for a
 * while, and a job that the queue lost half of (its id is known, and nobody will ever run it) holds nothing up for long.
 *
 * - If we die between writing deliveries down and adding their jobs, the sweep adds them: it goes by the table alone.
 * - If the queue is wiped, whenever, the next sweep finds the same deliveries due and adds them again.
 * - If we die while sending, see deliver-notice.ts.
 */
import { dueDeliveries, dueDeliveriesOf } from '../queries/webhook-deliveries.ts';
import type { Chore } from './chores.ts';
import { type DeliverOptions, deliverNotice } from './deliver-notice.ts';
import { closeInTime, type JobQueue, type JobWorker, type QueuePlace } from './queue-place.ts';
import { type WriteDownOptions, writeDownDeliveries } from './write-down-deliveries.ts';

export const noticesQueue = 'varve-notices';

export interface NoticesOptions extends DeliverOptions, WriteDownOptions {
  readonly place: QueuePlace;
  /** Every ledger there is. */
  readonly ledgers: () => Promise<readonly string[]>;
  /** How long something due is without a job, at most; 5,000 when absent. */
  readonly sweepMs?: number;
  readonly onTrouble: (failure: unknown) => void;
  /** Told of every attempt: what became of the delivery. */
  readonly onAttempt?: (state: 'pending' | 'delivered' | 'given_up') => void;
}

export interface RunningNotices {
  /** Finds and supplies again and again; to be started with the others. */
  readonly chore: Chore;
  /** The read models have moved: looks soon, at most four times a second. */
  wake(): void;
  stop(): Promise<void>;
}

/**
 * The most deliveries of one webhook at once, over all servers; and of all webhooks in one server. So a receiver that
 * lets us wait takes no more than its own lanes; only sixteen that all do so would hold up others, each time for as
 * long as an attempt may take, and then for as long as they are put off.
 */
const lanes = 8;
/**
 * A job whose end was lost (a connection that died just then) keeps its id in the queue, and its delivery from being
 * tried again, until it is found: half a minute is enough for that.
 */
const workerSettings = { concurrency: 16 * lanes, lockDuration: 15_000, stalledInterval: 5_000 };
const defaultSweepMs = 5_000;
/** Sweeps after which a job that is still in the queue is no longer trusted. */
const sweepsInWindow = 3;
const wakeGapMs = 250;

/** Starts sending what is in the queue; the chore and `wake` fill it. */
export function startNotices(options: NoticesOptions): RunningNotices {
  const { place, pool, ledgers, onTrouble, sweepMs = defaultSweepMs } = options;
  const queue = place.queue(noticesQueue);
  const supplied = new Set<string>();
  const supply = supplierOf(queue, options.now, sweepsInWindow * sweepMs);
  const worker = place.worker(
    noticesQueue,
    ({ name }) => deliver(options, supply, supplied, name),
    workerSettings,
  );
  queue.on('error', onTrouble);
  worker.on('error', onTrouble);
  worker.on('failed', (_job, failure) => onTrouble(failure));

  const sweep = async (): Promise<number> => {
    let written = 0;
    // One ledger that cannot be read must not keep the others from telling, nor what is written down from being sent.
    for (const ledger of await ledgers()) {
      written += await writeDownDeliveries(options, ledger).catch((failure: unknown) => {
        onTrouble(failure);
        return 0;
      });
    }
    // The queue may have been wiped since, and what was supplied may have been taken by another server.
    supplied.clear();
    await supply(await dueDeliveries(pool, lanes));
    return written;
  };
  const waker = new Waker(sweep, onTrouble);
  return {
    chore: { name: 'notices', everyMs: sweepMs, run: sweep },
    wake: () => waker.wake(),
    stop: async () => {
      place.stopTrying();
      waker.stop();
      // An attempt that is cut off is sent again when its lease has run out.
      await closeInTime(closeAll(worker, queue));
    },
  };
}

async function closeAll(worker: JobWorker, queue: JobQueue): Promise<void> {
  await worker.close();
  await queue.close();
}

type Supply = (ids: readonly string[]) => Promise<void>;

/**
 * Adds a job for each delivery, named by its id. One whose job is in the queue from this window already is not added
 * again; one from an earlier window is, and whichever of the two comes second finds nothing to claim.
 */
function supplierOf(queue: JobQueue, now: () => number, windowMs: number): Supply {
  return async (ids) => {
    if (ids.length === 0) return;
    const window = Math.floor(now() / windowMs);
    await queue.addBulk(
      ids.map((id) => ({
        name: id,
        data: {},
        opts: { jobId: `${id}-${window}`, attempts: 1, removeOnComplete: true, removeOnFail: true },
      })),
    );
  };
}

/** `supplied` are the jobs that this process has added and not seen yet: they need not be added again so soon. */
async function deliver(
  options: NoticesOptions,
  supply: Supply,
  supplied: Set<string>,
  id: string,
): Promise<void> {
  supplied.add(id);
  const done = await deliverNotice(options, id).finally(() => supplied.delete(id));
  if (done === undefined) return;
  options.onAttempt?.(done.outcome.state);
  // The lane is free: the next one of the same webhook takes it, without waiting for a sweep.
  const { ledger, webhook } = done.delivery;
  const due = await dueDeliveriesOf(options.pool, ledger, webhook, lanes);
  const missing = due.filter((one) => !supplied.has(one));
  for (const one of missing) supplied.add(one);
  await supply(missing);
}

/** Runs something soon after it was last asked to, one run at a time, with a pause between them. */
class Waker {
  readonly #run: () => Promise<unknown>;
  readonly #onTrouble: (failure: unknown) => void;
  #timer: NodeJS.Timeout | undefined;
  #isRunning = false;
  #isWanted = false;
  #isStopped = false;

  constructor(run: () => Promise<unknown>, onTrouble: (failure: unknown) => void) {
    this.#run = run;
    this.#onTrouble = onTrouble;
  }

  wake(): void {
    this.#isWanted = true;
    if (this.#isStopped || this.#isRunning || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => this.#go(), wakeGapMs).unref();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  #go(): void {
    this.#timer = undefined;
    this.#isWanted = false;
    this.#isRunning = true;
    this.#run()
      .catch(this.#onTrouble)
      .finally(() => {
        this.#isRunning = false;
        if (this.#isWanted) this.wake();
      });
  }
}
