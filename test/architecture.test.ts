/**
 * The architecture as a test: every rule of the house over every file, and every rule over a planted violation.
 * Files come in from src/, projections/, scripts/ and test/; nothing is written. The plan is support/house-plan.ts.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type HouseRule, houseRules } from './support/house-rules.ts';
import { parseSource, type SourceFile } from './support/imports.ts';

const topFolders = ['src', 'projections', 'scripts', 'test'];

type RuleName = keyof typeof houseRules;

/** A file that breaks the rule, and the beginning of what the rule must say about it. */
type Planted = readonly [path: string, text: string, complaint: string];

const planted: Readonly<Record<RuleName, readonly Planted[]>> = {
  'arrows point inward': [
    [
      'src/domain/a.ts',
      `import { x } from '../ledger/x.ts';`,
      'src/domain/a.ts:1 domain must not import ledger',
    ],
    [
      'src/domain/a.ts',
      `import type { X } from '../ledger/x.ts';`,
      'src/domain/a.ts:1 domain must not import ledger',
    ],
    ['src/domain/a.ts', `import '../settings.ts';`, 'src/domain/a.ts:1 domain must not import settings'],
    ['src/ledger/a.ts', `\nexport * from '../http/x.ts';`, 'src/ledger/a.ts:2 ledger must not import http'],
    [
      'src/ledger/a.ts',
      `export type { X } from '../jobs/x.ts';`,
      'src/ledger/a.ts:1 ledger must not import jobs',
    ],
    [
      'src/http/a.ts',
      `const x = await import('../database/x.ts');`,
      'src/http/a.ts:1 http must not import database',
    ],
    [
      'src/http/a.ts',
      `type X = import('../database/x.ts').X;`,
      'src/http/a.ts:1 http must not import database',
    ],
    [
      'src/queries/a.ts',
      `const x = require('../http/x.ts');`,
      'src/queries/a.ts:1 queries must not import http',
    ],
    [
      'src/console/a.tsx',
      `import { X } from '../sdk/x.ts';`,
      'src/console/a.tsx:1 console must not import sdk',
    ],
    ['src/http/a.ts', `import { main } from '../main.ts';`, 'src/http/a.ts:1 http must not import main'],
    ['src/main.ts', `import { x } from '../test/support/x.ts';`, 'src/main.ts:1 main must not import test'],
    [
      'projections/a.ts',
      `import { x } from '../src/projector/x.ts';`,
      'projections/a.ts:1 projections must not import projector',
    ],
    [
      'src/cli/a.ts',
      `import { x } from '../../../other/x.ts';`,
      'src/cli/a.ts:1 imports ../other/x.ts, which is no part',
    ],
  ],
  'packages stay in their rooms': [
    [
      'src/domain/a.ts',
      `import { join } from 'node:path';`,
      "src/domain/a.ts:1 domain must not use Node's node:path",
    ],
    ['src/domain/a.ts', `import type { Pool } from 'pg';`, 'src/domain/a.ts:1 domain must not use pg'],
    ['src/http/a.ts', `import pg from 'pg';`, 'src/http/a.ts:1 http must not use pg'],
    ['src/ledger/a.ts', `import { Queue } from 'bullmq';`, 'src/ledger/a.ts:1 ledger must not use bullmq'],
    ['src/sdk/a.ts', `import x from '@fastify/sse/y';`, 'src/sdk/a.ts:1 sdk must not use @fastify/sse'],
    ['projections/a.ts', `import pg from 'pg';`, 'projections/a.ts:1 projections must not use pg'],
  ],
  'imports are literal': [
    ['src/http/a.ts', `const x = await import(name);`, 'src/http/a.ts:1 imports a computed name'],
    ['src/http/a.ts', 'const x = await import(`./a` + `.ts`);', 'src/http/a.ts:1 imports a computed name'],
  ],
  'the environment is read by the settings': [
    ['src/http/a.ts', `const x = process.env['X'];`, 'src/http/a.ts:1 uses process.env'],
    ['src/http/a.ts', `const x = globalThis.process.env;`, 'src/http/a.ts:1 uses process.env'],
    ['src/http/a.ts', `const { env } = process;`, 'src/http/a.ts:1 uses process.env'],
    ['scripts/a.ts', `import { env } from 'node:process';`, 'scripts/a.ts:1 uses process.env'],
    ['src/http/a.ts', `process['env'].X = '1';`, 'src/http/a.ts:1 uses process.env'],
  ],
  'clock, randomness and ids come from the composition root': [
    ['src/domain/a.ts', `const x = Date.now();`, 'src/domain/a.ts:1 uses Date.now'],
    ['src/domain/a.ts', `const x = { now: Date.now };`, 'src/domain/a.ts:1 uses Date.now'],
    ['src/domain/a.ts', `const x = new Date();`, 'src/domain/a.ts:1 uses new Date()'],
    ['src/domain/a.ts', `const x = Date();`, 'src/domain/a.ts:1 uses Date()'],
    ['src/domain/a.ts', `const { random } = Math;`, 'src/domain/a.ts:1 uses Math.random'],
    ['src/jobs/a.ts', `const x = performance.now();`, 'src/jobs/a.ts:1 uses performance.now'],
    [
      'src/jobs/a.ts',
      `import { performance } from 'node:perf_hooks';`,
      'src/jobs/a.ts:1 uses perf_hooks.performance',
    ],
    ['src/jobs/a.ts', `const x = process.hrtime.bigint();`, 'src/jobs/a.ts:1 uses process.hrtime'],
    ['src/jobs/a.ts', `const x = crypto.randomUUID();`, 'src/jobs/a.ts:1 uses crypto.randomUUID'],
    [
      'src/jobs/a.ts',
      `import { createHash, randomBytes as r } from 'node:crypto';`,
      'src/jobs/a.ts:1 uses crypto.randomBytes',
    ],
    ['projections/a.ts', `import { v7 } from 'uuid';`, 'projections/a.ts:1 uses uuid.v7'],
  ],
  'our own modules are not mocked': [
    [
      'test/http/a.test.ts',
      `vi.mock('../../src/http/x.ts');`,
      'test/http/a.test.ts:1 mocks a module of our own',
    ],
  ],
  'DDL stands in migrations': [
    ['src/database/a.ts', 'const sql = `\n  create table x (y int)`;', 'src/database/a.ts:1 holds DDL'],
    ['src/queries/a.ts', `const sql = 'ALTER TABLE x add y int';`, 'src/queries/a.ts:1 holds DDL'],
    ['scripts/a.ts', `const sql = 'drop schema if exists x';`, 'scripts/a.ts:1 holds DDL'],
  ],
  'every file stands in a room': [
    ['src/helpful/a.ts', '', 'src/helpful/a.ts stands in no room'],
    ['src/start-up.ts', '', 'src/start-up.ts stands in no room'],
    ['src/test/a.ts', '', 'src/test/a.ts stands in no room'],
  ],
  'files are short': [['src/domain/a.ts', '\n'.repeat(301), 'src/domain/a.ts has 301 lines']],
  'folders are shallow': [['src/http/a/b/c.ts', '', 'src/http/a/b/c.ts lies 4 folders deep']],
  'names are kebab-case': [
    ['src/http/someRoute.ts', '', 'src/http/someRoute.ts is not kebab-case'],
    ['src/http/a_b/c.ts', '', 'src/http/a_b/c.ts is not kebab-case'],
    ['src/console/App.tsx', '', 'src/console/App.tsx is not kebab-case'],
  ],
  'names mean something': [
    ['src/http/utils.ts', '', 'src/http/utils.ts is named for nothing'],
    ['src/http/key-manager.ts', '', 'src/http/key-manager.ts is named for nothing'],
    ['test/helpers/a.test.ts', '', 'test/helpers/a.test.ts is named for nothing'],
  ],
  'there are no barrels': [['src/domain/index.ts', '', 'src/domain/index.ts is a barrel']],
  'files say what they are': [
    [
      'src/domain/a.ts',
      `import 'zod';\n/** Too late. */`,
      'src/domain/a.ts does not begin with a header comment',
    ],
  ],
};

