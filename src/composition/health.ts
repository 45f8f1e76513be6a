/**
 * How this server is: whether it can serve, how old what it serves may be, and what is sick. For /readyz and /v1/status.
 * It is ready as long as it answers reads from memory: were it not, a database that is away would take every server from
 * its load balancer at once, and nothing would be answered any more.
 */
import type { DatabaseHealth } from '../database/database-watch.ts';
import { defaultLedger } from '../domain/ledger-name.ts';
import type { HttpDependencies } from '../http/dependencies.ts';
import type { RunningLedger } from '../ledger/live-ledger.ts';
import type { ProjectorStatus } from '../projector/projector.ts';

export interface HealthSources {
  readonly isStopping: boolean;
  readonly ledgers: readonly Pick<RunningLedger, 'name' | 'fold' | 'ageMs'>[];
  readonly database: DatabaseHealth;
  readonly projector: ProjectorStatus;
  readonly jobs: readonly { readonly name: string; readonly state: string }[];
}

/** Five polls of the log without a word: something is in the way. */
const silentMs = 5_000;

/** `sick` holds one line each, without keys or values; the age is that of the oldest ledger. */
export function healthOf(sources: HealthSources): ReturnType<HttpDependencies['readiness']> {
  if (sources.isStopping) return { ready: false, reason: 'stopping', sick: [] };
  const ageMs = Math.max(0, ...sources.ledgers.map((ledger) => ledger.ageMs()));
  const sick = [...sickOf(sources)];
  const isStuck = sources.ledgers.some(
    ({ name, fold }) => name === defaultLedger && fold.stopped !== undefined,
  );
  if (isStuck) return { ready: false, reason: 'the live state no longer follows its log', ageMs, sick };
  return { ready: true, ageMs, sick };
}

function* sickOf({ ledgers, database, projector, jobs }: HealthSources): Generator<string> {
  if (!database.isUp) yield `database: it does not answer (${database.problem})`;
  for (const ledger of ledgers) {
    const ageMs = ledger.ageMs();
    if (ledger.fold.stopped !== undefined) yield `ledger ${ledger.name}: it no longer follows its log`;
    else if (ageMs > silentMs)
      yield `ledger ${ledger.name}: nothing was heard from its log for ${Math.floor(ageMs / 1000)} s`;
  }
  if (projector.trouble !== null) yield `read models: ${projector.trouble}`;
  for (const { ledger, trouble, projections } of projector.ledgers) {
    if (trouble !== null) yield `read models of ledger ${ledger}: ${trouble}`;
    for (const { name, state } of projections)
      if (state === 'stopped') yield `read model ${name} of ledger ${ledger}: it has stopped`;
  }
  for (const { name, state } of jobs) if (state === 'failed') yield `job ${name}: it failed`;
}
