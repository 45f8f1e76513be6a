/**
 * The clock that all servers share, without asking for it each time: the database's, as it was last read, carried on by
 * this machine's counter of elapsed time. So a wrong wall clock here neither moves "now" nor ever steps it.
 * In: readings of the shared clock, its own and those that writes make anyhow; out: epoch milliseconds at once.
 * While the database is away it goes on by itself; two counters drift apart by some milliseconds a minute at most.
 */

export interface SharedClockDependencies {
  /** Asks the database; rejects while it is away. */
  readonly read: () => Promise<number>;
  /** Milliseconds that never run backwards. */
  readonly elapsed: () => number;
  /** How often it is read when nobody else does. */
  readonly everyMs: number;
}

export interface SharedClock {
  /** Epoch milliseconds, whole. */
  readonly now: () => number;
  /** Asks the database, and goes on from what it says. */
  readonly read: () => Promise<number>;
  readonly stop: () => void;
}

/** What a reading may be wrong by grows as it ages: a machine's counter is off by less than this share. */
const driftShare = 1 / 1_000;

/** Resolves with the first reading; rejects when there is none. */
export async function startSharedClock(dependencies: SharedClockDependencies): Promise<SharedClock> {
  const { elapsed, everyMs } = dependencies;
  let offset = 0;
  let readAt = 0;
  let uncertainty = Number.POSITIVE_INFINITY;

  async function read(): Promise<number> {
    const asked = elapsed();
    const time = await dependencies.read();
    const answered = elapsed();
    // It was read before it was answered: so "now" is never ahead of the shared clock, and behind by no more than the
    // answer took. One that took long, on a busy machine, tells less than an older one that came at once.
    const took = answered - asked;
    if (took <= uncertainty + (answered - readAt) * driftShare) {
      offset = time - answered;
      readAt = answered;
      uncertainty = took;
    }
    return time;
  }

  await read();
  const timer = setInterval(() => {
    read().catch(() => undefined);
  }, everyMs);
  timer.unref();
  return {
    now: () => Math.floor(elapsed() + offset),
    read,
    stop: () => clearInterval(timer),
  };
}
