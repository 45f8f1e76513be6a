/**
 * Puts the parts together: database, log, projector, live ledgers, HTTP, chores; and takes them apart again.
 * In: settings and a logger; out: a running Varve. End-to-end tests start this very thing.
 *
 * It stops in the order of the promises: no new requests, then what was taken is finished, then the rest.
 */
import type { Logger } from 'pino';
import { projections } from '../../projections/index.ts';
import { elapsed, newId, random } from '../clock-and-ids.ts';
import { defaultLedger } from '../domain/ledger-name.ts';
import { boardFolder } from '../http/board.ts';
import { readSharedClock } from '../ledger/postgres-ledger.ts';
import { type Projector, startProjector } from '../projector/projector.ts';
import { createReplayRunner, type ReplayRunner } from '../projector/replay-runner.ts';
import { projectedLedgers } from '../queries/list-projections.ts';
import { bindReads } from '../queries/reads.ts';
import type { ServerSettings } from '../settings.ts';
import { startApi } from './api.ts';
import { startBackground } from './background.ts';
import { openDatabase } from './database.ts';
import { gaugesOf } from './gauges.ts';
import { inTime } from './in-time.ts';
import { openLedgers } from './live-ledgers.ts';
import { followAll, ledgersOf, openLog } from './log.ts';
import { createMetrics } from './metrics.ts';
import { rebuildChore } from './replays.ts';
import { startSharedClock } from './shared-clock.ts';

/** Which parts run: `npm start` is all of them. */
export type Part = 'all' | 'server' | 'worker';

export interface RunningVarve {
  /** Where the API is; undefined for a worker alone. */
  readonly url: string | undefined;
  /** The admin's key, when it was made by this start. */
  readonly adminKey: string | undefined;
  readonly revision: number | undefined;
  /** Where the embedded database's files are; undefined with DATABASE_URL. */
  readonly dataDir: string | undefined;
  stop(): Promise<void>;
}

const pollMs = 1_000;
/** How often the shared clock is read when no write does. */
const clockReadMs = 10_000;
/** A server without chores takes up rebuilds and verifications that no worker has begun by then. */
const leftToWorkersMs = 150_000;

export async function startVarve(
  settings: ServerSettings,
  part: Part,
  logger: Logger,
): Promise<RunningVarve> {
  const undo: (() => Promise<unknown>)[] = [];
  // Every step is taken, also when one before it fails: the database must not be left running.
  const stop = async () => {
    const failures: unknown[] = [];
    for (const step of undo.splice(0).reverse()) {
      await step().catch((failure: unknown) => failures.push(failure));
    }
    if (failures.length > 0) throw failures[0];
  };
  try {
    return { ...(await startParts(settings, part, logger, undo)), stop };
  } catch (error) {
    await stop().catch((failure: unknown) =>
      logger.warn({ err: failure }, 'a part did not stop as it should'),
    );
    throw error;
  }
}

async function startParts(
  settings: ServerSettings,
  part: Part,
  logger: Logger,
  undo: (() => Promise<unknown>)[],
): Promise<Omit<RunningVarve, 'stop'>> {
  const database = await openDatabase(settings, (line) => logger.info(line));
  undo.push(() => database.stop());
  const log = openLog(settings, database, pollMs);
  undo.push(() => log.stop());
  // This machine's own clock is used for nothing: it may be hours off.
  const clock = await startSharedClock({
    read: () => readSharedClock(database.append),
    elapsed,
    everyMs: clockReadMs,
  });
  undo.push(async () => clock.stop());

  // A worker opens no ledger that would wake the projector.
  let woken: Projector | undefined;
  const following = followAll(log, (ledger) => woken?.wake(ledger));
  undo.push(async () => following.stop());
  const checkpoints = new Map<string, number>();
  let wake: () => void = () => undefined;
  const projector = await startProjector({
    pool: database.projector,
    ledger: log,
    ledgers: () => (part === 'worker' ? following.ledgers() : ledgersOf(log)),
    projections,
    log: logger,
    now: clock.now,
    onProgress: (ledger, projection, revision) => {
      checkpoints.set(`${ledger}/${projection}`, revision);
      wake();
    },
    pollMs,
  });
  undo.push(() => projector.stop());
  woken = projector;

  const replays = createReplayRunner({
    pool: database.projector,
    openShadowPool: database.openShadow,
    ledger: log,
    projections,
    log: logger,
    now: clock.now,
    newId,
    minAgeMs: part === 'server' ? leftToWorkersMs : 0,
  });
  undo.push(() => replays.stop());
  const bound = bindReads(database.http, {
    waitTimeoutMs: 5_000,
    knownCheckpoint: (ledger, projection) => checkpoints.get(`${ledger}/${projection}`),
  });
  const reads = {
    ...bound,
    projections: (name: string) => inTime(bound.projections(name)),
    openReplays: () => inTime(bound.openReplays()),
  };
  const metrics = createMetrics(
    gaugesOf(() => ledgers, reads, database),
    elapsed,
  );
  const ledgers = openLedgers({ settings, logger, database, log, clock, projector, reads }, metrics.writer);
  undo.push(() => ledgers.stop());
  const background = await startBackground({
    settings,
    database,
    isWorker: part !== 'server',
    ledgers: () => projectedLedgers(database.http),
    // A worker alone opens ledgers when an import needs them.
    openLedger: async (name) => (await ledgers.open(defaultLedger)) && ledgers.open(name),
    now: clock.now,
    random,
    logger,
    onAttempt: metrics.attempted,
    boardFolder,
    moreChores: [rebuildChore(replays)],
  });
  undo.push(() => background.stop());
  wake = () => background.wake();
  undo.push(takeUp(replays, part));
  if (part === 'worker') {
    return { url: undefined, adminKey: undefined, revision: undefined, dataDir: database.dataDir };
  }
  const parts = { settings, logger, database, clock, projector, reads, metrics, ledgers, background, undo };
  return { ...(await startApi(parts)), dataDir: database.dataDir };
}

/** What a newer version makes necessary, or a killed worker left, does not wait for the schedule. Answers how to stop. */
function takeUp(replays: ReplayRunner, part: Part): () => Promise<void> {
  if (part !== 'server') {
    replays.kick();
    return async () => undefined;
  }
  const timer = setInterval(() => replays.kick(), leftToWorkersMs / 3);
  return async () => clearInterval(timer);
}
