/**
 * Background work on BullMQ: in Postgres by default, on Redis with REDIS_URL. The queue holds nothing that matters:
 * every chore is scheduled at each start and again every minute, and finds its work in the tables, so a wiped queue
 * loses nothing. A chore may run twice and must not act twice; in one process it never runs beside itself. A Redis that is away holds up neither start nor stop.
 */
import {
  closeInTime,
  type JobQueue,
  openQueuePlace,
  type QueueConnection,
  type QueuePlace,
} from './queue-place.ts';

export interface Chore {
  readonly name: string;
  /** How often, in milliseconds. */
  readonly everyMs: number;
  /** Does the work; answers how much there was. */
  run(): Promise<number>;
}

export interface ChoreStatus {
  readonly name: string;
  readonly state: 'waiting' | 'running' | 'failed';
  /** How much the last run did; null before the first. */
  readonly lastResult: number | null;
}

export interface RunningChores {
  status(): readonly ChoreStatus[];
  /** Runs one soon, beside its schedule. */
  runSoon(name: string): Promise<void>;
  stop(): Promise<void>;
}

export interface ChoresOptions {
  /** A place that others use as well, who end it; or a connection, for a place of its own. */
  readonly connection: QueueConnection | QueuePlace;
  readonly chores: readonly Chore[];
  /** Told of failures; BullMQ tries again by itself. */
  readonly onTrouble: (failure: unknown) => void;
  /** How long a wiped queue stays without its schedule, at most; 60,000 when absent. */
  readonly rescheduleMs?: number;
}

export const choresQueue = 'varve-chores';
const attempts = 5;
/** At once in one process: a chore that takes long must not hold up the others. */
const concurrency = 8;

/** Starts a queue and a worker and schedules every chore; on Redis that happens as soon as it is there. */
export async function startChores(options: ChoresOptions): Promise<RunningChores> {
  const { connection, chores, onTrouble, rescheduleMs = 60_000 } = options;
  const isShared = 'queue' in connection;
  const place = isShared ? connection : await openQueuePlace(connection);
  const runs = new Map(chores.map((chore) => [chore.name, new ChoreRuns(chore)]));
  const queue = place.queue(choresQueue);
  // A chore of another version of Varve is passed over: its schedule goes away with the next start of that version.
  const worker = place.worker(choresQueue, async ({ name }) => (await runs.get(name)?.run()) ?? 0, {
    concurrency,
  });
  queue.on('error', onTrouble);
  worker.on('error', onTrouble);
  worker.on('failed', (_job, failure) => onTrouble(failure));

  let scheduling: Promise<void> | undefined;
  const keepScheduled = (): Promise<void> => {
    scheduling ??= schedule(queue, chores).finally(() => {
      scheduling = undefined;
    });
    return scheduling;
  };
  const timer = setInterval(() => void keepScheduled().catch(onTrouble), rescheduleMs).unref();
  const close = async () => {
    await worker.close();
    await queue.close();
    if (!isShared) await place.end();
  };
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    place.stopTrying();
    for (const one of runs.values()) one.stop();
    clearInterval(timer);
    stopped ??= closeInTime(close());
    return stopped;
  };
  // Redis may be away for now, and its commands wait for it; without Postgres there is no Varve at all.
  const scheduled = keepScheduled();
  if (place.kind === 'redis') scheduled.catch(onTrouble);
  else await orElse(scheduled, stop);

  return {
    status: () => [...runs.values()].map((one) => one.status()),
    async runSoon(name) {
      await queue.add(name, {}, { attempts, removeOnComplete: 10, removeOnFail: 10 });
    },
    stop,
  };
}

/** Undoes what was begun when it fails, and fails all the same. */
async function orElse(work: Promise<void>, undo: () => Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    await undo();
    throw error;
  }
}

/** The runs of one chore in this process: one after the other. */
class ChoreRuns {
  readonly #chore: Chore;
  #state: ChoreStatus['state'] = 'waiting';
  #lastResult: number | null = null;
  #isWantedAgain = false;
  #isStopping = false;

  constructor(chore: Chore) {
    this.#chore = chore;
  }

  status(): ChoreStatus {
    return { name: this.#chore.name, state: this.#state, lastResult: this.#lastResult };
  }

  /** No run begins any more. */
  stop(): void {
    this.#isStopping = true;
  }

  /**
   * Runs it; while it runs already, that run is followed by one more, and this call is over at once: it must not keep
   * a place in the worker until a long one is done.
   */
  async run(): Promise<number> {
    if (this.#state === 'running') {
      this.#isWantedAgain = true;
      return 0;
    }
    let result: number;
    do {
      this.#isWantedAgain = false;
      result = await this.#runOnce();
    } while (this.#isWantedAgain && !this.#isStopping);
    return result;
  }

  async #runOnce(): Promise<number> {
    this.#state = 'running';
    try {
      this.#lastResult = await this.#chore.run();
      this.#state = 'waiting';
      return this.#lastResult;
    } catch (failure) {
      this.#state = 'failed';
      throw failure;
    }
  }
}

/** Scheduling what is scheduled already changes nothing. */
async function schedule(queue: JobQueue, chores: readonly Chore[]): Promise<void> {
  await queue.waitUntilReady();
  for (const { name, everyMs } of chores) {
    const opts = {
      attempts,
      backoff: { type: 'exponential', delay: 1_000 },
      removeOnComplete: 10,
      removeOnFail: 10,
    };
    await queue.upsertJobScheduler(name, { every: everyMs }, { name, opts });
  }
}
