/**
 * A Varve in a process of its own with an embedded database in a scratch folder, for tests that stop or hurt it.
 * Starts and kills are those of test/disaster/varve-process.ts; here is what a test needs around them.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { sendSignal } from '../../src/database/processes.ts';
import {
  databaseProcesses,
  freePort,
  spawnVarve,
  type VarvePlace,
  type VarveProcess,
} from '../disaster/varve-process.ts';
import { makeScratchFolder } from '../support/scratch-folder.ts';
import { type Api, createApi } from '../support/varve-on.ts';

export interface ProcessPlace {
  readonly place: VarvePlace;
  readonly api: Api;
  /** Starts and waits until it can serve. */
  start(): Promise<VarveProcess>;
  /** What all its processes have said so far. */
  said(): string;
  /** Ends what runs still and removes the folder. */
  clear(): Promise<void>;
}

const startLimitMs = 30_000;
const stopLimitMs = 20_000;

export async function makeProcessPlace(): Promise<ProcessPlace> {
  const folder = await makeScratchFolder();
  const place: VarvePlace = {
    dataDir: join(folder.path, 'data'),
    port: await freePort(),
    adminKey: `varve_admin_process_${'p'.repeat(32)}`,
    logFile: join(folder.path, 'varve.log'),
  };
  const started: VarveProcess[] = [];
  const said = (): string => readFileSync(place.logFile, 'utf8');
  return {
    place,
    api: createApi(`http://127.0.0.1:${place.port}`, place.adminKey),
    async start() {
      const varve = spawnVarve(place);
      started.push(varve);
      if (!(await varve.ready(startLimitMs))) throw new Error(`it did not get ready: ${said()}`);
      return varve;
    },
    said,
    async clear() {
      for (const varve of started) {
        varve.signal('SIGTERM');
        const late = sleep(stopLimitMs, 'late', { ref: false });
        if ((await Promise.race([varve.ended, late])) === 'late') varve.signal('SIGKILL');
        await varve.ended;
      }
      for (const { pid } of databaseProcesses(place)) sendSignal(pid, 'SIGKILL');
      await folder.remove();
    },
  };
}
