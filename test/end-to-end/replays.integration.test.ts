/**
 * Rebuilds and verifications of a running Varve, by its API and by the commands: while reads from tables and writes go on
 * none of them fails, the rows are equal afterwards, and a faulty log is named by revision.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { readModelTables, rowsOfReadModels } from '../support/read-models.ts';
import { startTestVarve, type TestVarve } from '../support/varve.ts';
import { createApi } from '../support/varve-on.ts';

const root = join(import.meta.dirname, '..', '..');
const key = 'limits.tokens';
const longWait = { timeout: 50_000, interval: 20 };

let varve: TestVarve;
beforeAll(async () => {
  varve = await startTestVarve();
  await varve.call('POST', '/v1/ledgers', { name: 'other' });
  await varve.change([{ type: 'defineKey', key, valueType: 'integer', fallback: 0 }]);
  const many = Array.from({ length: 600 }, (_, n) => ({
    type: 'setOverride',
    key,
    scope: `user:u${n}`,
    value: n,
  }));
  await varve.change(many);
  const definition = { type: 'defineKey', key, valueType: 'integer', fallback: 0 };
  await varve.change([definition, ...many.slice(0, 50)], { 'varve-ledger': 'other' });
});
afterAll(() => varve.stop());

/** Asks, waits for the end, and answers what was found. */
async function replayed(path: string, list: string) {
  const { status, body } = await varve.call('POST', path);
  expect([path, status]).toEqual([path, 202]);
  return vi.waitFor(async () => {
    const answer = await varve.call('GET', `/v1/${list}/${body.id}`);
    if (!['done', 'failed'].includes(answer.body.state)) throw new Error(JSON.stringify(answer.body));
    return answer.body;
  }, longWait);
}

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function run(file: string, words: readonly string[], apiKey = varve.adminKey): Promise<Ended> {
  const child = spawn(process.execPath, ['--import', 'tsx', join(root, 'scripts', file), ...words], {
    cwd: root,
    env: { PATH: process.env['PATH'] ?? '', VARVE_URL: varve.url, VARVE_API_KEY: apiKey },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const texts = { out: '', err: '' };
  child.stdout.on('data', (chunk: Buffer) => (texts.out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (texts.err += chunk.toString()));
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, ...texts })));
}

test('rebuilt under reads and writes: nothing fails, status tells of it, the rows are those of a replay', async () => {
  const failed: unknown[] = [];
  const rebuilding: unknown[] = [];
  let isOver = false;
  let [reads, writes] = [0, 0];
  const readPaths = [
    '/v1/history?limit=20',
    `/v1/history?key=${key}&limit=5`,
    `/v1/resolve/${key}?user=u7&asOf=100`,
    '/v1/diff?from=0&to=5',
    '/v1/tags',
    '/v1/models',
  ];
  const busy = [
    ...[0, 1].map(async (reader) => {
      for (; !isOver; reads += 1) {
        const path = readPaths[(reads + reader) % readPaths.length] ?? '';
        const { status, body } = await varve.call('GET', path);
        if (status !== 200) failed.push([path, status, body]);
        await sleep(3);
      }
    }),
    (async () => {
      for (; !isOver; writes += 1) {
        const body = { value: writes, reason: 'meanwhile' };
        const { status } = await varve.call('PUT', `/v1/overrides/${key}?scope=user:w${writes % 9}`, body);
        if (status >= 300) failed.push(['write', status]);
        await sleep(10);
      }
    })(),
    (async () => {
      while (!isOver) {
        const { body } = await varve.call('GET', '/v1/status');
        await sleep(5);
        rebuilding.push(...body.projections.filter((one: { rebuild?: object }) => one.rebuild !== undefined));
      }
    })(),
    (async () => {
      while (!isOver) {
        const response = await fetch(`${varve.url}/v1/history`, {
          headers: { authorization: `Bearer ${varve.adminKey}`, accept: 'application/x-ndjson' },
        });
        const lines = (await response.text()).trim().split('\n');
        const last = JSON.parse(lines.at(-1) ?? '{}');
        // All of it, down to the first event.
        if (
          response.status !== 200 ||
          last.revision !== 1 ||
          lines.length !== JSON.parse(lines[0] ?? '{}').revision
        )
          failed.push(['export', response.status, lines.length, last.revision]);
      }
    })(),
  ];
  const { state, comparison } = await replayed('/v1/projections/all/rebuild', 'rebuilds');
  isOver = true;
  await Promise.all(busy);
  expect(failed).toEqual([]);
  expect(Math.min(reads, writes)).toBeGreaterThan(5);
  expect([state, comparison.notCompared]).toEqual(['done', []]);
  const counts = comparison.tables.map(({ table, missing, surplus, changed }: Record<string, unknown>) => {
    return [table, missing, surplus, changed];
  });
  expect(counts).toEqual(readModelTables.map((table) => [table, 0, 0, 0]));
  expect(rebuilding).toContainEqual(
    expect.objectContaining({
      state: 'rebuilding',
      rebuild: expect.objectContaining({ id: expect.any(String) }),
    }),
  );
  const { body: report } = { body: await replayed('/v1/verifications', 'verifications') };
  expect(report.checks.filter(({ result }: { result: string }) => result !== 'ok')).toEqual([]);
});

