/**
 * A disk that can be filled: a small tmpfs under the data folder where we are root and may mount, and otherwise a fault
 * injected at the write. In: a place whose server has not started; out: how to fill and empty it, and which of the two it is.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, fsyncSync, mkdirSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import type { VarvePlace } from './varve-process.ts';

export interface SmallDisk {
  /** For the report. */
  readonly kind: string;
  fill(databaseUrl: string): Promise<void>;
  empty(databaseUrl: string): Promise<void>;
  /** Makes the database need new files for its write-ahead log until it ends. Does nothing where the disk is not really full. */
  exhaustLog(databaseUrl: string): Promise<void>;
  /** After everything on it has ended. */
  remove(): void;
}

const sizeMiB = 384;

export function makeSmallDisk({ dataDir }: VarvePlace): SmallDisk {
  mkdirSync(dataDir, { mode: 0o711, recursive: true });
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMiB}m,mode=711`, 'tmpfs', dataDir]);
  return process.getuid?.() === 0 && mounted.status === 0 ? tmpfsDisk(dataDir) : injectedFault();
}

function tmpfsDisk(dataDir: string): SmallDisk {
  const ballast = join(dataDir, 'ballast');
  const unmount = () => {
    spawnSync('umount', ['--lazy', dataDir]);
  };
  process.once('exit', unmount);
  return {
    kind: `a tmpfs of ${sizeMiB} MiB under the data folder, filled by somebody else's file`,
    async fill() {
      const file = openSync(ballast, 'w');
      try {
        const block = Buffer.alloc(1024 * 1024);
        for (;;) writeSync(file, block.subarray(0, Math.min(block.length, freeBytes(dataDir) || 1)));
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
      } finally {
        fsyncSync(file);
        closeSync(file);
      }
    },
    async empty() {
      rmSync(ballast);
    },
    exhaustLog: switchLogUntilItEnds,
    remove() {
      unmount();
      process.off('exit', unmount);
    },
  };
}

function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

/** The error that Postgres gives when a file cannot grow, given before the file has to. */
function injectedFault(): SmallDisk {
  return {
    kind: 'a fault injected at the write (53100 from a trigger): a tmpfs could not be mounted here',
    fill: (databaseUrl) =>
      run(
        databaseUrl,
        `create or replace function disk_is_full() returns trigger language plpgsql as
           $$ begin raise exception using errcode = '53100', message = 'no space left on device'; end $$`,
        'create trigger disk_is_full before insert on ledger_events execute function disk_is_full()',
      ),
    empty: (databaseUrl) => run(databaseUrl, 'drop trigger disk_is_full on ledger_events'),
    exhaustLog: async () => undefined,
    remove: () => undefined,
  };
}

/** A segment that is switched away is full, however little is in it; some are set aside for reuse. */
async function switchLogUntilItEnds(databaseUrl: string): Promise<void> {
  const database = new pg.Client({ connectionString: databaseUrl });
  database.on('error', () => undefined);
  try {
    await database.connect();
    for (let segment = 0; segment < 100; segment++)
      await database.query(`select pg_switch_wal(), pg_logical_emit_message(false, 'disaster', 'full')`);
  } catch {
    // It has ended.
    return;
  } finally {
    await database.end().catch(() => undefined);
  }
  throw new Error('the database found room for 100 segments of its log on a full disk');
}

async function run(databaseUrl: string, ...statements: readonly string[]): Promise<void> {
  const database = new pg.Client({ connectionString: databaseUrl });
  await database.connect();
  try {
    for (const statement of statements) await database.query(statement);
  } finally {
    await database.end();
  }
}
