/**
 * A TCP proxy that resets each connection after some bytes of its answers, wherever that is: inside a header, a message,
 * a character. In: where to go, and after how many bytes each connection is cut; out: an address, and how many were cut.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface CuttingProxy {
  readonly url: string;
  readonly cuts: number;
  close(): Promise<void>;
}

/** `limit` is asked once a connection; undefined lets it live. */
export async function openCuttingProxy(
  target: string,
  limit: () => number | undefined,
): Promise<CuttingProxy> {
  const sockets = new Set<Socket>();
  let cuts = 0;
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    return socket.on('close', () => sockets.delete(socket)).on('error', () => undefined);
  };
  const server = createServer((client) => {
    keep(client);
    const upstream = keep(connect(Number(new URL(target).port), '127.0.0.1'));
    let left = limit();
    client.pipe(upstream);
    upstream.on('data', (chunk: Buffer) => {
      if (left === undefined || chunk.length < left) {
        client.write(chunk);
        if (left !== undefined) left -= chunk.length;
        return;
      }
      if (client.destroyed) return;
      cuts += 1;
      upstream.destroy();
      // What was passed on before is on its way; a reset at once would take it back.
      client.write(chunk.subarray(0, left), () => client.destroy());
    });
    upstream.on('close', () => client.destroy());
    client.on('close', () => upstream.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get cuts() {
      return cuts;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
