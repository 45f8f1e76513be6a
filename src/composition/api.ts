/**
 * The HTTP side put together: the first admin, who a token belongs to, what the routes are given; and where it listens.
 * In: ledgers that can be opened, reads, background work; out: an address. What is to be undone at the end is told.
 */
import { projections } from '../../projections/index.ts';
import { elapsed, newId, randomSecret, randomWord } from '../clock-and-ids.ts';
import { defaultLedger } from '../domain/ledger-name.ts';
import { buildServer } from '../http/server.ts';
import { deleteVerifier, findVerifier, insertVerifier } from '../queries/api-key-verifiers.ts';
import { noteContexts } from '../queries/contexts-seen.ts';
import { keepHeartbeats } from '../queries/keep-heartbeats.ts';
import { recordUsage } from '../queries/record-usage.ts';
import { createApiKeyMaker, ensureAdmin } from './admin-keys.ts';
import { createAuthenticate, type KeyRing } from './api-keys.ts';
import type { Background } from './background.ts';
import { createEventTickets } from './event-tickets.ts';
import { healthOf } from './health.ts';
import { createImportDesk } from './import-desk.ts';
import { inTime } from './in-time.ts';
import type { Ledgers } from './ledgers.ts';
import { listen, stopListening } from './listen.ts';
import type { LedgerParts } from './live-ledgers.ts';
import type { Metrics } from './metrics.ts';
import { createReplayRequests } from './replays.ts';
import { version } from './version.ts';
import { createWebhookDesk } from './webhook-desk.ts';

const bodyLimitBytes = 8 * 1024 * 1024;
/** Who waits for a write when the server stops without its database is told so within this. */
const hurryMs = 1_000;
/** The same while the database seems to be there: that it fell silent is known after seconds only. */
const patientMs = 4_000;

export interface ApiParts extends Omit<LedgerParts, 'log'> {
  readonly metrics: Metrics;
  readonly ledgers: Ledgers;
  readonly background: Background;
  readonly undo: (() => Promise<unknown>)[];
}

export interface RunningApi {
  readonly url: string;
  /** The admin's key, when it was made by this start. */
  readonly adminKey: string | undefined;
  readonly revision: number;
}

export async function startApi(parts: ApiParts): Promise<RunningApi> {
  const { settings, logger, database, clock, projector, reads, metrics, ledgers, background, undo } = parts;
  const main = await ledgers.open(defaultLedger);
  if (main === undefined) throw new Error('the default ledger did not open');
  const store = {
    insert: (verifier: Parameters<typeof insertVerifier>[1]) => insertVerifier(database.http, verifier),
    delete: (id: string) => deleteVerifier(database.http, id),
  };
  const adminKey = await ensureAdmin(main, settings.adminKey, store, randomWord);

  const ring: KeyRing = {
    findVerifier: (id) => findVerifier(database.http, id),
    standing: (ledger, id) => ledgers.get(ledger)?.state.apiKey(id),
    open: async (ledger) => (await ledgers.open(ledger)) !== undefined,
  };
  const authenticate = createAuthenticate(ring);
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
      eventTickets: createEventTickets(ring),
      createApiKey: createApiKeyMaker(store, randomWord),
      ...createReplayRequests({
        pool: database.http,
        projections,
        newId,
        chores: background.chores,
        warn: trouble,
      }),
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
          jobs: background.chores?.status() ?? [],
        }),
      jobs: () => inTime(background.status()),
      jobsBoard: background.board,
      webhooks: createWebhookDesk(database.http, {
        mayBePrivate: settings.webhookAllowPrivate,
        randomWord,
        randomSecret,
        onTrouble: (failure) => logger.warn({ err: failure }, 'a webhook is let go of later'),
        wake: () => background.wake(),
      }),
      consumers: {
        keep: (ledger, heartbeats) => keepHeartbeats(database.http, ledger, heartbeats),
        noteContexts: (ledger, seen) => noteContexts(database.http, ledger, 'consumer', seen),
      },
      contextMaxAgeHours: settings.contextMaxAgeHours,
      imports: createImportDesk(database.http, () => background.importOpened()),
    },
    { logger, bodyLimitBytes },
  );
  undo.push(async () => {
    isStopping = true;
    // What was taken is finished first, unless it cannot be: the stop has a limit as well.
    const limitMs = database.watch.health().isUp ? patientMs : hurryMs;
    for (const ledger of ledgers.running()) ledger.hurry(limitMs);
    await stopListening(server);
  });
  const url = await listen(server, settings);
  return {
    url,
    adminKey: settings.adminKey === undefined ? adminKey : undefined,
    revision: main.state.revision,
  };
}
