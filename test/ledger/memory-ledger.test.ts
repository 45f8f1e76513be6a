/** The engine in memory, held to the contract of the port. */
import { createMemoryLedger } from '../../src/ledger/memory-ledger.ts';
import { describeLedger } from './ledger-contract.ts';

describeLedger('memory', async () => {
  const ledger = createMemoryLedger();
  return { here: ledger, elsewhere: ledger, close: async () => undefined };
});
