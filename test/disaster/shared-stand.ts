/**
 * The stand of several servers on one database that is not theirs, each behind a proxy of its own: for disasters of the
 * network, and of a database that is away while the servers live.
 */
import { join } from 'node:path';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/database/embedded.ts';
import { openTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { type KeptServer, keepServer } from './kept-server.ts';
import { makePlace, removePlace } from './place.ts';
import { clientOf, type Stand, stopServer } from './stand.ts';
import { freePort } from './varve-process.ts';

export interface SharedStand extends Stand {
  readonly proxies: readonly TcpProxy[];
  /** Ends the database as an administrator would; the servers live on. */
  stopDatabase(): Promise<void>;
  /** Starts it again on its files, at the same address. */
  startDatabase(): Promise<void>;
}

export interface SharedOptions {
  readonly servers: number;
  readonly redisUrl?: string;
}

export async function openSharedStand({ servers: count, redisUrl }: SharedOptions): Promise<SharedStand> {
  const place = await makePlace();
  const dataDir = join(place.folder, 'database');
  let database: EmbeddedPostgres | undefined = await startEmbeddedPostgres({ dataDir });
  const { connectionString } = database;
  const proxies: TcpProxy[] = [];
  const servers: KeptServer[] = [];
  const clients: ReturnType<typeof clientOf>[] = [];
  const stopDatabase = async (): Promise<void> => {
    const ending = database;
    database = undefined;
    await ending?.stop();
  };
  const stop = async (): Promise<readonly string[]> => {
    const complaints = (await Promise.all(servers.map(stopServer))).flat();
    await Promise.all(proxies.map((proxy) => proxy.close()));
    await stopDatabase();
    return complaints;
  };
  try {
    for (let index = 0; index < count; index++) {
      const proxy = await openTcpProxy(connectionString);
      proxies.push(proxy);
      const here = {
        ...place,
        port: await freePort(),
        logFile: join(place.folder, `varve-${index}.log`),
        databaseUrl: proxy.url,
        ...(redisUrl === undefined ? {} : { redisUrl }),
      };
      const server = keepServer(here);
      servers.push(server);
      clients.push(clientOf(here));
      await server.started;
    }
  } catch (error) {
    await stop();
    throw error;
  }
  const [first, ...others] = clients;
  if (first === undefined) throw new Error('a stand needs a server');
  return {
    clients: [first, ...others],
    servers,
    proxies,
    databaseUrl: () => connectionString,
    stopDatabase,
    async startDatabase() {
      database = await startEmbeddedPostgres({ dataDir });
    },
    stop,
    remove: () => removePlace(place),
    folder: place.folder,
  };
}
