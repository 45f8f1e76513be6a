/** The full-disk disaster in short; `npm run disaster -- full-disk` runs it longer. */
import { expect, test } from 'vitest';
import { expectToPass } from './in-short.ts';
import { fullDisk } from './scenarios/full-disk.ts';

test('reads go on while the disk is full, also when the database ends for it, and writes come back with the room', async () => {
  const report = await expectToPass(fullDisk, { cycles: 2, seconds: 2 });
  expect(report.notes[0]).toMatch(/^the disk: a (tmpfs|fault)/);
});
