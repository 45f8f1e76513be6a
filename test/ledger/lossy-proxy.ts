/**
 * A door in front of a Postgres server that can lose an answer: what the client sent is done, but the client never
 * hears of it. For tests of unknown outcomes.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import pg from 'pg';

export interface LossyProxy {
  /** The database through the door. */
  readonly url: string;
  /** Cuts the next connection on which something with this text is asked, when the server has answered. */
  loseAnswerTo(text: string): void;
  close(): Promise<void>;
}

export async function openLossyProxy(databaseUrl: string): Promise<LossyProxy> {
  const { host, port, user = '', password, database = '' } = new pg.Client({ connectionString: databaseUrl });
  const sockets = new Set<Socket>();
  let wanted: string | undefined;
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    return socket.on('error', () => undefined);
  };
  const server = createServer((client) => {
    const upstream = keep(host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host));
    let isLosing = false;
    keep(client).on('data', (chunk: Buffer) => {
      if (wanted !== undefined && chunk.includes(wanted)) {
        wanted = undefined;
        isLosing = true;
      }
      upstream.write(chunk);
    });
    upstream.on('data', (chunk) => {
      if (!isLosing) {
        client.write(chunk);
        return;
      }
      client.destroy();
      upstream.destroy();
    });
    client.on('close', () => upstream.end());
    upstream.on('close', () => client.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL('postgresql://127.0.0.1');
  url.port = String((server.address() as AddressInfo).port);
  url.username = user;
  url.password = password ?? '';
  url.pathname = `/${database}`;
  return {
    url: url.href,
    loseAnswerTo(text) {
      wanted = text;
    },
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
