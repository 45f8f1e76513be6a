/**
 * How the tests run: four projects, told apart by the file's name.
 * In come test/**; out go the pass/fail lines and the closing summary (test/support/summary-reporter.ts).
 * `npm test` runs unit and integration; disasters take minutes (`npm run test:disasters`); redis needs a server that
 * `npm ci` does not bring (`npm run test:redis`).
 */
import { defineConfig } from 'vitest/config';

const integrationTests = 'test/**/*.integration.test.ts';
const redisTests = 'test/**/*.redis.test.ts';
const disasterTests = 'test/**/*.disaster.test.ts';

export default defineConfig({
  test: {
    reporters: ['default', './test/support/summary-reporter.ts'],
    pool: 'forks',
    maxWorkers: 2,
    allowOnly: false,
    teardownTimeout: 30_000,
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts', 'test/**/*.test.tsx'],
          exclude: [integrationTests, redisTests, disasterTests],
          // They share what they import: with a copy for each file they take twice as long (124 s, this way 68 s).
          isolate: false,
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'integration',
          include: [integrationTests],
          globalSetup: ['test/support/database-setup.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'disaster',
          include: [disasterTests],
          globalSetup: ['test/support/database-setup.ts'],
          // One after the other: each keeps several processes busy, and its bounds are those of a machine that is not.
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'redis',
          include: [redisTests],
          globalSetup: ['test/support/database-setup.ts', 'test/support/redis-setup.ts'],
          // One Redis and one name of each queue: side by side they would take each other's jobs.
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
