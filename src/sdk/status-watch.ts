/**
 * How a client stands, and who is told when that changes. In: what its parts say; out: a status, and one call a change.
 * One timer waits for the moment at which values become stale; it keeps no process alive.
 */
import { isLasting } from './connection.ts';
import { Listeners } from './listeners.ts';
import type { VarveStatus } from './varve.ts';

interface StatusOn {
  readonly status: () => VarveStatus;
  readonly staleAfterMs: number;
  readonly onThrown: (thrown: unknown) => void;
}

export interface StatusWatch {
  readonly listen: (listener: (status: VarveStatus) => void) => () => void;
  /** Looks whether something changed. */
  readonly check: () => void;
  readonly close: () => void;
}

export function createStatusWatch({ status, staleAfterMs, onThrown }: StatusOn): StatusWatch {
  const listeners = new Listeners<VarveStatus>(onThrown);
  let told = status();
  let timer: NodeJS.Timeout | undefined;

  function check(): void {
    const now = status();
    const isChanged =
      now.state !== told.state ||
      now.transport !== told.transport ||
      now.source !== told.source ||
      isRefused(now) !== isRefused(told);
    told = now;
    // News comes all the time: the timer that is there looks again when it is due.
    if (now.state === 'live') timer ??= setTimeout(look, staleAfterMs - now.ageMs + 1).unref();
    if (isChanged) listeners.tell(now);
  }

  function look(): void {
    timer = undefined;
    check();
  }

  return {
    listen: (listener) => listeners.add(listener),
    check,
    close: () => {
      clearTimeout(timer);
      check();
      listeners.clear();
    },
  };
}

/** Whether the key or the ledger is refused: then nothing comes right by itself. */
function isRefused({ failure }: VarveStatus): boolean {
  return failure !== undefined && isLasting(failure);
}
