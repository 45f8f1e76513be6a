/** All disasters, by name: what `npm run disaster` knows. */
import type { Scenario } from './scenario.ts';
import { databaseGone } from './scenarios/database-gone.ts';
import { fullDisk } from './scenarios/full-disk.ts';
import { kill } from './scenarios/kill.ts';
import { partition } from './scenarios/partition.ts';
import { queueWiped } from './scenarios/queue-wiped.ts';
import { slowDatabase } from './scenarios/slow-database.ts';

export const scenarios: readonly Scenario[] = [
  kill,
  databaseGone,
  queueWiped,
  partition,
  fullDisk,
  slowDatabase,
];
