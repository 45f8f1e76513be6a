/**
 * Clients of the SDK before a real server: the HTTP assembly on the memory log, listening. Out: clients whose pauses are
 * short, and a way to wait for what has to become true. Everything is closed again at the end.
 */
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { buildServer, type ServerOptions } from '../../src/http/server.ts';
import { openVarve } from '../../src/sdk/open-varve.ts';
import type { Varve, VarveOptions } from '../../src/sdk/varve.ts';
import { usualWaits, type VarveParts, type VarveWaits } from '../../src/sdk/varve-parts.ts';
import { type HttpAssembly, startHttp } from './http-assembly.ts';
import { type OddServer, openOddServer } from './odd-server.ts';
import { makeScratchFolder } from './scratch-folder.ts';
import { openTcpProxy, type TcpProxy } from './tcp-proxy.ts';

export interface SdkStand {
  /** Writes go in here; it does not listen. */
  readonly http: HttpAssembly;
  readonly url: string;
  /** Its wall clock is that of the assembly, which stands still, unless told otherwise. */
  client(
    options?: Partial<VarveOptions>,
    parts?: Partial<Omit<VarveParts, 'waits'>>,
    waits?: Partial<VarveWaits>,
  ): Varve;
  /** Ends the server in good order; its ledger stays. */
  stop(): Promise<void>;
  /** Starts it again at the same address. */
  start(options?: Partial<ServerOptions>): Promise<void>;
  /** Something in between that speaks HTTP. */
  openOdd(): Promise<OddServer>;
  /** A network that misbehaves, between clients with `proxy.url` and the server. */
  openProxy(): Promise<TcpProxy>;
  folder(): Promise<string>;
  close(): Promise<void>;
}

/** Pauses of milliseconds, and silence noticed in a second. */
const shortWaits: VarveWaits = {
  ...usualWaits,
  retryMs: 5,
  maxRetryMs: 20,
  silenceMs: 1_000,
  firstByteMs: 500,
  fileFirstMs: 200,
};

/** `logId`: the name of its log, when it is not that of every log in memory. */
export async function startSdkStand({
  logId,
  ...options
}: Partial<ServerOptions> & { readonly logId?: string } = {}): Promise<SdkStand> {
  const http = await startHttp(logId === undefined ? {} : { logId });
  const ends: (() => unknown)[] = [];
  let app: FastifyInstance | undefined;
  let port = 0;
  const stand: SdkStand = {
    http,
    get url() {
      return `http://127.0.0.1:${port}`;
    },
    client(own = {}, parts = {}, waits = {}) {
      const varve = openVarve(
        { url: stand.url, apiKey: http.adminKey, ...own },
        { ...clientParts(http.now), ...parts, waits: { ...shortWaits, ...waits } },
      );
      ends.push(() => varve.close());
      return varve;
    },
    async stop() {
      await app?.close();
    },
    async start(more = {}) {
      app = await buildServer(http.dependencies, {
        logger: silentLogger,
        heartbeatMs: 100,
        ...options,
        ...more,
      });
      await app.listen({ port, host: '127.0.0.1' });
      ({ port } = app.server.address() as AddressInfo);
    },
    async openProxy() {
      const proxy = await openTcpProxy(`postgresql://127.0.0.1:${port}`);
      ends.push(() => proxy.close());
      return { ...proxy, url: `http://127.0.0.1:${new URL(proxy.url).port}` };
    },
    async openOdd() {
      const odd = await openOddServer(stand.url);
      ends.push(() => odd.close());
      return odd;
    },
    async folder() {
      const { path, remove } = await makeScratchFolder(0o700);
      ends.push(remove);
      return path;
    },
    async close() {
      for (const end of ends) await end();
      await stand.stop();
      await http.close();
    },
  };
  await stand.start();
  return stand;
}

const nothing = () => undefined;
const silentLogger = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
} as unknown as ServerOptions['logger'];

function clientParts(wallClock: () => number): Omit<VarveParts, 'waits'> {
  return {
    elapsed: () => performance.now(),
    wallClock,
    random: () => Math.random(),
    newId: () => crypto.randomUUID(),
  };
}

/** Looks again and again until something is so; the test's own time limit ends it. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await sleep(2);
}

/** A change that sets the value of `a.b`. */
export const set = (value: unknown, scope = 'global', more: object = {}) => ({
  type: 'setOverride',
  key: 'a.b',
  scope,
  value,
  ...more,
});

/** A change that defines `a.b`, a number with the fallback 0. */
export const defineNumber = { type: 'defineKey', key: 'a.b', valueType: 'integer', fallback: 0 };
