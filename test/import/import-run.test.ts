/** A whole import against a ledger that is played here: order, keys, resuming, and what the report says. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { Failure } from '../../src/failure.ts';
import { formatReport } from '../../src/import/import-report.ts';
import {
  type ChangesetReply,
  type ImportProgress,
  type ImportReport,
  runImport,
  type SendChangeset,
} from '../../src/import/import-run.ts';

const fixture = readFileSync(
  fileURLToPath(new URL('../fixtures/deepseek-history.ndjson', import.meta.url)),
  'utf8',
);

async function* linesOf(text: string): AsyncGenerator<string> {
  for (const line of text.split('\n')) yield line;
}

interface PlayedLedger {
  readonly send: SendChangeset;
  readonly taken: { readonly key: string; readonly reason: string; readonly body: string }[];
}

/** Takes changesets as idempotent requests: one event a change, the first answer again for the same key and body. */
function playLedger(failAfter = Number.POSITIVE_INFINITY): PlayedLedger {
  const taken: { key: string; reason: string; body: string }[] = [];
  const send: SendChangeset = async (changeset, { idempotencyKey: key }) => {
    const body = JSON.stringify(changeset);
    const first = taken.find((entry) => entry.key === key);
    if (first !== undefined && first.body !== body) throw new Failure('conflict', 'another body');
    if (first === undefined && taken.length >= failAfter) {
      throw new Failure('unavailable', 'gone', { reason: 'no_answer' });
    }
    if (first === undefined) taken.push({ key, reason: changeset.reason, body });
    const reply: ChangesetReply = {
      events: changeset.changes.map(({ type }) => ({ type: `${type} happened` })),
      warnings: changeset.changes.length > 4 ? [{ code: 'many', message: 'many changes' }] : [],
      isReplay: first !== undefined,
    };
    return reply;
  };
  return { send, taken };
}

function totalOf(report: ImportReport): number {
  return Object.values(report.events).reduce((sum, count) => sum + count, 0);
}

describe('an import', () => {
  test('sends one changeset a commit, in the order of the file, under a key of the commit', async () => {
    const { send, taken } = playLedger();
    const progress: ImportProgress[] = [];
    const report = await runImport({
      lines: linesOf(fixture),
      send,
      progress: (step) => progress.push(step),
    });
    const commits = [
      ...new Set([...fixture.matchAll(/"commit": "([0-9a-f]+)"/g)].map(([, commit]) => commit)),
    ];
    expect(taken.map(({ key }) => key)).toEqual(commits.map((commit) => `models.dev:${commit}`));
    expect(taken[0]?.reason).toBe(`models.dev ${commits[0]} of 2025-06-10T22:55:28Z`);
    expect(report).toMatchObject({
      records: 38,
      changesets: { added: 22, replayed: 0, unchanged: 0 },
      events: { 'addModel happened': 5, 'removeModel happened': 1 },
      leftOut: [],
    });
    expect(progress).toHaveLength(22);
    expect(progress.at(-1)).toEqual({ records: 38, changesets: 22, commit: commits.at(-1) });
  });

  test('run again adds nothing', async () => {
    const { send, taken } = playLedger();
    await runImport({ lines: linesOf(fixture), send });
    const again = await runImport({ lines: linesOf(fixture), send });
    expect(again).toMatchObject({
      records: 38,
      changesets: { added: 0, replayed: 22 },
      events: {},
      warnings: {},
    });
    expect(taken).toHaveLength(22);
  });

  test('that was stopped goes on with the same bytes', async () => {
    const whole = playLedger();
    const wholeReport = await runImport({ lines: linesOf(fixture), send: whole.send });
    const stopped = playLedger(9);
    await expect(runImport({ lines: linesOf(fixture), send: stopped.send })).rejects.toMatchObject({
      code: 'unavailable',
      reason: 'no_answer',
      message: expect.stringMatching(/^commit [0-9a-f]+ \(lines \d+ to \d+\): gone$/),
    });
    expect(stopped.taken).toHaveLength(9);
    const resumed = playLedger();
    resumed.taken.push(...stopped.taken);
    const report = await runImport({ lines: linesOf(fixture), send: resumed.send });
    expect(report.changesets).toEqual({ added: 13, replayed: 9, unchanged: 0 });
    expect(totalOf(report)).toBeLessThan(totalOf(wholeReport));
    expect(resumed.taken).toEqual(whole.taken);
  });

  test('stops before the commit of a bad line', async () => {
    const { send, taken } = playLedger();
    const lines = fixture.trimEnd().split('\n');
    const broken = [...lines.slice(0, 3), '{', ...lines.slice(3)].join('\n');
    await expect(runImport({ lines: linesOf(broken), send })).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringContaining('line 4: '),
    });
    expect(taken).toHaveLength(1);
  });

  test('refuses a commit that comes back after another one', async () => {
    const { send } = playLedger();
    const lines = fixture.trimEnd().split('\n');
    const text = [lines[0], lines[2], lines[1]].join('\n');
    await expect(runImport({ lines: linesOf(text), send })).rejects.toMatchObject({ reason: 'commit_split' });
  });

  test('counts a commit that says nothing, and sends nothing for it', async () => {
    const { send, taken } = playLedger();
    const line = JSON.stringify({
      at: '2026-01-02T03:04:05Z',
      commit: 'abcdef0',
      provider: 'acme',
      id: 'one',
      kind: 'removed',
    });
    const report = await runImport({ lines: linesOf(line), send });
    expect(report.changesets).toEqual({ added: 0, replayed: 0, unchanged: 1 });
    expect(report.leftOut).toHaveLength(1);
    expect(taken).toEqual([]);
  });
});

test('the report says what was taken, what was left out and why', () => {
  const leftOut = Array.from({ length: 52 }, (_, index) => ({
    line: index + 1,
    id: 'acme/one',
    why: 'no reason',
  }));
  const text = formatReport({
    records: 9,
    changesets: { added: 2, replayed: 1, unchanged: 1 },
    events: { ModelAdded: 3, ModelPriceChanged: 1 },
    warnings: { nothing_changed: 2 },
    leftOut: [{ line: 4, id: 'acme/two', field: 'cost.tiers', why: 'odd' }, ...leftOut],
  });
  expect(text.split('\n').slice(0, 9)).toEqual([
    'records read:    9',
    'changesets:      4: 2 new, 1 there already, 1 with nothing to say',
    'events added:    4',
    '  ModelAdded: 3',
    '  ModelPriceChanged: 1',
    'warnings:        2',
    '  nothing_changed: 2',
    'left out:        53',
    '  line 4, acme/two, cost.tiers: odd',
  ]);
  expect(text).toMatch(/ {2}and 3 more$/);
});
