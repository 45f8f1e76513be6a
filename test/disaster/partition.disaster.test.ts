/** The partition disaster in short; `npm run disaster -- partition` runs it longer. */
import { test } from 'vitest';
import { expectToPass } from './in-short.ts';
import { partition } from './scenarios/partition.ts';

test('the one cut off serves old reads and says so, the other goes on, and afterwards both tell the same', async () => {
  await expectToPass(partition, { cycles: 2, seconds: 6 });
});
