/**
 * Watches whether the database answers: one small question at a time on a connection of its own.
 * Comes in: a connection string. Goes out: up or down, since when and why, and word of every silence. It decides nothing:
 * reads go on from memory, and every wait has a limit of its own.
 */
import { readCode } from './database-failure.ts';
import { createPool } from './pool.ts';

export interface DatabaseHealth {
  readonly isUp: boolean;
  /** Why not, by a code such as `ECONNREFUSED` or `57P03`; undefined while it is up. */
  readonly problem: string | undefined;
}

export interface DatabaseWatch {
  health(): DatabaseHealth;
  stop(): Promise<void>;
}

const everyMs = 1_000;
/** A database that takes longer for the smallest question is as good as away. */
const answerLimitMs = 5_000;

/** `onSilent` is called each time that the database did not answer at all within the limit (5 s): what is under way may hang. */
export function watchDatabase(
  connectionString: string,
  onSilent: () => void,
  limitMs: number = answerLimitMs,
): DatabaseWatch {
  const pool = createPool(connectionString, {
    max: 1,
    applicationName: 'varve-watch',
    statementTimeoutMs: limitMs,
    checkoutLimitMs: limitMs,
    connectLimitMs: limitMs,
  });
  let health: DatabaseHealth = { isUp: true, problem: undefined };
  let isStopping = false;
  let wake: () => void = () => undefined;

  const look = async (): Promise<void> => {
    try {
      await pool.query('select 1');
      health = { isUp: true, problem: undefined };
    } catch (error) {
      const problem = readCode(error) ?? 'unknown';
      health = { isUp: false, problem };
      if (problem === 'ETIMEDOUT' || problem === 'CONNECTION_LOST') onSilent();
    }
  };
  const watching = (async () => {
    while (!isStopping) {
      await look();
      if (isStopping) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
        setTimeout(resolve, everyMs).unref();
      });
    }
  })();
  return {
    health: () => health,
    async stop() {
      isStopping = true;
      wake();
      pool.abandon();
      await watching;
      await pool.end();
    },
  };
}
