/**
 * Makes read models again: drops their rows and checkpoints, then replays the log up to its end.
 * Safe beside a running projector, because every move compares its checkpoint: whichever of them gets there first, the
 * other one reads the checkpoints again.
 */
import { Failure } from '../failure.ts';
import { resetProjection } from './checkpoints.ts';
import { isWorthRetrying } from './is-worth-retrying.ts';
import { LedgerProjector, type LedgerProjectorOptions } from './ledger-projector.ts';

/** Attempts of one rebuild against outages and other projectors before it gives up. */
const maxAttempts = 100;

/**
 * Rebuilds the named projections (all when absent) of one ledger. Failures: `corrupt`, reason `projection_stopped`, when
 * one cannot take an event; `unavailable` when the database stays away; `conflict` for another log's checkpoints.
 */
export async function rebuild(
  options: LedgerProjectorOptions,
  ledger: string,
  names: readonly string[] = options.projections.map(({ name }) => name),
): Promise<void> {
  const projections = options.projections.filter(({ name }) => names.includes(name));
  const logId = await options.ledger.identity();
  for (const projection of projections)
    await resetProjection(options.pool, ledger, projection, logId, options.now());
  const projector = new LedgerProjector({ ...options, projections }, ledger);
  for (let attempt = 1; ; attempt += 1) {
    try {
      await projector.open(false);
      while ((await projector.step()) > 0);
      break;
    } catch (error) {
      if (attempt === maxAttempts || !isWorthRetrying(error)) throw error;
    }
  }
  if (projector.hasStopped()) {
    throw new Failure('corrupt', `A read model of ledger ${ledger} cannot be made from its log`, {
      reason: 'projection_stopped',
    });
  }
}
