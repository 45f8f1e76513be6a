/**
 * A process that rebuilds every read model of the database in DATABASE_URL, slowly enough to be killed in any phase, and ends
 * with exit code 0 when they are swapped in. For rebuild-killed.disaster.test.ts.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { createPool } from '../../src/database/pool.ts';
import { openPostgresLedger } from '../../src/ledger/postgres-ledger.ts';
import { rebuildFromElsewhere } from './read-models.ts';

const url = process.env['DATABASE_URL'] ?? '';
const pool = createPool(url, { role: 'varve_projector', max: 2, applicationName: 'test-log' });
const log = openPostgresLedger({
  pool,
  connectListener: () => Promise.reject(new Error('nothing is followed here')),
  pollMs: 1_000,
});
const slowly = {
  ...log,
  read: async (ledger: string, after: number, limit: number) => {
    await wait(10);
    return log.read(ledger, after, Math.min(limit, 20));
  },
};
await rebuildFromElsewhere({ url }, slowly, { purpose: 'killed', onSwap: async () => wait(30) });
await log.stop();
await pool.end();
