/**
 * Background work on BullMQ: in Postgres by default, on Redis with REDIS_URL. The queue holds nothing that matters:
 * every chore is scheduled at each start and again every minute, and finds its work in the tables, so a wiped queue
 * loses nothing. A chore may run twice and must not act twice. A Redis that is away holds up neither start nor stop.
 */
import { createPostgresBackend, Queue, Worker } from 'bullmq';
import { openQueuePool } from './queue-pool.ts';

/** Where the queue lives; in Postgres in a schema of its own, which BullMQ migrates. */
export type QueueConnection =
  | { readonly kind: 'postgres'; readonly connectionString: string }
  | { readonly kind: 'redis'; readonly url: string };

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
  readonly connection: QueueConnection;
  readonly chores: readonly Chore[];
  /** Told of failures; BullMQ tries again by itself. */
  readonly onTrouble: (failure: unknown) => void;
  /** How long a wiped queue stays without its schedule, at most; 60,000 when absent. */
  readonly rescheduleMs?: number;
}

const queueName = 'varve-chores';
const redisPrefix = 'varve';
const attempts = 5;
/** For the chore that runs; a queue that does not answer by then is left. */
const stopLimitMs = 5_000;

/** Starts a queue and a worker and schedules every chore; on Redis that happens as soon as it is there. */
export async function startChores(options: ChoresOptions): Promise<RunningChores> {
  const { connection, chores, onTrouble, rescheduleMs = 60_000 } = options;
  const states = new Map<string, State>(
    chores.map(({ name }) => [name, { state: 'waiting', lastResult: null }]),
  );
  let isStopping = false;
  const { queue, worker, end } = await connect(
    connection,
    (name) => run(chores, states, name),
    () => isStopping,
  );
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
    await end();
  };
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    isStopping = true;
    clearInterval(timer);
    stopped ??= within(stopLimitMs, close());
    return stopped;
  };
  // Redis may be away for now, and its commands wait for it; without Postgres there is no Varve at all.
  const scheduled = keepScheduled();
  if (connection.kind === 'redis') scheduled.catch(onTrouble);
  else await orElse(scheduled, stop);

  return {
    status: () => [...states].map(([name, state]) => ({ name, ...state })),
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

async function run(chores: readonly Chore[], states: Map<string, State>, name: string): Promise<number> {
  const chore = chores.find((one) => one.name === name);
  // A chore of another version of Varve: its schedule goes away with the next start of that version.
  if (chore === undefined) return 0;
  const before = states.get(name)?.lastResult ?? null;
  states.set(name, { state: 'running', lastResult: before });
  try {
    const lastResult = await chore.run();
    states.set(name, { state: 'waiting', lastResult });
    return lastResult;
  } catch (failure) {
    states.set(name, { state: 'failed', lastResult: before });
    throw failure;
  }
}

/** Scheduling what is scheduled already changes nothing. */
async function schedule(queue: Connected['queue'], chores: readonly Chore[]): Promise<void> {
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

type State = Omit<ChoreStatus, 'name'>;

type Connected = Awaited<ReturnType<typeof connect>>;

/** A queue, its worker, and how to end what both stand on. */
async function connect(
  connection: QueueConnection,
  process: (name: string) => Promise<number>,
  isStopping: () => boolean,
) {
  if (connection.kind === 'redis') {
    // Otherwise a connection to a Redis that is away would be tried for ever, also after the stop.
    const retryStrategy = (times: number) => (isStopping() ? null : Math.min(times * 250, 2_000));
    const options = {
      connection: { url: connection.url, maxRetriesPerRequest: null, retryStrategy },
      prefix: redisPrefix,
    };
    return {
      queue: new Queue(queueName, options),
      worker: new Worker(queueName, (job) => process(job.name), options),
      end: async () => undefined,
    };
  }
  const pool = await openQueuePool(connection.connectionString);
  return {
    queue: new Queue(queueName, { connection: pool }, createPostgresBackend),
    worker: new Worker(queueName, (job) => process(job.name), { connection: pool }, createPostgresBackend),
    end: () => pool.end(),
  };
}

/** Waits for what closes; past the limit it is left to itself. */
async function within(limitMs: number, closing: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs);
  });
  await Promise.race([closing, limit]);
  clearTimeout(timer);
}
