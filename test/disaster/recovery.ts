/** How long writes may take to flow again, and how long they do. */
import type { Client } from './client.ts';
import type { Load } from './writers.ts';

/** Without anybody's help. */
export const recoveryLimitMs = 60_000;

/** Waits until writes flow again (at this server); answers after how many milliseconds the first one came through. */
export async function untilWritten(load: Load, leastWrites: number, by?: Client): Promise<number> {
  const from = performance.now();
  await load.acknowledgedFromNow(1, recoveryLimitMs, by);
  const recoveryMs = Math.round(performance.now() - from);
  await load.acknowledgedFromNow(leastWrites, recoveryLimitMs, by);
  return recoveryMs;
}
