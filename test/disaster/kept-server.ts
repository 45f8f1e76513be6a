/**
 * Keeps one Varve running as a person would: whenever its process has ended, it is started again.
 * In: a place; out: a server that comes back, and word of every end that nobody caused.
 */
import { spawnVarve, type VarvePlace, type VarveProcess } from './varve-process.ts';

export interface KeptServer {
  /** Resolves when the first start is ready; rejects with what it said when it is not. */
  readonly started: Promise<void>;
  /** Where it stands. */
  readonly place: VarvePlace;
  /** kill -9 and a new start. */
  kill(): Promise<void>;
  /** The database was killed: a start that is under way may fail because of it. */
  databaseWasKilled(): void;
  /** Ends it politely; answers how it ended, or undefined when it did not within the limit (then it is killed). */
  stop(limitMs: number): Promise<number | string | undefined>;
  /** Ends that nobody caused, and starts that were not ready in time. */
  complaints(): readonly string[];
  /** Starts that failed while the database had been killed under them, and were repeated. */
  repeatedStarts(): number;
}

const startLimitMs = 60_000;

export function keepServer(place: VarvePlace): KeptServer {
  const complaints: string[] = [];
  let repeatedStarts = 0;
  let isStopping = false;
  let wasKilled = false;
  let isReady = false;
  let databaseWasKilled = false;
  let current: VarveProcess = spawnVarve(place);

  const watchStart = async (process: VarveProcess): Promise<void> => {
    const ready = await process.ready(startLimitMs);
    if (process !== current || isStopping || wasKilled) return;
    isReady = ready;
    if (ready) databaseWasKilled = false;
  };
  const keep = async (): Promise<void> => {
    for (;;) {
      const end = await current.ended;
      if (isStopping) return;
      if (!wasKilled) {
        if (!isReady && databaseWasKilled) repeatedStarts++;
        else complaints.push(`the server ended by itself (${end.signal ?? `code ${end.code}`})`);
      }
      if (complaints.length > 5) return;
      wasKilled = false;
      isReady = false;
      current = spawnVarve(place);
      void watchStart(current);
    }
  };
  const started = watchStart(current).then(() => {
    if (!isReady) throw new Error(`Varve was not ready in ${startLimitMs} ms, see ${place.logFile}`);
  });
  const kept = keep();

  return {
    started,
    place,
    async kill() {
      const victim = current;
      wasKilled = true;
      databaseWasKilled = false;
      victim.signal('SIGKILL');
      await victim.ended;
    },
    databaseWasKilled() {
      databaseWasKilled = true;
    },
    async stop(limitMs) {
      isStopping = true;
      const victim = current;
      victim.signal('SIGTERM');
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<undefined>((resolve) => {
        timer = setTimeout(() => resolve(undefined), limitMs);
      });
      const end = await Promise.race([victim.ended, late]);
      clearTimeout(timer);
      if (end === undefined) victim.signal('SIGKILL');
      await kept;
      return end === undefined ? undefined : (end.signal ?? end.code ?? 'no end');
    },
    complaints: () => complaints,
    repeatedStarts: () => repeatedStarts,
  };
}