test('one projection alone, of every ledger', async () => {
  const rows = await rowsOfReadModels(varve.database.pool);
  await varve.database.pool.query('delete from assertions');
  const { state, projections, comparison } = await replayed('/v1/projections/assertions/rebuild', 'rebuilds');
  expect([state, projections]).toEqual(['done', ['assertions']]);
  expect(comparison.tables).toMatchObject([{ table: 'assertions', missing: rows['assertions']?.length }]);
  expect(await rowsOfReadModels(varve.database.pool)).toEqual(rows);
});

test('an auditor verifies and does not rebuild', async () => {
  const { body } = await varve.call('POST', '/v1/api-keys', { name: 'auditor', role: 'auditor' });
  const auditor = createApi(varve.url, body.key);
  expect((await auditor.call('POST', '/v1/projections/all/rebuild')).status).toBe(403);
  expect((await auditor.call('POST', '/v1/verifications')).status).toBe(202);
  const unknown = await varve.call('POST', '/v1/projections/nothing/rebuild');
  expect([unknown.status, unknown.body.code]).toEqual([404, 'not_found']);
});

describe('the commands', () => {
  test('rebuild says what was found', async () => {
    await varve.database.pool.query(
      `update key_definitions set retired = true where ledger = 'other' and key = '${key}'`,
    );
    const repaired = await run('projections-rebuild.ts', ['keys']);
    expect(repaired).toMatchObject({
      code: 0,
      out: expect.stringContaining('1 changed\n  other limits.tokens 1'),
    });
    const asJson = await run('projections-rebuild.ts', ['keys', '--json']);
    expect(JSON.parse(asJson.out)).toMatchObject({ state: 'done', projections: ['keys'] });
  });

  test('wrongly called they end with 2, failed with 1, helped with 0', async () => {
    const runs = await Promise.all([
      run('projections-rebuild.ts', ['--fast']),
      run('ledger-verify.ts', ['--fast']),
      run('projections-rebuild.ts', ['nothing']),
      run('ledger-verify.ts', [], 'nobody'),
      run('projections-rebuild.ts', ['--help']),
      run('ledger-verify.ts', ['--help']),
    ]);
    expect(runs.map(({ code }) => code)).toEqual([2, 2, 1, 1, 0, 0]);
    expect(runs[2]?.err).toBe('projections:rebuild: there is no projection nothing\n');
  });

  test('verify reports, and names a faulty log by revision', async () => {
    const sound = await run('ledger-verify.ts', []);
    expect(sound).toMatchObject({
      code: 0,
      out: expect.stringMatching(/verified: \d+ checks, no violation\n$/),
    });
    // As the owner of the tables could, who is not held by grants, with the triggers that refuse it out of the way.
    await varve.database.pool.query(`
      alter table ledger_events disable trigger ledger_events_append_only;
      update ledger_events set canonical = convert_to(
          replace(convert_from(canonical, 'UTF8'), '"reason":"a test"', '"reason":"not so"'), 'UTF8')
       where ledger = 'default' and revision = 20;
      alter table ledger_events enable always trigger ledger_events_append_only`);
    const faulty = await run('ledger-verify.ts', []);
    expect(faulty.code).toBe(1);
    expect(faulty.out).toContain('default revision 20 says another actor, reason or time than its changeset');
    expect(faulty.out).toMatch(/read models +violated/);
    expect(faulty.out).toContain('history: default 20');
  });
});
