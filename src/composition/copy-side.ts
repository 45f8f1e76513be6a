/**
 * Opens a log as one side of a copy: by the word for an engine of the settings, or by a URL.
 * Migrates a database, as a start of the server would; the embedded one is refused while a server runs on it.
 */
import { newId } from '../clock-and-ids.ts';
import { createPool } from '../database/pool.ts';
import { Failure } from '../failure.ts';
import type { CopyTarget } from '../ledger/copy-ledger.ts';
import { openEventStoreLedger } from '../ledger/eventstore-ledger.ts';
import type { OpenLedger } from '../ledger/ledger.ts';
import { adoptIdentity } from '../ledger/postgres-identity.ts';
import { openPostgresLedger } from '../ledger/postgres-ledger.ts';
import type { ServerSettings } from '../settings.ts';
import { openDatabase } from './database.ts';

export type CopySide = CopyTarget & OpenLedger;

/** What a person may call a side. */
export const sideWords = 'postgres, eventstore, or a URL of either';

const never = 3_600_000;

/** The URL that a word stands for; undefined: the embedded database. Failure `invalid`. */
export function sideUrl(word: string, settings: ServerSettings): string | undefined {
  if (word === 'postgres') return settings.databaseUrl;
  if (word === 'eventstore' && settings.eventstoreUrl !== undefined) return settings.eventstoreUrl;
  if (word === 'eventstore') throw new Failure('invalid', 'EVENTSTORE_URL names no server');
  if (/^(?:postgres|postgresql|esdb|kurrentdb)(?:\+discover)?:\/\//.test(word)) return word;
  throw new Failure('invalid', `${word} is none of: ${sideWords}`);
}

export async function openCopySide(
  url: string | undefined,
  settings: ServerSettings,
  say: (line: string) => void,
): Promise<CopySide> {
  if (url !== undefined && /^(?:esdb|kurrentdb)/.test(url)) {
    return openEventStoreLedger({
      url,
      maxAppendBytes: settings.eventstoreMaxAppendBytes,
      newId,
      pollMs: never,
    });
  }
  const database = await openDatabase({ databaseUrl: url, dataDir: settings.dataDir }, say);
  const owner = createPool(database.connectionString, { max: 1, applicationName: 'varve-copy' });
  const log = openPostgresLedger({ pool: database.append, readPool: database.http, pollMs: never });
  return {
    ...log,
    adopt: (identity) => adoptIdentity(owner, identity),
    async stop() {
      await log.stop();
      await owner.end();
      await database.stop();
    },
  };
}
