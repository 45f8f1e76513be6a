/**
 * Background work put together: the place of the queues, chores, notices to webhooks, imports, and what can be seen of
 * them. In: the database, the ledgers, settings; out: what the HTTP side asks and does. A server without a worker has
 * the queues to look at and to ask for work, and does none.
 */
import type { Logger } from 'pino';
import { resolveBySystem } from '../jobs/address-guard.ts';
import { type BoardPlugin, createBoard } from '../jobs/board.ts';
import { type Chore, choresQueue, type RunningChores, startChores } from '../jobs/chores.ts';
import { type NoticesOptions, noticesQueue, type RunningNotices, startNotices } from '../jobs/notices.ts';
import { closeInTime, type JobQueue, openQueuePlace, type QueuePlace } from '../jobs/queue-place.ts';
import { type JobStatus, queueStatus } from '../jobs/queue-status.ts';
import { type ImportsOptions, workOffImports } from '../jobs/work-off-imports.ts';
import { forgetContexts } from '../queries/contexts-seen.ts';
import { forgetImports } from '../queries/imports.ts';
import { forgetConsumers } from '../queries/keep-heartbeats.ts';
import { countDeliveries } from '../queries/list-deliveries.ts';
import { forgetAnswers } from '../queries/remembered-answers.ts';
import { forgetDeliveries } from '../queries/webhook-deliveries.ts';
import type { ServerSettings } from '../settings.ts';
import type { OpenDatabase } from './database.ts';

export interface BackgroundOptions {
  readonly settings: Pick<ServerSettings, 'redisUrl' | 'webhookAllowPrivate'>;
  readonly database: OpenDatabase;
  /** Whether this process does the work. */
  readonly isWorker: boolean;
  readonly ledgers: NoticesOptions['ledgers'];
  readonly openLedger: ImportsOptions['openLedger'];
  readonly now: () => number;
  readonly random: () => number;
  readonly logger: Logger;
  readonly onAttempt: NonNullable<NoticesOptions['onAttempt']>;
  readonly boardFolder: string;
  /** Of other parts of the work. */
  readonly moreChores: readonly Chore[];
}

export interface Background {
  /** For /v1/status: chores, queues, deliveries. Failures: unavailable. */
  status(): Promise<readonly JobStatus[]>;
  readonly board: BoardPlugin;
  /** Undefined in a server without a worker. */
  readonly chores: RunningChores | undefined;
  /** The read models have moved, or something became due. */
  wake(): void;
  /** An import was handed over. */
  importOpened(): void;
  stop(): Promise<void>;
}

const hourMs = 3_600_000;
const importsChore = 'imports';
const importsMs = 10_000;
/** How long a wiped queue stays without its schedule. */
const rescheduleMs = 15_000;
const keepDays = 30;
const keepConsumersHours = 24;
/** Who asked in the last quarter is told of what a change does to him; the list of active contexts looks back less far. */
const keepContextsHours = 2_160;

export async function startBackground(options: BackgroundOptions): Promise<Background> {
  const { settings, database, isWorker, logger } = options;
  const onTrouble = (failure: unknown) => logger.warn({ err: failure }, 'background work has trouble');
  const place = await openQueuePlace(
    settings.redisUrl === undefined
      ? { kind: 'postgres', connectionString: database.connectionString }
      : { kind: 'redis', url: settings.redisUrl },
  );
  const queues = [place.queue(choresQueue), place.queue(noticesQueue)] as const;
  for (const queue of queues) queue.on('error', onTrouble);
  const close = async () => {
    place.stopTrying();
    await Promise.all(queues.map((queue) => queue.close()));
    await place.end();
  };
  const stopQueues = () => closeInTime(close());
  let work: Work | undefined;
  try {
    work = isWorker ? await startWork(options, place, onTrouble) : undefined;
  } catch (error) {
    await stopQueues();
    throw error;
  }
  return {
    status: () => statusOf(work, queues, database),
    board: createBoard(queues, options.boardFolder),
    chores: work?.chores,
    wake: () => work?.notices.wake(),
    importOpened: () => {
      const once = { removeOnComplete: true, removeOnFail: true };
      queues[0].add(importsChore, {}, once).catch(onTrouble);
    },
    stop: async () => {
      await work?.stop();
      await stopQueues();
    },
  };
}

interface Work {
  readonly chores: RunningChores;
  readonly notices: RunningNotices;
  stop(): Promise<void>;
}

async function startWork(
  {
    database: { http: pool },
    settings,
    ledgers,
    openLedger,
    now,
    random,
    onAttempt,
    moreChores,
  }: BackgroundOptions,
  place: QueuePlace,
  onTrouble: (failure: unknown) => void,
): Promise<Work> {
  let isStopping = false;
  const notices = startNotices({
    place,
    pool,
    ledgers,
    post: { resolve: resolveBySystem, mayBePrivate: settings.webhookAllowPrivate },
    now,
    random,
    onTrouble,
    onAttempt,
  });
  const importing = { pool, openLedger, isStopping: () => isStopping };
  const chores: readonly Chore[] = [
    notices.chore,
    { name: importsChore, everyMs: importsMs, run: () => workOffImports(importing) },
    { name: 'forget-answers', everyMs: hourMs, run: () => forgetAnswers(pool, keepDays) },
    { name: 'forget-deliveries', everyMs: hourMs, run: () => forgetDeliveries(pool, keepDays) },
    { name: 'forget-imports', everyMs: hourMs, run: () => forgetImports(pool, keepDays) },
    { name: 'forget-consumers', everyMs: hourMs, run: () => forgetConsumers(pool, keepConsumersHours) },
    { name: 'forget-contexts', everyMs: hourMs, run: () => forgetContexts(pool, keepContextsHours) },
    ...moreChores,
  ];
  try {
    const running = await startChores({ connection: place, chores, onTrouble, rescheduleMs });
    const stop = async () => {
      isStopping = true;
      await Promise.all([running.stop(), notices.stop()]);
    };
    return { chores: running, notices, stop };
  } catch (error) {
    await notices.stop();
    throw error;
  }
}

async function statusOf(
  work: Work | undefined,
  queues: readonly JobQueue[],
  { http }: OpenDatabase,
): Promise<readonly JobStatus[]> {
  const [deliveries, ...counted] = await Promise.all([countDeliveries(http), ...queues.map(queueStatus)]);
  const chores = work?.chores.status() ?? [];
  return [
    ...chores.map(({ name, state }) => ({ name, state })),
    ...counted,
    {
      name: 'webhook deliveries',
      state: deliveries.given_up > 0 ? 'given_up' : 'running',
      counts: { ...deliveries },
    },
  ];
}
