/**
 * Where a disaster happens: a folder of its own in the system's temporary folder, a free port, an admin's key.
 * Out: the place, and how to take it away. Its name begins otherwise than the scratch folders of the tests: those are
 * swept when they look abandoned, and here they do so each time the server was killed.
 */
import { chmod, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { clusterOf, freePort, type VarvePlace } from './varve-process.ts';

export interface DisasterPlace extends VarvePlace {
  /** Holds everything that the run makes. */
  readonly folder: string;
}

export async function makePlace(): Promise<DisasterPlace> {
  const port = await freePort();
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'varve-disaster-')));
  // The database's account may pass through, and not list it.
  await chmod(folder, 0o711);
  return {
    folder,
    dataDir: join(folder, 'data'),
    port,
    adminKey: `varve_admin_disaster_${'k'.repeat(40)}`,
    logFile: join(folder, 'varve.log'),
  };
}

export async function removePlace(place: DisasterPlace): Promise<void> {
  const options = { recursive: true, force: true, maxRetries: 3 } as const;
  await rm(dirname(clusterOf(place)), options);
  await rm(place.folder, options);
}
