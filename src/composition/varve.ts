/**
 * Puts the parts together: database, log, projector, live ledgers, HTTP, chores; and takes them apart again.
 * In: settings and a logger; out: a running Varve. End-to-end tests start this very thing.
 *
 * It stops in the order of the promises: no new requests, then what was taken is finished, then the rest.
 */
import type { Logger } from 'pino';
import { projections } from '../../projections/index.ts';
import { delay, elapsed, newId, randomWord } from '../clock-and-ids.ts';
import { defaultLedger } from '../domain/ledger-name.ts';
import type { HttpDependencies } from '../http/dependencies.ts';
import { buildServer } from '../http/server.ts';
import { type RunningChores, startChores } from '../jobs/chores.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { readSharedClock } from '../ledger/postgres-ledger.ts';
import { loadLiveState } from '../projector/load-live-state.ts';
import { type Projector, startProjector } from '../projector/projector.ts';
import { createReplayRunner } from '../projector/replay-runner.ts';
import { deleteVerifier, findVerifier, insertVerifier } from '../queries/api-key-verifiers.ts';
import { findIdempotent } from '../queries/find-idempotent.ts';
import { bindReads } from '../queries/reads.ts';
import { recordUsage } from '../queries/record-usage.ts';
import { forgetAnswers, remember } from '../queries/remembered-answers.ts';
import type { ServerSettings } from '../settings.ts';
import { createApiKeyMaker, ensureAdmin } from './admin-keys.ts';
import { createAuthenticate } from './api-keys.ts';
import { openDatabase } from './database.ts';
import { healthOf } from './health.ts';
import { inTime } from './in-time.ts';
import { createLedgers, type Ledgers } from './ledgers.ts';
import { listen, stopListening } from './listen.ts';
import { followAll, ledgersOf, openLog } from './log.ts';
import { createMetrics } from './metrics.ts';
import { createReplayRequests, rebuildChore } from './replays.ts';
import { type SharedClock, startSharedClock } from './shared-clock.ts';
import { version } from './version.ts';

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
const maxQueue = 10_000;
const rememberDays = 30;
const hourMs = 3_600_000;
/** How often the shared clock is read when no write does. */
const clockReadMs = 10_000;
/** A server without chores takes up rebuilds and verifications that no worker has begun by then. */
const leftToWorkersMs = 150_000;
const bodyLimitBytes = 8 * 1024 * 1024;
/** What /v1/status and /metrics ask of the database; they must answer above all when it is away. */
const statusLimitMs = 2_000;
/** How long a wiped queue stays without its schedule. */
const rescheduleMs = 15_000;
/** Who waits for a write when the server stops without its database is told so within this. */
const hurryMs = 1_000;

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
  const projector = await startProjector({
    pool: database.projector,
    ledger: log,
    ledgers: () => (part === 'worker' ? following.ledgers() : ledgersOf(log)),
    projections,
    log: logger,
    now: clock.now,
    onProgress: (ledger, projection, revision) => checkpoints.set(`${ledger}/${projection}`, revision),
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
  let chores: RunningChores | undefined;
  if (part !== 'server') {
    chores = await startChores({
      connection:
        settings.redisUrl === undefined
          ? { kind: 'postgres', connectionString: database.connectionString }
          : { kind: 'redis', url: settings.redisUrl },
      chores: [
        { name: 'forget-answers', everyMs: hourMs, run: () => forgetAnswers(database.http, rememberDays) },
        rebuildChore(replays),
      ],
      onTrouble: (failure) => logger.warn({ err: failure }, 'background work has trouble'),
      rescheduleMs,
    });
    undo.push(() => chores?.stop() ?? Promise.resolve());
    // What a newer version makes necessary, or a killed worker left, does not wait for the schedule.
    replays.kick();
  } else {
    const timer = setInterval(() => replays.kick(), leftToWorkersMs / 3);
    undo.push(async () => clearInterval(timer));
  }
  if (part === 'worker') {
    return { url: undefined, adminKey: undefined, revision: undefined, dataDir: database.dataDir };
  }
  const bound = bindReads(database.http, {
    waitTimeoutMs: 5_000,
    knownCheckpoint: (ledger, projection) => checkpoints.get(`${ledger}/${projection}`),
  });
  const reads = { ...bound, projections: (name: string) => inTime(bound.projections(name), statusLimitMs) };
  return startServer({ settings, logger, database, log, clock, projector, reads, chores, undo });
}

interface ServerParts {
  readonly settings: ServerSettings;
  readonly logger: Logger;
  readonly database: Awaited<ReturnType<typeof openDatabase>>;
  readonly log: Ledger;
  readonly clock: SharedClock;
  readonly projector: Projector;
  readonly reads: HttpDependencies['reads'];
  readonly chores: RunningChores | undefined;
  readonly undo: (() => Promise<unknown>)[];
}

async function startServer(parts: ServerParts): Promise<Omit<RunningVarve, 'stop'>> {
  const { settings, logger, database, clock, projector, reads, chores, undo } = parts;
  const metrics = createMetrics(
    {
      ledgers: () => gaugesOf(ledgers),
      projectionLags: () => lagsOf(ledgers, reads),
      isDatabaseUp: () => database.watch.health().isUp,
    },
    elapsed,
  );
  const ledgers = openLedgers(parts, metrics.writer);
  undo.push(() => ledgers.stop());
  const main = await ledgers.open(defaultLedger);
  if (main === undefined) throw new Error('the default ledger did not open');
  const store = {
    insert: (verifier: Parameters<typeof insertVerifier>[1]) => insertVerifier(database.http, verifier),
    delete: (id: string) => deleteVerifier(database.http, id),
  };
  const adminKey = await ensureAdmin(main, settings.adminKey, store, randomWord);

  const authenticate = createAuthenticate({
    findVerifier: (id) => findVerifier(database.http, id),
    standing: (ledger, id) => ledgers.get(ledger)?.state.apiKey(id),
    open: async (ledger) => (await ledgers.open(ledger)) !== undefined,
  });
  if (settings.adminKey !== undefined && (await authenticate(settings.adminKey)) === undefined) {
    logger.warn(
      'VARVE_ADMIN_KEY opens nothing: its id was given to another key or revoked; choose another id',
    );
  }

  let isStopping = false;
  const trouble = (failure: unknown) => logger.warn({ err: failure }, 'background work has trouble');
  const server = await buildServer(
    {
      ledger: (name) => ledgers.open(name),
      liveLedger: (name) => ledgers.get(name),
      reads,
      authenticate,
      createApiKey: createApiKeyMaker(store, randomWord),
      ...createReplayRequests({ pool: database.http, projections, newId, chores, warn: trouble }),
      recordUsage: (ledger, records) => recordUsage(database.http, ledger, records),
      now: clock.now,
      elapsed,
      newId,
      version,
      metrics: metrics.http,
      readiness: () =>
        healthOf({
          isStopping,
          ledgers: ledgers.running(),
          database: database.watch.health(),
          projector: projector.status(),
          jobs: chores?.status() ?? [],
        }),
      jobs: async () => chores?.status() ?? [],
    },
    { logger, bodyLimitBytes },
  );
  undo.push(async () => {
    isStopping = true;
    // What was taken is finished first, unless it cannot be: the stop has a limit as well.
    if (!database.watch.health().isUp) for (const ledger of ledgers.running()) ledger.hurry(hurryMs);
    await stopListening(server);
  });
  const url = await listen(server, settings);
  return {
    url,
    adminKey: settings.adminKey === undefined ? adminKey : undefined,
    revision: main.state.revision,
    dataDir: database.dataDir,
  };
}

function openLedgers(parts: ServerParts, observe: ReturnType<typeof createMetrics>['writer']): Ledgers {
  const { settings, logger, database, log, clock, projector, reads } = parts;
  return createLedgers({
    log,
    seed: settings.seed,
    loadState: async (name) => ({
      state: await loadLiveState(database.http, name, log),
      indexedTo: (await findIdempotent(database.http, name, [])).checkpoint,
    }),
    writerFor: (name) => ({
      clock: clock.read,
      newId,
      findAnswers: (ids) => findIdempotent(database.http, name, ids),
      rememberNoChange: (id, bodyHash, answer) => remember(database.http, name, id, bodyHash, answer),
      replay: (first, last) => replay(reads, name, first, last),
      observe,
      maxQueue,
    }),
    onOpened: (ledger) => ledger.onChangeset(() => projector.wake(ledger.name)),
    now: clock.now,
    delay,
    warn: (message, failure) => logger.warn({ err: failure }, message),
  });
}

/** The events of a changeset as they were answered, from the history once it is there. */
async function replay(reads: HttpDependencies['reads'], ledger: string, first: number, last: number) {
  await reads.waitFor(ledger, last, ['history']);
  const revisions = Array.from({ length: last - first + 1 }, (_, index) => first + index);
  const events = await reads.events(ledger, revisions);
  return revisions.flatMap((revision) => events.get(revision) ?? []);
}

function gaugesOf(ledgers: Ledgers) {
  return ledgers.running().map((ledger) => ({
    ledger: ledger.name,
    revision: ledger.state.revision,
    ageMs: ledger.ageMs(),
    waiting: ledger.waiting(),
  }));
}

async function lagsOf(ledgers: Ledgers, reads: HttpDependencies['reads']) {
  const rows = await Promise.all(
    ledgers.running().map(async ({ name, state }) => {
      const statuses = await reads.projections(name).catch(() => []);
      return statuses.map((status) => ({
        ledger: name,
        projection: status.name,
        lag: Math.max(0, state.revision - status.revision),
        isStopped: status.state === 'stopped',
      }));
    }),
  );
  return rows.flat();
}
