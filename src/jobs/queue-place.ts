/**
 * Where the queues live: in a schema of Postgres that BullMQ migrates, or on Redis. In: a connection; out: queues and
 * workers of any name on it, which share its few connections. Whoever opens a place ends it, after its queues.
 */
import { createPostgresBackend, type Job, type PgPool, Queue, Worker } from 'bullmq';
import { withTimeLimit } from '../ledger/time-limit.ts';
import { openQueuePool } from './queue-pool.ts';

/** Where the queue lives; in Postgres in a schema of its own, which BullMQ migrates. */
export type QueueConnection =
  | { readonly kind: 'postgres'; readonly connectionString: string }
  | { readonly kind: 'redis'; readonly url: string };

type QueuedJob = Pick<Job, 'id' | 'name'>;
type Process = (job: QueuedJob) => Promise<unknown>;

export interface WorkerSettings {
  /** Jobs at once. */
  readonly concurrency: number;
  /** A job whose worker has not said for so long that it lives is taken for lost; BullMQ's 30,000 when absent. */
  readonly lockDuration?: number;
  /** How often lost ones are looked for; BullMQ's 30,000 when absent. */
  readonly stalledInterval?: number;
}

export type JobQueue = ReturnType<typeof postgresQueue> | ReturnType<typeof redisQueue>;
export type JobWorker = ReturnType<typeof postgresWorker> | ReturnType<typeof redisWorker>;

export interface QueuePlace {
  readonly kind: QueueConnection['kind'];
  queue(name: string): JobQueue;
  /** Takes jobs at once. */
  worker(name: string, process: Process, settings: WorkerSettings): JobWorker;
  /** No connection is tried again from now on: a Redis that is away must not hold up the end. */
  stopTrying(): void;
  end(): Promise<void>;
}

const redisPrefix = 'varve';

/** Failures: those of connecting to Postgres and of BullMQ's migrations; a Redis that is away is waited for by its queues. */
export async function openQueuePlace(connection: QueueConnection): Promise<QueuePlace> {
  if (connection.kind === 'redis') return redisPlace(connection.url);
  const pool = await openQueuePool(connection.connectionString);
  return {
    kind: 'postgres',
    queue: (name) => postgresQueue(name, pool),
    worker: (name, process, settings) => postgresWorker(name, process, pool, settings),
    stopTrying: () => undefined,
    end: () => pool.end(),
  };
}

function redisPlace(url: string): QueuePlace {
  let isStopping = false;
  const options: RedisOptions = {
    connection: {
      url,
      maxRetriesPerRequest: null,
      // Otherwise a connection to a Redis that is away would be tried for ever, also after the stop.
      retryStrategy: (times: number) => (isStopping ? null : Math.min(times * 250, 2_000)),
    },
    prefix: redisPrefix,
  };
  return {
    kind: 'redis',
    queue: (name) => redisQueue(name, options),
    worker: (name, process, settings) => redisWorker(name, process, options, settings),
    stopTrying: () => {
      isStopping = true;
    },
    end: async () => undefined,
  };
}

function postgresQueue(name: string, connection: PgPool) {
  return new Queue(name, { connection }, createPostgresBackend);
}

function postgresWorker(name: string, process: Process, connection: PgPool, settings: WorkerSettings) {
  return new Worker(name, process, { connection, ...settings }, createPostgresBackend);
}

interface RedisOptions {
  readonly connection: {
    readonly url: string;
    readonly maxRetriesPerRequest: null;
    readonly retryStrategy: (times: number) => number | null;
  };
  readonly prefix: string;
}

function redisQueue(name: string, options: RedisOptions) {
  return new Queue(name, options);
}

function redisWorker(name: string, process: Process, options: RedisOptions, settings: WorkerSettings) {
  return new Worker(name, process, { ...options, ...settings });
}

/** For the jobs under way, milliseconds. */
const closeLimitMs = 5_000;

/** Waits for queues and workers to close; one that does not answer by then (5 s) is left to itself. */
export function closeInTime(closing: Promise<void>): Promise<void> {
  return withTimeLimit(closing, closeLimitMs, () => undefined);
}
