/** The database-gone disaster in short; `npm run disaster -- database-gone` runs it longer. */
import { test } from 'vitest';
import { expectToPass } from './in-short.ts';
import { databaseGone } from './scenarios/database-gone.ts';

test('reads go on and tell their age, writes are unavailable in time, all comes back by itself', async () => {
  await expectToPass(databaseGone, { cycles: 1, seconds: 7 });
});
