/**
 * Time limits on our own side of a connection. A server that cannot be reached enforces none of its own, and packets that
 * vanish leave a connection open for a quarter of an hour. Comes in: clients of the driver. Goes out: sockets closed in
 * time, so that whoever waits hears `unavailable`. Must never be used where a wait of any length is right.
 */
import type pg from 'pg';

/**
 * What sessions over TCP ask of the server, so that it lets go of locks and rows of a client that fell silent: within
 * about 25 s. Ignored on a unix socket, whose ends know of each other.
 */
export const sessionLimits: readonly string[] = [
  '-c tcp_keepalives_idle=10',
  '-c tcp_keepalives_interval=5',
  '-c tcp_keepalives_count=3',
  '-c tcp_user_timeout=20000',
  '-c client_connection_check_interval=5000',
];

/** Silence after which our system asks whether the server's is still there, milliseconds. */
export const keepAliveAfterMs = 10_000;

/** For connections beside the pools, milliseconds. */
export const connectLimitMs = 5_000;

/** Closes a connection at once; what waits on it fails with `ETIMEDOUT`, an outage. */
export function cutConnection(client: pg.Client, why: string): void {
  client.connection.stream.destroy(Object.assign(new Error(why), { code: 'ETIMEDOUT' }));
}

/** Ends a connection politely, or by force when the server does not answer that in time. Never rejects. */
export async function endConnection(client: pg.Client, limitMs: number): Promise<void> {
  const timer = setTimeout(() => cutConnection(client, 'The connection did not end in time'), limitMs);
  await client.end().catch(() => undefined);
  clearTimeout(timer);
}

/** Asks for a sign of life; cuts the connection when there is none in time. Resolves to whether it lives. */
export async function isAlive(client: pg.Client, limitMs: number): Promise<boolean> {
  const timer = setTimeout(() => cutConnection(client, `No sign of life in ${limitMs} ms`), limitMs);
  try {
    await client.query('select 1');
    return true;
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}

export interface CheckoutLimits {
  /** Cuts every connection of the pool: those at work fail, and new ones are made when they are needed. */
  abandon(): void;
}

/**
 * Cuts a connection that is away from its pool for longer than `limitMs` (undefined: never), whatever it does: one timer
 * for a whole transaction, however many statements it has. The idle ones are then suspect too and go with it.
 */
export function limitCheckouts(pool: pg.Pool, limitMs: number | undefined): CheckoutLimits {
  /** All open ones, with the timer of those that are away. */
  const open = new Map<pg.Client, NodeJS.Timeout | undefined>();
  const idle = new Set<pg.Client>();
  const tooLong = (client: pg.Client): void => {
    cutConnection(client, `The database did not finish in ${limitMs} ms`);
    for (const other of idle) cutConnection(other, 'Another connection of this pool was silent for too long');
  };
  pool.on('connect', (client) => {
    open.set(client, undefined);
    client.once('end', () => {
      clearTimeout(open.get(client));
      open.delete(client);
      idle.delete(client);
    });
  });
  pool.on('acquire', (client) => {
    idle.delete(client);
    if (limitMs !== undefined && open.has(client)) open.set(client, setTimeout(tooLong, limitMs, client));
  });
  pool.on('release', (_error, client) => {
    clearTimeout(open.get(client));
    if (!open.has(client)) return;
    open.set(client, undefined);
    idle.add(client);
  });
  return {
    abandon() {
      for (const client of open.keys()) cutConnection(client, 'The database fell silent');
    },
  };
}
