/**
 * A rebuild of every read model in a running server, while others read from tables and write: requests that failed, the
 * slowest read, and whether the tables equal a replay afterwards. A database with a filled log and its read models comes in.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { BenchOptions } from './bench-options.ts';
import type { Figure } from './figure.ts';
import type { LoadTarget } from './load.ts';
import { startVarve } from './server-process.ts';
import { createRandom } from './world.ts';

const writersPauseMs = 50;
const readersPauseMs = 5;
const readers = 4;
const pollMs = 500;

const readPaths = [
  '/v1/history?limit=50',
  '/v1/history?actor=actor-7&limit=50',
  '/v1/history?key=ai.feature_3.setting&limit=50',
  '/v1/resolve/ai.feature_3.setting?user=u-17&tenant=t-5&asOf=5000',
  '/v1/explain/ai.feature_5.setting?user=u-18&asOf=9000',
  '/v1/models?limit=20',
  '/v1/keys?limit=20',
];

interface Load {
  readonly failed: string[];
  reads: number;
  writes: number;
  slowestMs: number;
  isOver: boolean;
}

export async function benchRebuildUnderLoad(
  databaseUrl: string,
  folder: string,
  events: number,
  { say }: BenchOptions,
): Promise<readonly Figure[]> {
  const varve = await startVarve(folder, { DATABASE_URL: databaseUrl, VARVE_SEED: 'none' });
  try {
    say('P6: rebuilding again in a server, under reads and writes');
    const load: Load = { failed: [], reads: 0, writes: 0, slowestMs: 0, isOver: false };
    const busy = [
      write(varve, load),
      ...Array.from({ length: readers }, (_, index) => read(varve, load, index)),
    ];
    const began = performance.now();
    const rebuilt = await replay(varve, '/v1/projections/all/rebuild', 'rebuilds');
    const seconds = (performance.now() - began) / 1000;
    load.isOver = true;
    await Promise.all(busy);
    say('P6: verifying the log, and the tables against a replay');
    const beganVerifying = performance.now();
    const verified = await replay(varve, '/v1/verifications', 'verifications');
    const verifySeconds = (performance.now() - beganVerifying) / 1000;
    return figuresOf(events, load, seconds, verifySeconds, differencesOf(rebuilt) + violationsOf(verified));
  } finally {
    await varve.stop();
  }
}

async function write(target: LoadTarget, load: Load): Promise<void> {
  for (; !load.isOver; await wait(writersPauseMs)) {
    const path = `/v1/overrides/ai.feature_${load.writes % 100}.setting?scope=user:w-${load.writes % 37}`;
    const body = JSON.stringify({ value: `Written ${load.writes}`, reason: 'while it is rebuilt' });
    const response = await fetch(`${target.url}${path}`, { method: 'PUT', headers: target.headers, body });
    if (!response.ok) load.failed.push(`write: ${response.status} ${await response.text()}`);
    else await response.arrayBuffer();
    load.writes += 1;
  }
}

async function read(target: LoadTarget, load: Load, reader: number): Promise<void> {
  const random = createRandom(reader);
  for (; !load.isOver; await wait(readersPauseMs)) {
    const path = readPaths[random(readPaths.length)] ?? '';
    const began = performance.now();
    const response = await fetch(`${target.url}${path}`, { headers: target.headers });
    const text = await response.text();
    load.slowestMs = Math.max(load.slowestMs, performance.now() - began);
    if (!response.ok) load.failed.push(`${path}: ${response.status} ${text}`);
    load.reads += 1;
  }
}

interface Told {
  readonly state: string;
  readonly error?: string;
  readonly comparison?: {
    readonly tables: readonly { missing: number; surplus: number; changed: number }[];
    readonly notCompared: readonly object[];
  };
  readonly checks?: readonly { readonly result: string; readonly violations: number }[];
}

async function replay(target: LoadTarget, path: string, list: string): Promise<Told> {
  const asked = await ask<{ id: string }>(target, 'POST', path);
  for (;;) {
    const told = await ask<Told>(target, 'GET', `/v1/${list}/${asked.id}`);
    if (told.state === 'done') return told;
    if (told.state === 'failed') throw new Error(`${path}: ${told.error}`);
    await wait(pollMs);
  }
}

async function ask<Answer>(target: LoadTarget, method: string, path: string): Promise<Answer> {
  const { authorization = '' } = target.headers;
  const response = await fetch(`${target.url}${path}`, { method, headers: { authorization } });
  const body: unknown = await response.json();
  if (!response.ok) throw new Error(`${path}: ${response.status} ${JSON.stringify(body)}`);
  return body as Answer;
}

function differencesOf({ comparison }: Told): number {
  const { tables = [], notCompared = [] } = comparison ?? {};
  const rows = tables.reduce((sum, { missing, surplus, changed }) => sum + missing + surplus + changed, 0);
  return rows + notCompared.length;
}

function violationsOf({ checks = [] }: Told): number {
  return checks.reduce(
    (sum, { result, violations }) => sum + (result === 'ok' ? 0 : Math.max(violations, 1)),
    0,
  );
}

function figuresOf(
  events: number,
  load: Load,
  seconds: number,
  verifySeconds: number,
  differing: number,
): readonly Figure[] {
  const told = {
    number: 'P6',
    yardstick: undefined,
    ratio: undefined,
    target: undefined,
    isReached: undefined,
  };
  const { failed, reads, writes, slowestMs } = load;
  const traffic = `${reads.toLocaleString('en')} reads from tables, ${writes.toLocaleString('en')} writes meanwhile`;
  for (const failure of failed.slice(0, 5)) console.error(`  failed: ${failure}`);
  return [
    {
      ...told,
      what: `rebuilt in a server, compared, swapped; ${traffic}`,
      figure: events / seconds,
      unit: '/s',
    },
    {
      ...told,
      what: 'requests that failed meanwhile',
      figure: failed.length,
      unit: '',
      target: '0',
      isReached: failed.length === 0 && reads > 0 && writes > 0,
    },
    { ...told, what: 'the slowest read meanwhile', figure: slowestMs, unit: 'ms' },
    {
      ...told,
      what: 'rows that differ from a replay, and other violations',
      figure: differing,
      unit: '',
      target: '0',
      isReached: differing === 0,
    },
    { ...told, what: 'log and tables verified', figure: events / verifySeconds, unit: '/s' },
  ];
}
