/** The port's contract for the log's name, its ledgers, and `follow`. */
import { describe, expect, test } from 'vitest';
import { type ContractStand, storedEvents } from './contract-events.ts';

export function describeFollow(stand: ContractStand): void {
  describe('its name and its ledgers', () => {
    test('the name is the same wherever it is asked for', async () => {
      const identity = await stand.log.here.identity();
      expect(identity).not.toBe('');
      expect(await stand.log.elsewhere.identity()).toBe(identity);
    });

    test('ledgers with events are named, in order', async () => {
      expect(await stand.log.here.names()).not.toContain(stand.name);
      await stand.log.here.append(`${stand.name}-b`, 0, storedEvents(1, 1));
      await stand.log.here.append(`${stand.name}-a`, 0, storedEvents(1, 1));
      const names = (await stand.log.elsewhere.names()).filter((one) => one.startsWith(`${stand.name}-`));
      expect(names).toEqual([`${stand.name}-a`, `${stand.name}-b`]);
    });
  });

  describe('follow', () => {
    test.each(['here', 'elsewhere'] as const)('tells of an append made %s', async (where) => {
      let hasGrown = (): void => undefined;
      const told = new Promise<void>((resolve) => {
        hasGrown = resolve;
      });
      const following = stand.log.here.follow(stand.name, () => {
        stand.log.here.head(stand.name).then(
          ({ revision }) => revision === 2 && hasGrown(),
          () => undefined,
        );
      });
      await stand.log[where].append(stand.name, 0, storedEvents(1, 2));
      await told;
      following.stop();
      expect(await stand.log.here.read(stand.name, 0, 10)).toHaveLength(2);
    });

    test('names no revision that the ledger does not hold', async () => {
      const checked: Promise<boolean>[] = [];
      const following = stand.log.here.follow(stand.name, (revision = 0) => {
        checked.push(stand.log.here.head(stand.name).then((head) => revision <= head.revision));
      });
      for (let n = 0; n < 5; n += 1) await stand.log.here.append(stand.name, n, storedEvents(n + 1, 1));
      await expect.poll(() => checked.length).toBeGreaterThanOrEqual(5);
      following.stop();
      expect(await Promise.all(checked)).not.toContain(false);
    });

    test('tells every follower, and none that has stopped', async () => {
      const told = { first: 0, second: 0, stopped: 0 };
      const first = stand.log.here.follow(stand.name, () => (told.first += 1));
      const stopped = stand.log.here.follow(stand.name, () => (told.stopped += 1));
      stopped.stop();
      const second = stand.log.here.follow(stand.name, () => (told.second += 1));
      await stand.log.here.append(stand.name, 0, storedEvents(1, 1));
      await expect.poll(() => told.first > 0 && told.second > 0).toBe(true);
      expect(told.stopped).toBe(0);
      first.stop();
      second.stop();
    });
  });
}
