/** How a server says that it is: ready as long as it can answer reads, with all that is sick named. */
import { expect, test } from 'vitest';
import { type HealthSources, healthOf } from '../../src/composition/health.ts';
import { LiveState } from '../../src/domain/live-state.ts';
import { IdempotencyTail } from '../../src/ledger/idempotency.ts';
import { LiveFold } from '../../src/ledger/live-fold.ts';
import { createMemoryLedger } from '../../src/ledger/memory-ledger.ts';

function foldThat(isStopped: boolean): LiveFold {
  const log = createMemoryLedger();
  return new LiveFold({
    name: 'default',
    log: isStopped
      ? {
          ...log,
          head: async () => ({ revision: 1, recordedAt: 0 }),
          read: async () => [{ revision: 1, recordedAt: 0, bytes: '{}' }],
        }
      : log,
    state: new LiveState(),
    idempotency: new IdempotencyTail(0),
    now: () => 0,
    onStopped: () => undefined,
    onTrouble: () => undefined,
  });
}

const well: HealthSources = {
  isStopping: false,
  ledgers: [{ name: 'default', fold: foldThat(false), ageMs: () => 900 }],
  database: { isUp: true, problem: undefined },
  projector: { isHolder: true, trouble: null, ledgers: [] },
  jobs: [{ name: 'tidy', state: 'waiting' }],
};

test('all is well', () => {
  expect(healthOf(well)).toEqual({ ready: true, ageMs: 900, sick: [] });
});

test('without its database it is ready all the same, and tells how old it is and what is sick', () => {
  const projection = { name: 'history', version: 1, revision: 3, error: null, eventsPerSecond: 0 };
  const health = healthOf({
    ...well,
    ledgers: [
      { name: 'default', fold: foldThat(false), ageMs: () => 61_900 },
      { name: 'other', fold: foldThat(false), ageMs: () => 10 },
    ],
    database: { isUp: false, problem: 'ECONNREFUSED' },
    projector: {
      isHolder: false,
      trouble: 'unavailable (database_unavailable)',
      ledgers: [
        { ledger: 'default', trouble: 'SQLSTATE 53100', projections: [{ ...projection, state: 'stopped' }] },
      ],
    },
    jobs: [{ name: 'tidy', state: 'failed' }],
  });
  expect(health).toEqual({
    ready: true,
    ageMs: 61_900,
    sick: [
      'database: it does not answer (ECONNREFUSED)',
      'ledger default: nothing was heard from its log for 61 s',
      'read models: unavailable (database_unavailable)',
      'read models of ledger default: SQLSTATE 53100',
      'read model history of ledger default: it has stopped',
      'job tidy: it failed',
    ],
  });
});

test('it is not ready while it stops, nor when it can follow its log no longer', async () => {
  expect(healthOf({ ...well, isStopping: true })).toMatchObject({ ready: false, reason: 'stopping' });
  const fold = foldThat(true);
  await fold.catchUp().catch(() => undefined);
  expect(healthOf({ ...well, ledgers: [{ name: 'default', fold, ageMs: () => 0 }] })).toMatchObject({
    ready: false,
    reason: 'the live state no longer follows its log',
    sick: ['ledger default: it no longer follows its log'],
  });
});