/** Files that keep all rules, each near to a violation. */
const innocent: readonly SourceFile[] = [
  ['src/domain/a.ts', `import { z } from 'zod';\nimport { Failure } from '../failure.ts';\nimport './b.ts';`],
  ['src/domain/b.ts', `const at = new Date(0); const sum = Math.max(1, 2); const text = 'process.env';`],
  [
    'src/http/c.ts',
    `import type { Ledger } from '../ledger/ledger.ts';\nimport { createHash } from 'node:crypto';`,
  ],
  ['src/http/key-service-role.ts', `import { validate } from 'uuid'; // create table, Date.now()`],
  ['src/main.ts', `import { Pool } from 'pg';\nimport './http/c.ts';\nconst now = Date.now();`],
  ['src/settings.ts', `export const port = process.env['VARVE_PORT'];`],
  ['src/database/d.ts', `const sql = 'insert into x (y) values ($1)';\nimport '../../package.json';`],
  ['src/database/migrate.ts', `const sql = 'create table if not exists x (y int)';`],
  [
    'projections/index.ts',
    `import type { Projection } from '../src/projector/projection.ts';\nimport './e.ts';`,
  ],
  ['scripts/f.ts', `import '../src/main.ts';`],
  ['test/database/g.integration.test.ts', `const sql = 'drop table x'; vi.mock('pino');`],
].map(([path = '', text = '']) => ({ path, text: `/** What it is. */\n${text}\n` }));

function readSources(): readonly SourceFile[] {
  return topFolders
    .filter((folder) => existsSync(folder))
    .flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: 'utf8' })
        .filter((name) => /\.tsx?$/.test(name))
        .map((name) => ({ path: `${folder}/${name}`, text: readFileSync(`${folder}/${name}`, 'utf8') })),
    );
}

const rules: readonly (readonly [string, HouseRule])[] = Object.entries(houseRules);
const sources = readSources().map(parseSource);

describe('the house', () => {
  test.each(['src/main.ts', 'projections/index.ts'])('has %s', (path) => {
    expect(sources.some((source) => source.path === path)).toBe(true);
  });

  test.each(rules)('%s', (_name, rule) => {
    expect(rule(sources)).toEqual([]);
  });
});

describe('a planted violation is caught', () => {
  const cases = rules.flatMap(([name]) =>
    Object.entries(planted).flatMap(([of, files]) =>
      of === name ? files.map((file) => [name, ...file] as const) : [],
    ),
  );

  test.each(cases)('%s: %s %j', (name, path, text, complaint) => {
    const [, rule] = rules.find(([of]) => of === name) ?? [];
    expect(rule?.([parseSource({ path, text })])).toEqual([expect.stringContaining(complaint)]);
  });

  test.each(rules)('and the innocent is not accused: %s', (_name, rule) => {
    expect(rule(innocent.map(parseSource))).toEqual([]);
  });
});
