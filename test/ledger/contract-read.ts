/** The port's contract for what is read: the very bytes, in pages, the same again, and where the ledger ends. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalJson } from '../../src/domain/canonical-json.ts';
import { appendAll, type ContractStand, readAll, startMs, storedEvents } from './contract-events.ts';

export function describeRead(stand: ContractStand): void {
  describe('bytes', () => {
    test('survive one by one, whatever stands in them', async () => {
      const texts = [
        '"',
        '\\',
        '\\n',
        '\n\r\t\u0000\u0001\u007f',
        "'; drop table ledger_events; --",
        'äß€😀\u2028\ufeff',
      ];
      const values: unknown[] = [
        ...texts,
        { 'a "name"\n': texts },
        { 10: 1, 9: 2 },
        [],
        {},
        null,
        0.1,
        -0,
        1e21,
        true,
      ];
      const stored = values.flatMap((value, place) => storedEvents(place + 1, 1, value));
      await stand.log.here.append(stand.name, 0, stored);
      expect(await readAll(stand.log.elsewhere, stand.name)).toEqual(stored);
    });

    test('survive, for any text and moment', async () => {
      let at = 0;
      const text = fc.oneof(
        fc.string({ unit: 'grapheme' }),
        fc.string({ unit: 'binary' }).filter((one) => one.isWellFormed()),
      );
      const event = fc.record({ value: fc.dictionary(text, text), pauseMs: fc.nat(1_000) });
      let recordedAt = startMs;
      await fc.assert(
        fc.asyncProperty(fc.array(event, { minLength: 1, maxLength: 20 }), async (wanted) => {
          const events = wanted.map(({ value, pauseMs }, place) => {
            recordedAt += pauseMs;
            return { revision: at + place + 1, recordedAt, bytes: canonicalJson(value) };
          });
          await stand.log.here.append(stand.name, at, events);
          expect(await stand.log.here.read(stand.name, at, 10_000)).toEqual(events);
          expect(await stand.log.here.head(stand.name)).toEqual({ revision: at + events.length, recordedAt });
          at += events.length;
        }),
        { numRuns: 30 },
      );
    });
  });

  describe('read', () => {
    test('answers nothing of an empty ledger, and nothing beyond the end', async () => {
      expect(await stand.log.here.read(stand.name, 0, 10)).toEqual([]);
      await stand.log.here.append(stand.name, 0, storedEvents(1, 3));
      expect(await stand.log.here.read(stand.name, 3, 10)).toEqual([]);
      expect(await stand.log.here.read(stand.name, 30, 10)).toEqual([]);
    });

    test('answers the events after a revision, in order, at most as many as asked', async () => {
      const events = storedEvents(1, 25);
      await stand.log.here.append(stand.name, 0, events);
      expect(await stand.log.here.read(stand.name, 0, 1)).toEqual(events.slice(0, 1));
      expect(await stand.log.here.read(stand.name, 7, 10)).toEqual(events.slice(7, 17));
      expect(await stand.log.here.read(stand.name, 20, 10)).toEqual(events.slice(20));
    });

    test('answers about 8 MiB at most, and at least one event', async () => {
      const mebibyte = 1024 * 1024;
      const { here } = stand.log;
      // An engine that takes less at once holds no larger event either.
      const most = Math.min(9 * mebibyte, here.maxChangesetBytes - here.eventOverheadBytes - 100);
      const size = Math.min(mebibyte, most);
      const events = [...storedEvents(1, 1, 'x'.repeat(most)), ...storedEvents(2, 20, 'y'.repeat(size))];
      await appendAll(here, stand.name, events);
      const first = await here.read(stand.name, 0, 100);
      expect(first).toEqual(events.slice(0, Math.max(1, first.length)));
      if (most > 8 * mebibyte) expect(first).toHaveLength(1);
      const page = await here.read(stand.name, 1, 100);
      expect(page).toEqual(events.slice(1, 1 + page.length));
      expect(page.length).toBeGreaterThanOrEqual(7);
      expect(page.length).toBeLessThanOrEqual(9);
      expect(await readAll(here, stand.name)).toEqual(events);
    });

    test('answers the same again, whatever came after', async () => {
      await stand.log.here.append(stand.name, 0, storedEvents(1, 4));
      const before = await stand.log.here.read(stand.name, 1, 2);
      await stand.log.here.append(stand.name, 4, storedEvents(5, 4));
      expect(await stand.log.here.read(stand.name, 1, 2)).toEqual(before);
      expect(await stand.log.elsewhere.read(stand.name, 1, 2)).toEqual(before);
    });
  });

  describe('head', () => {
    test('is revision 0 at time 0 of an empty ledger', async () => {
      expect(await stand.log.here.head(stand.name)).toEqual({ revision: 0, recordedAt: 0 });
    });

    test('shows every append that was acknowledged before, whoever asks', async () => {
      for (let revision = 1; revision <= 10; revision += 1) {
        await stand.log.here.append(stand.name, revision - 1, storedEvents(revision, 1));
        const head = { revision, recordedAt: startMs + revision };
        expect(await stand.log.elsewhere.head(stand.name)).toEqual(head);
        expect(await stand.log.here.head(stand.name)).toEqual(head);
      }
    });
  });
}
