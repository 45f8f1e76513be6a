/** The queue-wiped disaster in short; `npm run disaster -- queue-wiped` runs it longer. */
import { test } from 'vitest';
import { expectToPass } from './in-short.ts';
import { queueWiped } from './scenarios/queue-wiped.ts';

test('what the queue was to do is done although it was wiped', async () => {
  await expectToPass(queueWiped, { cycles: 1, seconds: 1 });
});
