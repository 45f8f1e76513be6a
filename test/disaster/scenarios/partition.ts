/**
 * Two servers on one database, one of them cut off from it in each way that a network has: connections reset, packets
 * swallowed in both directions, in one, in the other. It goes on serving old reads and says how old they are, refuses
 * writes in time, and catches up afterwards; the other one never notices, and takes over what only one may do.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { TcpProxy } from '../../support/tcp-proxy.ts';
import { recoveryLimitMs, untilWritten } from '../recovery.ts';
import type { Scenario } from '../scenario.ts';
import { openSharedStand } from '../shared-stand.ts';

/** By then somebody must have been told that his write is unavailable. */
const refusalLimitMs = 17_000;

/** What every append says; one that is swallowed on its way arrives when the network heals, long after it was given up. */
const append = 'ledger-append';

const ways: readonly [name: string, hurt: (proxy: TcpProxy) => void][] = [
  ['answers swallowed, from that to an append on', (proxy) => proxy.swallow(['down'], append)],
  ['connections reset', (proxy) => proxy.cut()],
  ['packets swallowed both ways', (proxy) => proxy.swallow(['up', 'down'])],
  ['requests swallowed, from an append on', (proxy) => proxy.swallow(['up'], append)],
];

export const partition: Scenario = {
  name: 'partition',
  summary: 'one of two servers is cut off from their database, in four ways in turn',
  cycles: 4,
  seconds: 20,
  async begin() {
    const stand = await openSharedStand({ servers: 2 });
    return {
      stand,
      isWatched: true,
      async cycle({ load, watch, seconds, leastWrites, complain }, cycle) {
        // The server that moves the read models is the first to be hit: its lock must not be held in vain.
        const victim = cycle % 4 === 3 ? 1 : 0;
        const [name, hurt] = ways[(cycle - 1) % ways.length] ?? ['', () => undefined];
        const cutOff = stand.clients[victim] ?? stand.clients[0];
        const other = stand.clients[1 - victim] ?? stand.clients[0];
        const proxy = stand.proxies[victim];
        await load.acknowledgedFromNow(leastWrites, recoveryLimitMs, cutOff);
        watch?.look(victim);
        watch?.look(1 - victim);
        const before = { refused: load.unavailableBy(cutOff), written: load.acknowledgedBy(other) };
        if (proxy !== undefined) hurt(proxy);
        const hurtAt = performance.now();
        await sleep(seconds * 1_000);
        // In silence the first one hears after 10 s that nothing will come of it.
        while (load.unavailableBy(cutOff) === before.refused && performance.now() < hurtAt + refusalLimitMs)
          await sleep(20);
        const sight = watch?.look(victim);
        const otherSight = watch?.look(1 - victim);
        if (load.unavailableBy(cutOff) === before.refused) complain('the one cut off turned no write away');
        if (load.acknowledgedBy(other) === before.written) complain('the other one took no write');
        if ((sight?.oldestSeconds ?? 0) < seconds - 3)
          complain(`the one cut off said that its reads were ${sight?.oldestSeconds} s old`);
        if (sight?.wasSick !== true) complain('the one cut off did not tell that something is sick');
        if ((otherSight?.oldestSeconds ?? 0) > seconds / 2)
          complain(`the other one said that its reads were ${otherSight?.oldestSeconds} s old`);
        proxy?.heal();
        const recoveryMs = await untilWritten(load, leastWrites, cutOff);
        return `${name} for ${seconds} s at server ${victim + 1}: reads at most ${sight?.oldestSeconds} s old, writes back ${recoveryMs} ms after healing`;
      },
    };
  },
};
