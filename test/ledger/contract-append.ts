/** The port's contract for `append`: all or nothing, gapless, one winner. */
import { describe, expect, test } from 'vitest';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { type ContractStand, largestChangeset, readAll, startMs, storedEvents } from './contract-events.ts';

export function describeAppend(stand: ContractStand, engine: string): void {
  describe('append', () => {
    test('names the engine and the most bytes it takes at once', () => {
      expect(stand.log.here.engine).toBe(engine);
      expect(stand.log.here.maxChangesetBytes).toBeGreaterThanOrEqual(1024 * 1024);
    });

    test('gives the events the next revisions, without a gap', async () => {
      expect(await stand.log.here.append(stand.name, 0, storedEvents(1, 3))).toEqual({ appended: true });
      expect(await stand.log.here.append(stand.name, 3, storedEvents(4, 1))).toEqual({ appended: true });
      expect(await stand.log.here.append(stand.name, 4, storedEvents(5, 2))).toEqual({ appended: true });
      const all = await stand.log.here.read(stand.name, 0, 100);
      expect(all).toEqual([...storedEvents(1, 3), ...storedEvents(4, 1), ...storedEvents(5, 2)]);
    });

    test.each([
      ['an empty ledger', 0, 1],
      ['a ledger that stands further on', 3, 2],
      ['a ledger that stands further on, as if it were empty', 3, 0],
      ['a ledger that is not so far yet', 3, 4],
    ])('to %s answers where it stands, and nothing happened', async (_case, there, expected) => {
      if (there > 0) await stand.log.here.append(stand.name, 0, storedEvents(1, there));
      const before = await readAll(stand.log.here, stand.name);
      const head = await stand.log.here.head(stand.name);
      const answer = await stand.log.elsewhere.append(stand.name, expected, storedEvents(expected + 1, 2));
      expect(answer).toEqual({ appended: false, head });
      expect(head).toEqual(
        there === 0 ? { revision: 0, recordedAt: 0 } : { revision: there, recordedAt: startMs + 1 },
      );
      expect(await readAll(stand.log.here, stand.name)).toEqual(before);
    });

    test.each([0, 5])(
      'of many at once after revision %i exactly one succeeds; the others learn the new head',
      async (at) => {
        if (at > 0) await stand.log.here.append(stand.name, 0, storedEvents(1, at));
        const answers = await Promise.all(
          Array.from({ length: 20 }, (_, n) =>
            (n % 2 === 0 ? stand.log.here : stand.log.elsewhere).append(
              stand.name,
              at,
              storedEvents(at + 1, 2, `writer ${n}`),
            ),
          ),
        );
        const winner = answers.findIndex((answer) => answer.appended);
        expect(answers.filter((answer) => answer.appended)).toHaveLength(1);
        for (const answer of answers) {
          if (!answer.appended)
            expect(answer.head).toEqual({ revision: at + 2, recordedAt: startMs + at + 1 });
        }
        expect((await readAll(stand.log.here, stand.name)).slice(at)).toEqual(
          storedEvents(at + 1, 2, `writer ${winner}`),
        );
      },
    );

    test('racing writers that go on from the head they lost to all append, without a gap', async () => {
      const write = async (ledger: Ledger, text: string) => {
        let at = 0;
        for (let appended = 0; appended < 10; ) {
          const answer = await ledger.append(stand.name, at, storedEvents(at + 1, 2, text));
          if (answer.appended) appended += 1;
          at = answer.appended ? at + 2 : answer.head.revision;
        }
      };
      await Promise.all([
        write(stand.log.here, 'a'),
        write(stand.log.elsewhere, 'b'),
        write(stand.log.elsewhere, 'c'),
      ]);
      const all = await readAll(stand.log.here, stand.name);
      expect(all.map((event) => event.revision)).toEqual(Array.from({ length: 60 }, (_, n) => n + 1));
      for (const writer of ['a', 'b', 'c']) {
        expect(all.filter((event) => event.bytes.includes(`"text":"${writer}"`))).toHaveLength(20);
      }
    });

    test('is all or nothing for whoever reads meanwhile', async () => {
      let isWriting = true;
      const writing = (async () => {
        for (let n = 0; n < 20; n += 1)
          await stand.log.here.append(stand.name, n * 100, storedEvents(n * 100 + 1, 100));
        isWriting = false;
      })();
      const lengths: number[] = [];
      while (isWriting) lengths.push((await stand.log.elsewhere.read(stand.name, 0, 10_000)).length);
      await writing;
      lengths.push((await stand.log.elsewhere.read(stand.name, 0, 10_000)).length);
      expect(lengths.filter((length) => length % 100 !== 0)).toEqual([]);
      expect(lengths.at(-1)).toBe(2_000);
    });

    test('takes a changeset of 10,000 events, or the largest that it says it takes', async () => {
      const events = largestChangeset(stand.log.here);
      expect(events.length).toBeGreaterThan(1_000);
      expect(await stand.log.here.append(stand.name, 0, events)).toEqual({ appended: true });
      expect(await readAll(stand.log.elsewhere, stand.name)).toEqual(events);
    });

    test('keeps ledgers independent of each other', async () => {
      const other = `${stand.name}-other`;
      await stand.log.here.append(stand.name, 0, storedEvents(1, 2, 'one'));
      expect(await stand.log.here.append(other, 0, storedEvents(1, 5, 'other'))).toEqual({ appended: true });
      expect(await stand.log.here.append(stand.name, 2, storedEvents(3, 1, 'one'))).toEqual({
        appended: true,
      });
      expect(await stand.log.here.head(stand.name)).toEqual({ revision: 3, recordedAt: startMs + 3 });
      expect(await stand.log.here.head(other)).toEqual({ revision: 5, recordedAt: startMs + 1 });
      expect(await readAll(stand.log.here, other)).toEqual(storedEvents(1, 5, 'other'));
    });
  });
}
