/**
 * A database at the end of a slow line: every packet is late, and the line is narrow. Everything still works, only
 * slower; reads from memory do not notice. In the last part it is too slow to be of use, and writes are told so in time.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { recoveryLimitMs, untilWritten } from '../recovery.ts';
import type { Scenario } from '../scenario.ts';
import { openSharedStand } from '../shared-stand.ts';

/** By then somebody must have been told that his write is unavailable. */
const refusalLimitMs = 17_000;
const late = { delayMs: 100, bytesPerSecond: 2_000_000 };
/** No query is answered in time. */
const useless = { delayMs: 12_000 };

export const slowDatabase: Scenario = {
  name: 'slow-database',
  summary:
    'every packet to and from the database is late, over a narrow line; then so late that it is of no use',
  cycles: 1,
  seconds: 30,
  async begin() {
    const stand = await openSharedStand({ servers: 1 });
    return {
      stand,
      isWatched: true,
      async cycle({ load, watch, seconds, leastWrites, complain }) {
        const [client] = stand.clients;
        const proxy = stand.proxies[0];
        await load.acknowledgedFromNow(leastWrites, recoveryLimitMs);
        proxy?.slow(late);
        const before = load.acknowledgedBy(client);
        await sleep((seconds * 1_000) / 2);
        const written = load.acknowledgedBy(client) - before;
        if (written === 0) complain('nothing was written over the slow line');
        watch?.look(0);
        const refused = load.unavailableBy(client);
        proxy?.slow(useless);
        const uselessAt = performance.now();
        await sleep((seconds * 1_000) / 2);
        while (load.unavailableBy(client) === refused && performance.now() < uselessAt + refusalLimitMs)
          await sleep(20);
        const sight = watch?.look(0);
        if (load.unavailableBy(client) === refused) complain('no write was turned away');
        proxy?.heal();
        const recoveryMs = await untilWritten(load, leastWrites);
        return `${written} written with ${late.delayMs} ms each way; with ${useless.delayMs} ms reads at most ${sight?.oldestSeconds} s old, writes back ${recoveryMs} ms after healing`;
      },
    };
  },
};
