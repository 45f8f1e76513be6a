/**
 * The database is stopped for a minute while the server lives: reads go on and tell their age, writes are unavailable in
 * time, and when the database is there again everything works by itself.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { recoveryLimitMs, untilWritten } from '../recovery.ts';
import type { Scenario } from '../scenario.ts';
import { openSharedStand } from '../shared-stand.ts';

export const databaseGone: Scenario = {
  name: 'database-gone',
  summary: 'the database is stopped for a minute and started again',
  cycles: 1,
  seconds: 60,
  async begin() {
    const stand = await openSharedStand({ servers: 1 });
    return {
      stand,
      isWatched: true,
      async cycle({ load, watch, seconds, leastWrites, complain }) {
        const [client] = stand.clients;
        await load.acknowledgedFromNow(leastWrites, recoveryLimitMs);
        await stand.stopDatabase();
        const before = load.unavailableBy(client);
        const acknowledged = load.acknowledgedBy(client);
        watch?.look(0);
        await sleep(seconds * 1_000);
        const sight = watch?.look(0);
        if (load.unavailableBy(client) === before) complain('no write was turned away');
        if (load.acknowledgedBy(client) > acknowledged) complain('a write was acknowledged by nobody');
        if (sight === undefined || sight.reads === 0) complain('nothing was read');
        else {
          if (sight.oldestSeconds < seconds - 3)
            complain(`reads said that they were ${sight.oldestSeconds} s old`);
          if (!sight.wasSick) complain('/readyz did not tell that something is sick');
          if (!sight.wasDatabaseDown) complain('/metrics did not tell that the database is down');
        }
        await stand.startDatabase();
        const recoveryMs = await untilWritten(load, leastWrites);
        return `gone for ${seconds} s, ${sight?.reads ?? 0} reads at most ${sight?.oldestSeconds ?? 0} s old, writes back ${recoveryMs} ms after it was there again`;
      },
    };
  },
};
