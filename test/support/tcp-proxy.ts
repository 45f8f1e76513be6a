/**
 * A network that misbehaves, between a server and its database: one TCP proxy that cuts, swallows in one or both
 * directions, delays, narrows, or loses one answer. In: a Postgres URL; out: the URL through the proxy, and its switches.
 * What is swallowed is not gone: it is held, its end included, and delivered when the network heals, as TCP does. So
 * a request may arrive long after its sender gave up.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import pg from 'pg';

/** `up`: towards the database. */
export type Direction = 'up' | 'down';

export interface Slowness {
  /** Added to every packet, each way. */
  readonly delayMs: number;
  /** Each way, over each connection; unlimited when absent. */
  readonly bytesPerSecond?: number;
}

export interface TcpProxy {
  /** The database through the proxy. */
  readonly url: string;
  /** Resets all connections, and every new one at once. */
  cut(): void;
  /**
   * Nothing gets through in these directions; connections stay open. With a text it begins with the next request that holds
   * it, that request included.
   */
  swallow(directions: readonly Direction[], from?: string): void;
  slow(slowness: Slowness): void;
  /** All goes through again, at once: first what was held. */
  heal(): void;
  /** Resets the next connection on which something with this text is asked, when the server has answered. */
  loseAnswerTo(text: string): void;
  close(): Promise<void>;
}

interface Weather {
  isCut: boolean;
  swallowed: readonly Direction[];
  slowness: Slowness;
  wanted: string | undefined;
  /** What is swallowed from a request on. */
  awaited: { readonly text: string; readonly directions: readonly Direction[] } | undefined;
}

/** More than this waiting in one lane, and its source is read no further: the sender's window fills. */
const maxHeldBytes = 4 * 1024 * 1024;

export async function openTcpProxy(databaseUrl: string): Promise<TcpProxy> {
  const { host, port, user = '', password, database = '' } = new pg.Client({ connectionString: databaseUrl });
  const weather: Weather = {
    isCut: false,
    swallowed: [],
    slowness: { delayMs: 0 },
    wanted: undefined,
    awaited: undefined,
  };
  const sockets = new Set<Socket>();
  const lanes = new Set<Lane>();
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    return socket.setNoDelay(true).on('error', () => undefined);
  };
  const server = createServer((client) => {
    keep(client);
    if (weather.isCut) {
      client.resetAndDestroy();
      return;
    }
    const upstream = keep(host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host));
    let isLosing = false;
    const up = createLane('up', client, upstream, weather, (chunk) => {
      if (weather.awaited !== undefined && chunk.includes(weather.awaited.text)) {
        weather.swallowed = weather.awaited.directions;
        weather.awaited = undefined;
      }
      if (weather.wanted === undefined || !chunk.includes(weather.wanted)) return true;
      weather.wanted = undefined;
      isLosing = true;
      return true;
    });
    const down = createLane('down', upstream, client, weather, () => {
      if (!isLosing) return true;
      client.destroy();
      upstream.destroy();
      return false;
    });
    for (const lane of [up, down]) {
      lanes.add(lane);
      lane.onEnd(() => lanes.delete(lane));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL('postgresql://127.0.0.1');
  url.port = String((server.address() as AddressInfo).port);
  url.username = user;
  url.password = password ?? '';
  url.pathname = `/${database}`;
  const kick = () => {
    for (const lane of lanes) lane.move();
  };
  return {
    url: url.href,
    cut() {
      weather.isCut = true;
      // A unix socket knows no reset.
      for (const socket of sockets) {
        if (socket.remoteAddress === undefined) socket.destroy();
        else socket.resetAndDestroy();
      }
    },
    swallow(directions, from) {
      if (from === undefined) weather.swallowed = directions;
      else weather.awaited = { text: from, directions };
      kick();
    },
    slow(slowness) {
      weather.slowness = slowness;
    },
    heal() {
      Object.assign(weather, { isCut: false, swallowed: [], awaited: undefined, slowness: { delayMs: 0 } });
      kick();
    },
    loseAnswerTo(text) {
      weather.wanted = text;
    },
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

interface Lane {
  /** Sends what may be sent now. */
  move(): void;
  onEnd(listener: () => void): void;
}

/** One direction of one connection: what `from` says, in order, when the weather lets it. */
function createLane(
  direction: Direction,
  from: Socket,
  to: Socket,
  weather: Weather,
  mayPass: (chunk: Buffer) => boolean,
): Lane {
  const held: { readonly chunk: Buffer; readonly dueAt: number }[] = [];
  const listeners: (() => void)[] = [];
  let heldBytes = 0;
  let freeAt = 0;
  let hasEnded = false;
  let timer: NodeJS.Timeout | undefined;

  const move = (): void => {
    clearTimeout(timer);
    if (weather.swallowed.includes(direction)) return;
    const isHealthy = weather.slowness.delayMs === 0 && weather.slowness.bytesPerSecond === undefined;
    for (let next = held[0]; next !== undefined; next = held[0]) {
      const waitMs = next.dueAt - performance.now();
      if (waitMs > 0 && !isHealthy) {
        timer = setTimeout(move, waitMs);
        return;
      }
      held.shift();
      heldBytes -= next.chunk.length;
      if (heldBytes < maxHeldBytes) from.resume();
      to.write(next.chunk);
    }
    if (!hasEnded) return;
    to.end();
    for (const listener of listeners.splice(0)) listener();
  };
  from.on('data', (chunk: Buffer) => {
    if (!mayPass(chunk)) return;
    const { delayMs, bytesPerSecond } = weather.slowness;
    const arrivedAt = performance.now();
    const sendMs = bytesPerSecond === undefined ? 0 : (chunk.length / bytesPerSecond) * 1_000;
    freeAt = Math.max(arrivedAt, freeAt) + sendMs;
    held.push({ chunk, dueAt: freeAt + delayMs });
    heldBytes += chunk.length;
    if (heldBytes >= maxHeldBytes) from.pause();
    move();
  });
  // A reset and a close are news as well, and travel behind what was said before.
  for (const event of ['end', 'close'] as const) {
    from.on(event, () => {
      hasEnded = true;
      move();
    });
  }
  return { move, onEnd: (listener) => void listeners.push(listener) };
}
