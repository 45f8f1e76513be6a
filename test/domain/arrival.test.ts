/** Who has arrived: the states of a consumer, at each of their bounds, and the report over many. */
import { describe, expect, test } from 'vitest';
import {
  arrivalReport,
  type Consumer,
  consumerState,
  maxReported,
  silentAfterMs,
  stuckAfterMs,
} from '../../src/domain/arrival.ts';

const now = 1_000_000;
const vantage = { now, head: 20, headThen: 10 };

function consumer(more: Partial<Consumer> = {}): Consumer {
  return {
    client: 'chat',
    instance: '1',
    revision: 20,
    firstSeenAt: 0,
    lastSeenAt: now,
    movedAt: 0,
    ...more,
  };
}

describe('the state', () => {
  test.each([
    ['at the head, however old its heartbeat', { lastSeenAt: now - silentAfterMs }, 'current'],
    ['ahead of this server', { revision: 21 }, 'current'],
    ['behind, but with what was the head half a minute ago', { revision: 10 }, 'behind'],
    ['behind that', { revision: 9 }, 'stuck'],
    ['the same, and known for just half a minute', { revision: 9, firstSeenAt: now - stuckAfterMs }, 'stuck'],
    ['the same, and younger', { revision: 9, firstSeenAt: now - stuckAfterMs + 1 }, 'behind'],
    ['at the head and not heard of', { lastSeenAt: now - silentAfterMs - 1 }, 'silent'],
    ['stuck and not heard of', { revision: 0, lastSeenAt: now - silentAfterMs - 1 }, 'silent'],
  ] as const)('%s', (_, more, state) => {
    expect(consumerState(consumer(more), vantage)).toBe(state);
  });
});

describe('the report', () => {
  test('names who has it and who has not, and how they are', () => {
    const report = arrivalReport(
      [
        consumer({ client: 'ahead', revision: 30 }),
        consumer({ client: 'behind', revision: 19 }),
        consumer({ client: 'has', revision: 20 }),
        consumer({ client: 'has and is silent', revision: 20, lastSeenAt: 1 }),
        consumer({ client: 'silent', revision: 3, lastSeenAt: 7 }),
        consumer({ client: 'stuck', revision: 1 }),
      ],
      20,
      vantage,
    );
    expect(report).toEqual({
      revision: 20,
      reached: ['ahead', 'has', 'has and is silent'],
      reachedCount: 3,
      missing: [
        { client: 'behind', instance: '1', revision: 19, state: 'behind', lastSeenAt: now },
        { client: 'silent', instance: '1', revision: 3, state: 'silent', lastSeenAt: 7 },
        { client: 'stuck', instance: '1', revision: 1, state: 'stuck', lastSeenAt: now },
      ],
      missingCount: 3,
    });
  });

  test('a name has it when every process has it that is heard of', () => {
    const two = (more: Partial<Consumer>) => [consumer(), consumer({ instance: '2', revision: 19, ...more })];
    expect(arrivalReport(two({ revision: 20 }), 20, vantage)).toMatchObject({
      reached: ['chat'],
      missing: [],
    });
    expect(arrivalReport(two({}), 20, vantage)).toMatchObject({
      reached: [],
      missing: [{ client: 'chat', instance: '2' }],
    });
    expect(arrivalReport(two({ lastSeenAt: 0 }), 20, vantage)).toMatchObject({
      reached: ['chat'],
      missing: [{ client: 'chat', instance: '2', state: 'silent' }],
    });
  });

  test('lists a thousand of each and counts the rest', () => {
    const many = Array.from({ length: maxReported * 2 + 7 }, (_, n) =>
      consumer({ client: `c${n}`, revision: n % 2 }),
    );
    const report = arrivalReport(many, 1, vantage);
    expect([report.reached.length, report.missing.length]).toEqual([maxReported, maxReported]);
    expect([report.reachedCount, report.missingCount]).toEqual([maxReported + 3, maxReported + 4]);
  });
});
