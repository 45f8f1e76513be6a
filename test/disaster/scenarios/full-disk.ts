/**
 * The disk of the embedded database fills up under load, also under its write-ahead log, so that the database ends and
 * cannot start again; then there is room again. Reads go on meanwhile, and nobody has to start anything.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { recoveryLimitMs, untilWritten } from '../recovery.ts';
import type { Scenario } from '../scenario.ts';
import { makeSmallDisk, type SmallDisk } from '../small-disk.ts';
import { openOwnStand } from '../stand.ts';

/** Until the database has used what room it had set aside. */
const fullLimitMs = 60_000;

export const fullDisk: Scenario = {
  name: 'full-disk',
  summary: 'the disk under the embedded database fills up, and is emptied again',
  cycles: 2,
  seconds: 20,
  async begin() {
    let disk: SmallDisk | undefined;
    const stand = await openOwnStand((place) => {
      disk = makeSmallDisk(place);
    });
    const kind = disk?.kind ?? '';
    return {
      stand,
      isWatched: true,
      async cycle({ load, watch, seconds, leastWrites, complain }, cycle) {
        const [client] = stand.clients;
        await load.acknowledgedFromNow(leastWrites, recoveryLimitMs);
        const before = load.unavailableBy(client);
        watch?.look(0);
        await disk?.fill(stand.databaseUrl());
        const filledAt = performance.now();
        while (load.unavailableBy(client) === before && performance.now() < filledAt + fullLimitMs)
          await sleep(20);
        if (load.unavailableBy(client) === before) complain('no write was turned away');
        // Every second time the write-ahead log needs a new file as well: then the database ends, and cannot start.
        if (cycle % 2 === 0) await disk?.exhaustLog(stand.databaseUrl());
        const firstMs = Math.round(performance.now() - filledAt);
        await sleep(seconds * 1_000);
        const sight = watch?.look(0);
        if ((sight?.reads ?? 0) === 0) complain('nothing was read');
        await disk?.empty(stand.databaseUrl());
        const recoveryMs = await untilWritten(load, leastWrites);
        return `full${cycle % 2 === 0 ? ', also under its write-ahead log,' : ''} for ${seconds} s after the first refusal (${firstMs} ms), ${sight?.reads} reads at most ${sight?.oldestSeconds} s old, writes back ${recoveryMs} ms after there was room`;
      },
      end: async () => disk?.remove(),
      notes: () => [`the disk: ${kind}`],
    };
  },
};
