/**
 * What is measured when somebody looks: the ledgers of this process, its projections, the deliveries of webhooks.
 */
import type { HttpDependencies } from '../http/dependencies.ts';
import { countDeliveries } from '../queries/list-deliveries.ts';
import type { OpenDatabase } from './database.ts';
import { inTime } from './in-time.ts';
import type { Ledgers } from './ledgers.ts';
import type { Gauges } from './metrics.ts';

export function gaugesOf(
  ledgers: () => Ledgers,
  reads: HttpDependencies['reads'],
  { http, watch }: OpenDatabase,
): Gauges {
  return {
    ledgers: () => headsOf(ledgers()),
    projectionLags: () => lagsOf(ledgers(), reads),
    deliveries: () => inTime(countDeliveries(http)),
    isDatabaseUp: () => watch.health().isUp,
  };
}

function headsOf(ledgers: Ledgers) {
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
