/**
 * A door of plain TCP in front of the fake EventStoreDB, so that connections can be lost as they are lost in life:
 * cut, refused, or open and silent.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface Door {
  readonly port: number;
  /** Cuts every connection there is; new ones are let in. */
  cut(): void;
  /** Cuts them and refuses new ones, or lets them in again. */
  setOpen(isOpen: boolean): Promise<void>;
  close(): Promise<void>;
}

export async function openDoor(targetPort: number): Promise<Door> {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket) => {
    // Otherwise every small message waits 40 ms for an acknowledgement.
    socket.setNoDelay(true);
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined);
  };
  const server = createServer((client) => {
    const upstream = connect(targetPort, '127.0.0.1');
    for (const socket of [client, upstream]) keep(socket);
    client.pipe(upstream).pipe(client);
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
  });
  const listen = async (port: number) => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  };
  const shut = async () => {
    const closed = server.listening ? once(server, 'close') : undefined;
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  await listen(0);
  const { port } = server.address() as AddressInfo;
  return {
    port,
    cut: () => {
      for (const socket of sockets) socket.destroy();
    },
    setOpen: (isOpen) => (isOpen ? listen(port) : shut()),
    close: async () => {
      if (server.listening) await shut();
    },
  };
}
