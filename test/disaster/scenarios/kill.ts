/**
 * kill -9 of the server and of its embedded database in turn. The control lets the database acknowledge before the log of
 * its writes is on disk (synchronous_commit = off) and kills all of it at once: then acknowledged changesets are lost,
 * and a harness that can see says so.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { embeddedUser } from '../../../src/database/postgres-cluster.ts';
import { recoveryLimitMs } from '../recovery.ts';
import type { Scenario } from '../scenario.ts';
import { type OwnStand, openOwnStand } from '../stand.ts';
import { planCycle, type StrikeResult, strikeAll } from '../strikes.ts';
import { databaseProcesses } from '../varve-process.ts';

export const kill: Scenario = {
  name: 'kill',
  summary: 'kill -9 of the server and of its embedded database in turn',
  cycles: 5,
  seconds: 0,
  control: 'synchronous_commit=off',
  async begin({ isControl }) {
    const stand = await openOwnStand();
    return {
      stand,
      isWatched: false,
      ...(isControl ? { prepare: () => takeGuardAway(stand) } : {}),
      async cycle({ load, random, longestMs, leastWrites }, cycle) {
        if (isControl) {
          await load.acknowledgedFromNow(leastWrites, recoveryLimitMs);
          await killEverything(stand);
          await load.acknowledgedFromNow(1, recoveryLimitMs);
          return 'server and all processes of the database killed at once';
        }
        const targets = { place: stand.place, server: stand.server, load };
        const strikes = await strikeAll(targets, planCycle(cycle, random, longestMs), leastWrites);
        return strikes.map(strikeText).join('; ');
      },
    };
  },
};

function strikeText({ victim, recoveryMs }: StrikeResult): string {
  return recoveryMs === undefined
    ? `${victim} killed, and at once`
    : `${victim} killed, writes back after ${recoveryMs} ms`;
}

/**
 * On the harness' own database, for sessions from now on: no setting of Varve reaches this. What is acknowledged stays in
 * the memory that a killed database loses, instead of being handed to the system after 200 ms at the latest.
 */
async function takeGuardAway(stand: OwnStand): Promise<void> {
  const database = new pg.Client({ connectionString: stand.databaseUrl() });
  await database.connect();
  try {
    await database.query(`alter database ${embeddedUser} set synchronous_commit = off`);
    await database.query(`alter system set wal_writer_delay = '10s'`);
    await database.query(`alter system set wal_writer_flush_after = '1GB'`);
  } finally {
    await database.end();
  }
  await killEverything(stand);
  await sleep(100);
}

/** Nobody of the database is left who could still write what he has in memory. */
async function killEverything({ place, server }: OwnStand): Promise<void> {
  for (const { pid } of databaseProcesses(place)) process.kill(pid, 'SIGKILL');
  server.databaseWasKilled();
  await server.kill();
}
