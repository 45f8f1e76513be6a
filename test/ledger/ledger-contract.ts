/**
 * What every engine of the Ledger port promises (src/ledger/ledger.ts), one test for each sentence.
 * An engine's test file calls `describeLedger` with a way to open logs; `elsewhere` is the same log as another process
 * would open it.
 */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { canonicalJson } from '../../src/ledger/canonical-json.ts';
import type { Ledger, StoredEvent } from '../../src/ledger/ledger.ts';

export interface OpenedLog {
  readonly here: Ledger;
  /** Another instance on the same log. */
  readonly elsewhere: Ledger;
  close(): Promise<void>;
}

const start = Date.UTC(2026, 0, 1);

/** Events as the writer would hand them over; `text` stands in the bytes of each. */
export function storedEvents(first: number, count: number, text: unknown = 'a "value"'): StoredEvent[] {
  return Array.from({ length: count }, (_, place) => {
    const revision = first + place;
    return {
      revision,
      recordedAt: start + first,
      bytes: canonicalJson({ revision, text, last: place === count - 1 }),
    };
  });
}

export async function readAll(ledger: Ledger, name: string): Promise<StoredEvent[]> {
  const events: StoredEvent[] = [];
  for (;;) {
    const page = await ledger.read(name, events.length, 10_000);
    if (page.length === 0) return events;
    events.push(...page);
  }
}

