/**
 * Keeps the embedded server running while we own its folder: when it dies, it is started again on the same
 * folder and socket, so that connection pools come back by themselves.
 * Comes in: a place to run. Goes out: word of every unexpected end. Never gives up (a full disk may be emptied),
 * and waits longer each time, at most `longestPauseMs`.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { PostgresEnd, PostgresPlace, PostgresProcess } from './postgres-process.ts';
import { endLeftovers, endPostgres, findPostmaster, startPostgres } from './postgres-process.ts';
import { isRunning, sendSignal } from './processes.ts';

export type EndListener = (end: PostgresEnd) => void;

export interface PostgresSupervisor {
  /** The process that runs now; while the server is down, the one that ran last. */
  readonly pid: number;
  onExit(listener: EndListener): void;
  /** Ends the server for good, also in the middle of a restart; later calls wait for the same end. */
  stop(): Promise<void>;
}

const shortestPauseMs = 50;
const longestPauseMs = 5_000;
/** A server that lived this long was well: the next pause is short again. */
const steadyAfterMs = 10_000;

/** Starts the server and watches it until `stop`. Failures of the first start are those of `startPostgres`. */
export async function supervisePostgres(
  place: PostgresPlace,
  log: (line: string) => void,
): Promise<PostgresSupervisor> {
  const { data, socketFolder } = place;
  const listeners = new Set<EndListener>();
  const stopping = new AbortController();
  let current = await startPostgres(place);
  let pauseMs = shortestPauseMs;
  // Whoever exits without `stop` takes the server along; only signals that kill us at once leave an orphan.
  const endWithUs = (): void => {
    if (isRunning(current.identity)) sendSignal(current.identity.pid, 'SIGINT');
  };
  process.on('exit', endWithUs);

  const watching = watch();
  let stopped: Promise<void> | undefined;
  return {
    get pid() {
      return current.identity.pid;
    },
    onExit: (listener) => void listeners.add(listener),
    stop: () => (stopped ??= stop()),
  };

  async function watch(): Promise<void> {
    while (!stopping.signal.aborted) {
      const steady = setTimeout(() => {
        pauseMs = shortestPauseMs;
      }, steadyAfterMs);
      const end = await current.ended;
      clearTimeout(steady);
      if (stopping.signal.aborted) return;
      log(`PostgreSQL ended unexpectedly (${end.signal ?? `code ${end.code}`}); it is started again`);
      for (const listener of listeners) listener(end);
      const next = await restart();
      if (next === undefined) return;
      current = next;
      log(`PostgreSQL runs again (process ${current.identity.pid})`);
    }
  }

  async function restart(): Promise<PostgresProcess | undefined> {
    while (!stopping.signal.aborted) {
      await sleep(pauseMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      pauseMs = Math.min(pauseMs * 2, longestPauseMs);
      if (stopping.signal.aborted) return undefined;
      try {
        await endLeftovers(data, socketFolder);
        return await startPostgres(place);
      } catch (error) {
        log(error instanceof Error ? error.message : String(error));
      }
    }
    return undefined;
  }

  async function stop(): Promise<void> {
    stopping.abort();
    await endCurrent();
    await watching;
    // A restart under way when we were asked to stop is ended in its recovery, or right after it.
    await endCurrent();
    process.off('exit', endWithUs);
  }

  async function endCurrent(): Promise<void> {
    const identity = isRunning(current.identity) ? current.identity : findPostmaster(data.clusterDir);
    if (identity !== undefined) await endPostgres(identity, data, socketFolder);
    await current.ended;
    await endLeftovers(data, socketFolder);
  }
}
