/**
 * The live ledgers of this process with all that their writers need: clock, ids, the index of idempotency keys, answers
 * that were given before. In: the database, the log, the projector that is to be woken; out: ledgers by name.
 */
import type { Logger } from 'pino';
import { delay, newId } from '../clock-and-ids.ts';
import type { HttpDependencies } from '../http/dependencies.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { loadLiveState } from '../projector/load-live-state.ts';
import type { Projector } from '../projector/projector.ts';
import { findIdempotent } from '../queries/find-idempotent.ts';
import { remember } from '../queries/remembered-answers.ts';
import type { ServerSettings } from '../settings.ts';
import type { OpenDatabase } from './database.ts';
import { createLedgers, type Ledgers } from './ledgers.ts';
import type { Metrics } from './metrics.ts';
import type { SharedClock } from './shared-clock.ts';

const maxQueue = 10_000;

export interface LedgerParts {
  readonly settings: ServerSettings;
  readonly logger: Logger;
  readonly database: OpenDatabase;
  readonly log: Ledger;
  readonly clock: SharedClock;
  readonly projector: Projector;
  readonly reads: HttpDependencies['reads'];
}

export function openLedgers(parts: LedgerParts, observe: Metrics['writer']): Ledgers {
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
