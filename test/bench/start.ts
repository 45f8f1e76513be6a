/**
 * P9: from the start of the process on the database of 1,000,000 overrides to the first answer, and the memory of that
 * process. The yardstick reads the rows that the start reads, and does nothing with them.
 */
import { readFileSync } from 'node:fs';
import { startEmbeddedPostgres } from '../../src/database/embedded.ts';
import { createPool, transaction } from '../../src/database/pool.ts';
import type { BenchOptions } from './bench-options.ts';
import { writeBulk } from './bulk.ts';
import { type Figure, median } from './figure.ts';
import { ask, fill } from './fill.ts';
import { startVarve, varveDataDir } from './server-process.ts';
import { withFolder } from './with-folder.ts';
import { createWorld } from './world.ts';

const maxSeconds = 5;
const maxMebibytes = 600;
const rounds = 3;
const pageRows = 5_000;

export const startHow = `npm start on the embedded database, ${rounds} starts, medians`;

export async function benchStart({ isQuick, say }: BenchOptions): Promise<readonly Figure[]> {
  return withFolder(async (folder) => {
    const world = createWorld(isQuick ? 50_000 : 1_000_000);
    const count = world.overrideCount.toLocaleString('en');
    say(`P9: writing ${count} overrides`);
    const varve = await startVarve(folder);
    try {
      await fill(varve, { ...world, overrides: () => [] });
      await writeBulk(varve, world);
    } finally {
      await varve.stop();
    }
    const starts: StartTimes[] = [];
    for (let round = 1; round <= rounds; round++) {
      say(`P9: start ${round} of ${rounds}`);
      starts.push(await timeStart(folder));
    }
    const rows = await readSeconds(varveDataDir(folder));
    return startFigures(count, starts, rows);
  });
}

export interface StartTimes {
  readonly seconds: number;
  /** Resident set of the server's process after the first answer; undefined where the system does not tell. */
  readonly mebibytes: number | undefined;
}

/** One start in a folder that a stopped server left, and its first answer. */
export async function timeStart(folder: string): Promise<StartTimes> {
  const startedAt = performance.now();
  const varve = await startVarve(folder);
  try {
    await ask(varve, '/v1/resolve/ai.planner.model');
    return { seconds: (performance.now() - startedAt) / 1000, mebibytes: residentMebibytes(varve.pid) };
  } finally {
    await varve.stop();
  }
}

/** Seconds to read the rows of `subjects` with a cursor. */
export async function readSeconds(dataDir: string): Promise<number> {
  const postgres = await startEmbeddedPostgres({ dataDir });
  const pool = createPool(postgres.connectionString, { max: 1, applicationName: 'varve-bench' });
  try {
    const startedAt = performance.now();
    await transaction(
      pool,
      async (client) => {
        await client.query(
          `declare c no scroll cursor for select subject, state::text from subjects where ledger = 'default'`,
        );
        let count: number;
        do {
          count = (await client.query(`fetch ${pageRows} from c`)).rows.length;
        } while (count > 0);
      },
      { readOnly: true, reading: ['subjects'] },
    );
    return (performance.now() - startedAt) / 1000;
  } finally {
    await pool.end();
    await postgres.stop();
  }
}

function startFigures(count: string, starts: readonly StartTimes[], rows: number): readonly Figure[] {
  const seconds = median(starts.map((start) => start.seconds));
  const sizes = starts.flatMap(({ mebibytes }) => mebibytes ?? []);
  const memory: readonly Figure[] =
    sizes.length === 0
      ? []
      : [
          {
            number: 'P9',
            what: `resident memory of the process, ${count} overrides`,
            figure: median(sizes),
            unit: 'MiB',
            yardstick: undefined,
            ratio: undefined,
            target: `≤ ${maxMebibytes} MiB`,
            isReached: median(sizes) <= maxMebibytes,
          },
        ];
  return [
    {
      number: 'P9',
      what: `start with ${count} overrides to the first answer`,
      figure: seconds,
      unit: 's',
      yardstick: { what: 'reading the rows', figure: rows },
      ratio: rows / seconds,
      target: `≤ ${maxSeconds} s`,
      isReached: seconds <= maxSeconds,
    },
    ...memory,
  ];
}

function residentMebibytes(pid: number): number | undefined {
  try {
    const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'));
    return line === null ? undefined : Number(line[1]) / 1024;
  } catch {
    return undefined;
  }
}
