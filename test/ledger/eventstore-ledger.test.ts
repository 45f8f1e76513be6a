/**
 * The EventStoreDB engine, held to the contract of the port: on the fake (which proves the adapter, not the server), and on
 * a real server when EVENTSTORE_URL names one.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll } from 'vitest';
import { openEventStoreLedger } from '../../src/ledger/eventstore-ledger.ts';
import { type FakeEventStore, startFakeEventStore } from '../support/fake-eventstore.ts';
import type { OpenedLog } from './contract-events.ts';
import { describeLedger } from './ledger-contract.ts';

const maxAppendBytes = 1024 * 1024;

async function openOn(url: string): Promise<OpenedLog> {
  const prefix = `contract${randomUUID().slice(0, 8)}`;
  const open = () => openEventStoreLedger({ url, maxAppendBytes, newId: randomUUID, pollMs: 1_000, prefix });
  const [here, elsewhere] = [open(), open()];
  return {
    here,
    elsewhere,
    close: async () => {
      await Promise.all([here.stop(), elsewhere.stop()]);
    },
  };
}

let fake: FakeEventStore;
beforeAll(async () => {
  fake = await startFakeEventStore();
});
afterAll(() => fake.close());

describeLedger('eventstoredb', () => openOn(fake.url), ' (fake server)');

// Left out otherwise, which the last words of the run say (test/support/summary-reporter.ts).
const realUrl = process.env['EVENTSTORE_URL'] ?? '';
if (realUrl !== '') describeLedger('eventstoredb', () => openOn(realUrl), ' (EVENTSTORE_URL)');
