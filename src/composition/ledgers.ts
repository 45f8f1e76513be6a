/**
 * The ledgers of this process: each is opened once, when it is first asked for, seeded when it is fresh, and followed.
 * `default` is always there; the others are named by LedgerCreated events in it, and an unknown one is never made.
 */
import type { RecordedEvent } from '../domain/event.ts';
import { defaultLedger } from '../domain/ledger-name.ts';
import type { LiveState } from '../domain/live-state.ts';
import { IdempotencyTail } from '../ledger/idempotency.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { openLiveLedger, type RunningLedger } from '../ledger/live-ledger.ts';
import type { WriterDependencies } from '../ledger/writer.ts';
import { seedChanges } from '../seed/seed-changes.ts';
import type { ServerSettings } from '../settings.ts';

export interface LedgersDependencies {
  readonly log: Ledger;
  readonly seed: ServerSettings['seed'];
  /** The state from the read models, and the revision up to which the index of idempotency keys is complete. */
  loadState(ledger: string): Promise<{ readonly state: LiveState; readonly indexedTo: number }>;
  /** The writer's dependencies for one ledger. */
  writerFor(ledger: string): Omit<WriterDependencies, 'fold' | 'now'>;
  readonly now: () => number;
  readonly delay: (ms: number) => Promise<void>;
  readonly warn: (message: string, failure: unknown) => void;
  /** Told of every ledger that is open, before it is seeded. */
  readonly onOpened: (ledger: RunningLedger) => void;
}

export interface Ledgers {
  /** The live ledger of a name; undefined when there is none. */
  open(name: string): Promise<RunningLedger | undefined>;
  /** The same without waiting: undefined also when it is not open. */
  get(name: string): RunningLedger | undefined;
  running(): readonly RunningLedger[];
  /** Every ledger there is, open or not. */
  names(): readonly string[];
  stop(): Promise<void>;
}

export function createLedgers(dependencies: LedgersDependencies): Ledgers {
  const opening = new Map<string, Promise<RunningLedger>>();
  const running = new Map<string, RunningLedger>();

  const names = (): readonly string[] => {
    const state = running.get(defaultLedger)?.state;
    return [defaultLedger, ...(state === undefined ? [] : [...state.ledgers()].map((ledger) => ledger.name))];
  };

  const openOnce = async (name: string): Promise<RunningLedger> => {
    const ledger = await openOne(name, dependencies);
    running.set(name, ledger);
    return ledger;
  };

  return {
    async open(name) {
      if (!names().includes(name)) return undefined;
      let promise = opening.get(name);
      if (promise === undefined) {
        promise = openOnce(name);
        opening.set(name, promise);
        promise.catch(() => opening.delete(name));
      }
      return promise;
    },
    get: (name) => running.get(name),
    running: () => [...running.values()],
    names,
    async stop() {
      await Promise.all([...running.values()].map((ledger) => ledger.stop()));
    },
  };
}

async function openOne(name: string, dependencies: LedgersDependencies): Promise<RunningLedger> {
  const { log, now, delay, warn } = dependencies;
  const { state, indexedTo } = await dependencies.loadState(name);
  const idempotency = new IdempotencyTail(indexedTo);
  const ledger = await openLiveLedger({
    ...dependencies.writerFor(name),
    name,
    log,
    state,
    idempotency,
    now,
    delay,
    onStopped: (failure) => warn(`the live state of ledger ${name} no longer follows its log`, failure),
    onTrouble: (failure) => warn(`ledger ${name} cannot be followed for now`, failure),
  });
  dependencies.onOpened(ledger);
  await noteUnindexed(ledger, idempotency, indexedTo);
  if (state.revision === 0) await seed(ledger, dependencies);
  return ledger;
}

/** Fills the tail with what the index has not taken over yet; what opening folded may begin after it. */
async function noteUnindexed(ledger: RunningLedger, tail: IdempotencyTail, indexedTo: number): Promise<void> {
  let after = indexedTo;
  let changeset: RecordedEvent[] = [];
  while (after < ledger.state.revision) {
    const page = await ledger.readLog(after, 1_000);
    if (page.length === 0) return;
    for (const event of page) {
      changeset.push(event);
      if (event.last) {
        tail.note(changeset);
        changeset = [];
      }
      after = event.revision;
    }
  }
}

/**
 * What a fresh ledger knows, in one changeset, once: its idempotency key makes every other server that starts at the
 * same moment get this very answer. The hash is fixed, so that a newer fixture does not conflict.
 */
async function seed(ledger: RunningLedger, dependencies: LedgersDependencies): Promise<void> {
  await ledger.submit({
    changes: seedChanges({ catalogue: dependencies.seed === 'catalogue' }),
    actor: { id: 'varve', kind: 'system' },
    reason:
      dependencies.seed === 'catalogue'
        ? 'A fresh ledger knows the model keys and the catalogue'
        : 'A fresh ledger knows the model keys',
    source: 'system',
    requestId: 'seed',
    idempotency: { key: 'seed', bodyHash: 'seed' },
  });
}
