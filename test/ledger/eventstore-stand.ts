/** A fake EventStoreDB and the engine on it, as tests of its troubles need them; nothing is polled. */
import { randomUUID } from 'node:crypto';
import { onTestFinished } from 'vitest';
import { type EventStoreLedger, openEventStoreLedger } from '../../src/ledger/eventstore-ledger.ts';
import {
  type FakeEventStore,
  type FakeEventStoreOptions,
  startFakeEventStore,
} from '../support/fake-eventstore.ts';
import { storedEvents } from './contract-events.ts';

export interface EngineOptions {
  readonly url?: string;
  readonly callTimeoutMs?: number;
  readonly maxAppendBytes?: number;
  readonly pollMs?: number;
}

export interface EventStoreStand {
  readonly fake: FakeEventStore;
  /** Another instance on the same log, as another server would open it. */
  open(options?: EngineOptions): EventStoreLedger;
}

const never = 3_600_000;

/** Taken apart when the test is over. */
export async function openStand(options: FakeEventStoreOptions = {}): Promise<EventStoreStand> {
  const fake = await startFakeEventStore(options);
  onTestFinished(() => fake.close());
  return {
    fake,
    open({ url = fake.url, callTimeoutMs = 5_000, maxAppendBytes = 1024 * 1024, pollMs = never } = {}) {
      const log = openEventStoreLedger({
        url,
        maxAppendBytes,
        newId: randomUUID,
        pollMs,
        callTimeoutMs,
      });
      onTestFinished(() => log.stop());
      return log;
    },
  };
}

/** The engine with a ledger `default` that holds two events, so that the small streams beside it are there as well. */
export async function openBegun(
  options: FakeEventStoreOptions & EngineOptions = {},
): Promise<EventStoreStand & { readonly log: EventStoreLedger }> {
  const stand = await openStand(options);
  const log = stand.open(options);

  await log.append('default', 0, storedEvents(1, 2));
  return { ...stand, log };
}
