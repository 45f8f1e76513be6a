/**
 * What every engine of the Ledger port promises (src/ledger/ledger.ts), one test for each sentence.
 * An engine's test file calls `describeLedger` with a way to open logs; `elsewhere` is the same log as another process
 * would open it.
 */
import { afterEach, beforeEach, describe } from 'vitest';
import { describeAppend } from './contract-append.ts';
import type { ContractStand, OpenedLog } from './contract-events.ts';
import { describeFollow } from './contract-follow.ts';
import { describeRead } from './contract-read.ts';

/**
 * `engine` is the engine's own name, `where` tells two of one engine apart. `makeLog` opens a log; every test asks about
 * ledgers that no other names, so it need not be a new one, not even of this run.
 */
export function describeLedger(engine: string, makeLog: () => Promise<OpenedLog>, where = ''): void {
  describe(`the ${engine} engine${where}`, () => {
    let log: OpenedLog;
    let count = 0;
    const run = Date.now().toString(36);
    const stand: ContractStand = {
      get log() {
        return log;
      },
      get name() {
        return `contract-${run}-${count}`;
      },
    };
    beforeEach(async () => {
      log = await makeLog();
      count += 1;
    });
    afterEach(() => log.close());

    describeAppend(stand, engine);
    describeRead(stand);
    describeFollow(stand);
  });
}
