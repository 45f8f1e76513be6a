/**
 * Copies of logs: all of it, resumed anywhere, never a changeset cut, nothing written that does not fit, and no copy taken
 * for one that is none. Between logs in memory; between real engines see copy-ledger.integration.test.ts.
 */
import { describe, expect, test } from 'vitest';
import { canonicalJson } from '../../src/domain/canonical-json.ts';
import { type CopyTarget, copyLog } from '../../src/ledger/copy-ledger.ts';
import type { Ledger, StoredEvent } from '../../src/ledger/ledger.ts';
import { createMemoryLedger, type MemoryLedgerOptions } from '../../src/ledger/memory-ledger.ts';
import { readAll, startMs, storedEvents } from './contract-events.ts';

type Target = CopyTarget & { readonly appends: number[] };

/** A log in memory that can be a copy, and remembers how many events each append had. */
function emptyTarget(options: MemoryLedgerOptions = {}): Target {
  const log = createMemoryLedger(options);
  const appends: number[] = [];
  let name: string | undefined;
  return {
    ...log,
    appends,
    adopt: async (identity) => {
      name ??= identity;
      return Promise.resolve(name);
    },
    append: async (ledger, after, events) => {
      appends.push(events.length);
      return log.append(ledger, after, events);
    },
  };
}

/** A log of changesets of these sizes, each event of about 100 bytes. */
async function filled(sizes: readonly number[], ledger = 'default'): Promise<Ledger> {
  const log = createMemoryLedger({ identity: 'the log' });
  await append(log, ledger, sizes);
  return log;
}

async function append(log: Ledger, ledger: string, sizes: readonly number[], text = 'x'): Promise<void> {
  for (const size of sizes) {
    const { revision } = await log.head(ledger);
    await log.append(ledger, revision, storedEvents(revision + 1, size, text.repeat(100)));
  }
}

const refusal = (reason: string, part: string) => ({
  reason,
  message: expect.stringContaining(part) as string,
});

describe('a copy', () => {
  test('has every ledger’s events, times and bytes, and the log’s name', async () => {
    const source = await filled([3, 1, 5]);
    await append(source, 'staging', [2]);
    const target = emptyTarget();
    const report = await copyLog({ source, target });
    expect(report).toMatchObject({
      identity: 'the log',
      grownBy: 0,
      ledgers: [
        {
          ledger: 'default',
          events: 9,
          copied: 9,
          sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
        },
        { ledger: 'staging', events: 2, copied: 2 },
      ],
    });
    for (const name of ['default', 'staging']) {
      expect(await readAll(target, name)).toEqual(await readAll(source, name));
    }
    expect(await target.adopt('another')).toBe('the log');
  });

  test('of one ledger leaves the others', async () => {
    const source = await filled([3]);
    await append(source, 'staging', [2]);
    const target = emptyTarget();
    await copyLog({ source, target, ledgers: ['staging'] });
    expect(await target.names()).toEqual(['staging']);
    await expect(copyLog({ source, target, ledgers: ['nope'] })).rejects.toMatchObject({ code: 'not_found' });
  });

  test('has as many changesets in an append as fit, and never a part of one', async () => {
    const sizes = [1, 4, 4, 2, 5, 1, 1, 1, 5, 3];
    const source = await filled(sizes);
    const target = emptyTarget({ maxChangesetBytes: 800 });
    await copyLog({ source, target });
    const ends = sizes.map((_, place) => sizes.slice(0, place + 1).reduce((sum, size) => sum + size, 0));
    const appended = target.appends.map((_, place) =>
      target.appends.slice(0, place + 1).reduce((sum, size) => sum + size, 0),
    );
    expect(ends).toEqual(expect.arrayContaining(appended));
    expect(Math.max(...target.appends)).toBeLessThanOrEqual(6);
    expect(target.appends.length).toBeLessThan(sizes.length);
    expect(await readAll(target, 'default')).toEqual(await readAll(source, 'default'));
  });

  test('that was stopped goes on where it stood, and a second one writes nothing', async () => {
    const source = await filled([3, 3, 3, 3]);
    const target = emptyTarget({ maxChangesetBytes: 500 });
    let appends = 0;
    const dying: CopyTarget = {
      ...target,
      append: async (...call) => {
        appends += 1;
        if (appends === 3) throw new Error('the plug is pulled');
        return target.append(...call);
      },
    };
    await expect(copyLog({ source, target: dying })).rejects.toThrow('the plug');
    expect(await target.head('default')).toMatchObject({ revision: 6 });
    expect((await copyLog({ source, target })).ledgers).toMatchObject([{ events: 12, copied: 6 }]);
    expect((await copyLog({ source, target })).ledgers).toMatchObject([{ events: 12, copied: 0 }]);
  });

  test('of a source that grows meanwhile has that as well, and says so; one that never ends is told', async () => {
    const source = await filled([3]);
    const growing = (times: number): Ledger => {
      let left = times;
      return {
        ...source,
        head: async (ledger) => {
          left -= 1;
          if (left >= 0) await append(source, ledger, [1]);
          return source.head(ledger);
        },
      };
    };
    const report = await copyLog({ source: growing(3), target: emptyTarget() });
    expect(report.grownBy).toBeGreaterThan(0);
    expect(report.ledgers).toMatchObject([{ events: 6 }]);
    await expect(copyLog({ source: growing(1_000), target: emptyTarget() })).rejects.toMatchObject({
      code: 'conflict',
      reason: 'source_grows',
    });
  });
});

