/**
 * How the tests run: three projects, told apart by the file's name.
 * In come test/**; out go the pass/fail lines and the closing summary (test/support/summary-reporter.ts).
 * `npm test` runs unit and integration; redis needs a server that `npm ci` does not bring (`npm run test:redis`).
 */
import { defineConfig } from 'vitest/config';

const integrationTests = 'test/**/*.integration.test.ts';
const redisTests = 'test/**/*.redis.test.ts';

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
          exclude: [integrationTests, redisTests],
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
          name: 'redis',
          include: [redisTests],
          globalSetup: ['test/support/database-setup.ts', 'test/support/redis-setup.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