/** `makeLog` opens a log; every test asks about ledgers that no other names, so it need not be a new one. */
export function describeLedger(engine: string, makeLog: () => Promise<OpenedLog>): void {
  describe(`the ${engine} engine`, () => {
    let log: OpenedLog;
    let name = '';
    let count = 0;
    beforeEach(async () => {
      log = await makeLog();
      count += 1;
      name = `contract-${count}`;
    });
    afterEach(() => log.close());

    describe('append', () => {
      test('names the engine and the most bytes it takes at once', () => {
        expect(log.here.engine).toBe(engine);
        expect(log.here.maxChangesetBytes).toBeGreaterThanOrEqual(1024 * 1024);
      });

      test('gives the events the next revisions, without a gap', async () => {
        expect(await log.here.append(name, 0, storedEvents(1, 3))).toEqual({ appended: true });
        expect(await log.here.append(name, 3, storedEvents(4, 1))).toEqual({ appended: true });
        expect(await log.here.append(name, 4, storedEvents(5, 2))).toEqual({ appended: true });
        const all = await log.here.read(name, 0, 100);
        expect(all).toEqual([...storedEvents(1, 3), ...storedEvents(4, 1), ...storedEvents(5, 2)]);
      });

      test.each([
        ['an empty ledger', 0, 1],
        ['a ledger that stands further on', 3, 2],
        ['a ledger that stands further on, as if it were empty', 3, 0],
        ['a ledger that is not so far yet', 3, 4],
      ])('to %s answers where it stands, and nothing happened', async (_case, there, expected) => {
        if (there > 0) await log.here.append(name, 0, storedEvents(1, there));
        const before = await readAll(log.here, name);
        const head = await log.here.head(name);
        const answer = await log.elsewhere.append(name, expected, storedEvents(expected + 1, 2));
        expect(answer).toEqual({ appended: false, head });
        expect(head).toEqual(
          there === 0 ? { revision: 0, recordedAt: 0 } : { revision: there, recordedAt: start + 1 },
        );
        expect(await readAll(log.here, name)).toEqual(before);
      });

      test.each([0, 5])(
        'of many at once after revision %i exactly one succeeds; the others learn the new head',
        async (at) => {
          if (at > 0) await log.here.append(name, 0, storedEvents(1, at));
          const answers = await Promise.all(
            Array.from({ length: 20 }, (_, n) =>
              (n % 2 === 0 ? log.here : log.elsewhere).append(
                name,
                at,
                storedEvents(at + 1, 2, `writer ${n}`),
              ),
            ),
          );
          const winner = answers.findIndex((answer) => answer.appended);
          expect(answers.filter((answer) => answer.appended)).toHaveLength(1);
          for (const answer of answers) {
            if (!answer.appended)
              expect(answer.head).toEqual({ revision: at + 2, recordedAt: start + at + 1 });
          }
          expect((await readAll(log.here, name)).slice(at)).toEqual(
            storedEvents(at + 1, 2, `writer ${winner}`),
          );
        },
      );

      test('racing writers that go on from the head they lost to all append, without a gap', async () => {
        const write = async (ledger: Ledger, text: string) => {
          let at = 0;
          for (let appended = 0; appended < 10; ) {
            const answer = await ledger.append(name, at, storedEvents(at + 1, 2, text));
            if (answer.appended) appended += 1;
            at = answer.appended ? at + 2 : answer.head.revision;
          }
        };
        await Promise.all([write(log.here, 'a'), write(log.elsewhere, 'b'), write(log.elsewhere, 'c')]);
        const all = await readAll(log.here, name);
        expect(all.map((event) => event.revision)).toEqual(Array.from({ length: 60 }, (_, n) => n + 1));
        for (const writer of ['a', 'b', 'c']) {
          expect(all.filter((event) => event.bytes.includes(`"text":"${writer}"`))).toHaveLength(20);
        }
      });

      test('is all or nothing for whoever reads meanwhile', async () => {
        let isWriting = true;
        const writing = (async () => {
          for (let n = 0; n < 20; n += 1)
            await log.here.append(name, n * 100, storedEvents(n * 100 + 1, 100));
          isWriting = false;
        })();
        const lengths: number[] = [];
        while (isWriting) lengths.push((await log.elsewhere.read(name, 0, 10_000)).length);
        await writing;
        lengths.push((await log.elsewhere.read(name, 0, 10_000)).length);
        expect(lengths.filter((length) => length % 100 !== 0)).toEqual([]);
        expect(lengths.at(-1)).toBe(2_000);
      });

      test('takes a changeset of 10,000 events', async () => {
        const events = storedEvents(1, 10_000, 'x'.repeat(500));
        expect(await log.here.append(name, 0, events)).toEqual({ appended: true });
        expect(await readAll(log.elsewhere, name)).toEqual(events);
      });

      test('keeps ledgers independent of each other', async () => {
        const other = `${name}-other`;
        await log.here.append(name, 0, storedEvents(1, 2, 'one'));
        expect(await log.here.append(other, 0, storedEvents(1, 5, 'other'))).toEqual({ appended: true });
        expect(await log.here.append(name, 2, storedEvents(3, 1, 'one'))).toEqual({ appended: true });
        expect(await log.here.head(name)).toEqual({ revision: 3, recordedAt: start + 3 });
        expect(await log.here.head(other)).toEqual({ revision: 5, recordedAt: start + 1 });
        expect(await readAll(log.here, other)).toEqual(storedEvents(1, 5, 'other'));
      });
    });

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
        const values: unknown[] = [...texts, { 'a "name"\n': texts }, [], {}, null, 0.1, -0, 1e21, true];
        const stored = values.flatMap((value, place) => storedEvents(place + 1, 1, value));
        await log.here.append(name, 0, stored);
        expect(await readAll(log.elsewhere, name)).toEqual(stored);
      });

      test('survive, for any text and moment', async () => {
        let at = 0;
        const text = fc.oneof(
          fc.string({ unit: 'grapheme' }),
          fc.string({ unit: 'binary' }).filter((one) => one.isWellFormed()),
        );
        const event = fc.record({ value: fc.dictionary(text, text), pauseMs: fc.nat(1_000) });
        let recordedAt = start;
        await fc.assert(
          fc.asyncProperty(fc.array(event, { minLength: 1, maxLength: 20 }), async (wanted) => {
            const events = wanted.map(({ value, pauseMs }, place) => {
              recordedAt += pauseMs;
              return { revision: at + place + 1, recordedAt, bytes: canonicalJson(value) };
            });
            await log.here.append(name, at, events);
            expect(await log.here.read(name, at, 10_000)).toEqual(events);
            expect(await log.here.head(name)).toEqual({ revision: at + events.length, recordedAt });
            at += events.length;
          }),
          { numRuns: 30 },
        );
      });
    });

    describe('read', () => {
      test('answers nothing of an empty ledger, and nothing beyond the end', async () => {
        expect(await log.here.read(name, 0, 10)).toEqual([]);
        await log.here.append(name, 0, storedEvents(1, 3));
        expect(await log.here.read(name, 3, 10)).toEqual([]);
        expect(await log.here.read(name, 30, 10)).toEqual([]);
      });

      test('answers the events after a revision, in order, at most as many as asked', async () => {
        const events = storedEvents(1, 25);
        await log.here.append(name, 0, events);
        expect(await log.here.read(name, 0, 1)).toEqual(events.slice(0, 1));
        expect(await log.here.read(name, 7, 10)).toEqual(events.slice(7, 17));
        expect(await log.here.read(name, 20, 10)).toEqual(events.slice(20));
      });

      test('answers about 8 MiB at most, and at least one event', async () => {
        const mebibyte = 1024 * 1024;
        const events = [
          ...storedEvents(1, 1, 'x'.repeat(9 * mebibyte)),
          ...storedEvents(2, 20, 'y'.repeat(mebibyte)),
        ];
        await log.here.append(name, 0, events);
        expect((await log.here.read(name, 0, 100)).map((event) => event.revision)).toEqual([1]);
        const page = await log.here.read(name, 1, 100);
        expect(page).toEqual(events.slice(1, 1 + page.length));
        expect(page.length).toBeGreaterThanOrEqual(7);
        expect(page.length).toBeLessThanOrEqual(9);
        expect(await readAll(log.here, name)).toEqual(events);
      });

      test('answers the same again, whatever came after', async () => {
        await log.here.append(name, 0, storedEvents(1, 4));
        const before = await log.here.read(name, 1, 2);
        await log.here.append(name, 4, storedEvents(5, 4));
        expect(await log.here.read(name, 1, 2)).toEqual(before);
        expect(await log.elsewhere.read(name, 1, 2)).toEqual(before);
      });
    });

    describe('head', () => {
      test('is revision 0 at time 0 of an empty ledger', async () => {
        expect(await log.here.head(name)).toEqual({ revision: 0, recordedAt: 0 });
      });

      test('shows every append that was acknowledged before, whoever asks', async () => {
        for (let revision = 1; revision <= 10; revision += 1) {
          await log.here.append(name, revision - 1, storedEvents(revision, 1));
          const head = { revision, recordedAt: start + revision };
          expect(await log.elsewhere.head(name)).toEqual(head);
          expect(await log.here.head(name)).toEqual(head);
        }
      });
    });

    describe('its name and its ledgers', () => {
      test('the name is the same wherever it is asked for', async () => {
        const identity = await log.here.identity();
        expect(identity).not.toBe('');
        expect(await log.elsewhere.identity()).toBe(identity);
      });

      test('ledgers with events are named, in order', async () => {
        expect(await log.here.names()).not.toContain(name);
        await log.here.append(`${name}-b`, 0, storedEvents(1, 1));
        await log.here.append(`${name}-a`, 0, storedEvents(1, 1));
        const names = (await log.elsewhere.names()).filter((one) => one.startsWith(`${name}-`));
        expect(names).toEqual([`${name}-a`, `${name}-b`]);
      });
    });

    describe('follow', () => {
      test.each(['here', 'elsewhere'] as const)('tells of an append made %s', async (where) => {
        let hasGrown = (): void => undefined;
        const told = new Promise<void>((resolve) => {
          hasGrown = resolve;
        });
        const following = log.here.follow(name, () => {
          log.here.head(name).then(
            ({ revision }) => revision === 2 && hasGrown(),
            () => undefined,
          );
        });
        await log[where].append(name, 0, storedEvents(1, 2));
        await told;
        following.stop();
        expect(await log.here.read(name, 0, 10)).toHaveLength(2);
      });

      test('names no revision that the ledger does not hold', async () => {
        const checked: Promise<boolean>[] = [];
        const following = log.here.follow(name, (revision = 0) => {
          checked.push(log.here.head(name).then((head) => revision <= head.revision));
        });
        for (let n = 0; n < 5; n += 1) await log.here.append(name, n, storedEvents(n + 1, 1));
        await expect.poll(() => checked.length).toBeGreaterThanOrEqual(5);
        following.stop();
        expect(await Promise.all(checked)).not.toContain(false);
      });

      test('tells every follower, and none that has stopped', async () => {
        const told = { first: 0, second: 0, stopped: 0 };
        const first = log.here.follow(name, () => (told.first += 1));
        const stopped = log.here.follow(name, () => (told.stopped += 1));
        stopped.stop();
        const second = log.here.follow(name, () => (told.second += 1));
        await log.here.append(name, 0, storedEvents(1, 1));
        await expect.poll(() => told.first > 0 && told.second > 0).toBe(true);
        expect(told.stopped).toBe(0);
        first.stop();
        second.stop();
      });
    });
  });
}
