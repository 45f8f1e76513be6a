/** The slow-database disaster in short; `npm run disaster -- slow-database` runs it longer. */
import { test } from 'vitest';
import { expectToPass } from './in-short.ts';
import { slowDatabase } from './scenarios/slow-database.ts';

test('a slow database is borne, a useless one is told of in time', async () => {
  await expectToPass(slowDatabase, { cycles: 1, seconds: 6 });
});
