/**
 * A Postgres whose connections die at birth: a gate before a real one.
 * While `isDeadly`, a connection is told in one breath that it is ready and that the server has gone: the moment between
 * a driver's "connected" and whoever listens to its errors.
 */
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net';

export interface DyingPostgres {
  /** The same database and user, through the gate. */
  readonly url: string;
  isDeadly: boolean;
  /** Connections that died at birth. */
  readonly deaths: () => number;
  close(): void;
}

/** The real one is reached by its socket folder, as `host` of the URL names it. */
export async function openDyingPostgres(realUrl: string): Promise<DyingPostgres> {
  const real = new URL(realUrl);
  const socketPath = `${real.searchParams.get('host')}/.s.PGSQL.${real.port || '5432'}`;
  const open = new Set<Socket>();
  let deaths = 0;
  const gate = createServer((client) => {
    const server = createConnection(socketPath);
    for (const socket of [client, server]) {
      open.add(socket);
      socket.on('error', () => socket.destroy()).on('close', () => open.delete(socket));
    }
    let isBorn = false;
    server.on('data', (bytes) => {
      const dies = !isBorn && place.isDeadly && bytes.includes(readyForQuery);
      isBorn ||= bytes.includes(readyForQuery);
      client.write(dies ? Buffer.concat([bytes, serverHasGone()]) : bytes);
      if (!dies) return;
      deaths += 1;
      client.end();
      server.destroy();
    });
    client.on('data', (bytes) => server.writable && server.write(bytes));
    client.on('close', () => server.destroy());
    server.on('close', () => client.end());
  });
  await new Promise<void>((resolve) => gate.listen(0, '127.0.0.1', resolve));
  const { port } = gate.address() as AddressInfo;
  const place: DyingPostgres = {
    url: `postgresql://${real.username}@127.0.0.1:${port}${real.pathname}?sslmode=disable`,
    isDeadly: false,
    deaths: () => deaths,
    close() {
      gate.close();
      for (const socket of open) socket.destroy();
    },
  };
  return place;
}

const readyForQuery = Buffer.from([0x5a, 0, 0, 0, 5, 0x49]);

/** An ErrorResponse as Postgres sends it when its first process died. */
function serverHasGone(): Buffer {
  const fields = ['SFATAL', 'VFATAL', 'C57P01', 'Mterminating connection due to unexpected postmaster exit'];
  const body = Buffer.from(`${fields.join('\0')}\0\0`);
  const head = Buffer.alloc(5, 'E');
  head.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}
