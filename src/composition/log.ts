/**
 * Opens the log: the table in Postgres, or an EventStoreDB or KurrentDB where the settings name one. Everything behind it
 * speaks to the Ledger port and knows no engine.
 */
import { newId } from '../clock-and-ids.ts';
import { defaultLedger } from '../domain/ledger-name.ts';
import { openEventStoreLedger } from '../ledger/eventstore-ledger.ts';
import type { Ledger, OpenLedger } from '../ledger/ledger.ts';
import { openPostgresLedger } from '../ledger/postgres-ledger.ts';
import type { ServerSettings } from '../settings.ts';
import type { OpenDatabase } from './database.ts';

/** `pollMs`: how often followers look at the log in case they were not told. */
export function openLog(
  settings: Pick<ServerSettings, 'eventstoreUrl' | 'eventstoreMaxAppendBytes'>,
  database: OpenDatabase,
  pollMs: number,
): OpenLedger {
  if (settings.eventstoreUrl !== undefined) {
    const { eventstoreUrl: url, eventstoreMaxAppendBytes: maxAppendBytes } = settings;
    return openEventStoreLedger({ url, maxAppendBytes, newId, pollMs });
  }
  return openPostgresLedger({
    pool: database.append,
    readPool: database.http,
    turnPool: database.turns,
    connectListener: database.connectListener,
    pollMs,
  });
}

/** The ledgers that have events, and the default one: its read models are looked at before it has any. */
export async function ledgersOf(log: Ledger): Promise<readonly string[]> {
  const names = await log.names();
  return names.includes(defaultLedger) ? names : [defaultLedger, ...names];
}

/** Follows every ledger that there is, for a process that opens none: also those that begin later. */
export function followAll(log: Ledger, onAdvance: (ledger: string) => void) {
  const following = new Map<string, { stop(): void }>();
  return {
    /** As `ledgersOf`; each of them is followed from now on. */
    async ledgers(): Promise<readonly string[]> {
      const names = await ledgersOf(log);
      for (const name of names.filter((one) => !following.has(one))) {
        const one = log.follow(name, () => onAdvance(name));
        following.set(name, one);
      }
      return names;
    },
    stop(): void {
      for (const one of following.values()) one.stop();
    },
  };
}