describe('nothing is written', () => {
  test('if a changeset does not fit, wherever it stands', async () => {
    const source = await filled([2, 2, 9, 2]);
    await append(source, 'staging', [1]);
    const target = emptyTarget({ maxChangesetBytes: 800 });
    await expect(copyLog({ source, target })).rejects.toMatchObject({
      code: 'refused',
      ...refusal('changeset_too_large', 'revisions 5 to 13 of ledger default'),
    });
    expect(target.appends).toEqual([]);
    expect(await target.adopt('free')).toBe('free');
  });

  test('into another log', async () => {
    const target = emptyTarget();
    await target.adopt('another log');
    await expect(copyLog({ source: await filled([2]), target })).rejects.toMatchObject({
      reason: 'other_log',
    });
    expect(target.appends).toEqual([]);
  });

  test.each<[string, (event: StoredEvent) => StoredEvent]>([
    ['bytes', (event) => ({ ...event, bytes: canonicalJson({ revision: event.revision, last: true }) })],
    ['a time', (event) => ({ ...event, recordedAt: startMs })],
  ])('after other events: %s of the last one that is there', async (_what, change) => {
    const source = await filled([2, 2, 2]);
    const target = emptyTarget();
    const [first, ...rest] = (await readAll(source, 'default')).slice(0, 4).toReversed() as [
      StoredEvent,
      ...StoredEvent[],
    ];
    await target.append('default', 0, [...rest.toReversed(), change(first)]);
    await expect(copyLog({ source, target })).rejects.toMatchObject(
      refusal('not_a_copy', 'ledger default differs at revision 4'),
    );
    expect(target.appends).toEqual([4]);
  });

  test('after a target that is longer', async () => {
    const target = emptyTarget();
    await append(target, 'default', [3]);
    await expect(copyLog({ source: await filled([2]), target })).rejects.toMatchObject(
      refusal('not_a_copy', 'longer'),
    );
  });
});

test('a difference that no sample saw is found at the end', async () => {
  const source = await filled(Array.from({ length: 40 }, () => 100));
  const target = emptyTarget();
  const events = (await readAll(source, 'default')).slice(0, 3_900);
  const other = events.map((event) => (event.revision === 1_777 ? { ...event, bytes: '{}' } : event));
  await target.append('default', 0, other);
  await expect(copyLog({ source, target })).rejects.toMatchObject(refusal('not_a_copy', 'revision 1777'));
});

test('somebody else who writes to the target ends the copy', async () => {
  const source = await filled([3, 3, 3]);
  const target = emptyTarget({ maxChangesetBytes: 500 });
  const shared: CopyTarget = {
    ...target,
    append: async (ledger, after, events) => {
      if (after === 3) await append(target, ledger, [1], 'y');
      return target.append(ledger, after, events);
    },
  };
  await expect(copyLog({ source, target: shared })).rejects.toMatchObject({ reason: 'target_moved' });
});
