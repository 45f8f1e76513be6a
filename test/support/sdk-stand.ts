/**
 * Clients of the SDK before a real server: the HTTP assembly on the memory log, listening. Out: clients whose pauses are
 * short, and a way to wait for what has to become true. Everything is closed again at the end.
 */
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerOptions } from '../../src/http/server.ts';
import { openVarve } from '../../src/sdk/open-varve.ts';
import type { Varve, VarveOptions } from '../../src/sdk/varve.ts';
import { usualWaits, type VarveParts, type VarveWaits } from '../../src/sdk/varve-parts.ts';
import { type HttpAssembly, startHttp } from './http-assembly.ts';

export interface SdkStand {
  readonly http: HttpAssembly;
  readonly url: string;
  readonly key: string;
  /** Its clock is that of the assembly, which stands still, unless told otherwise. */
  client(
    options?: Partial<VarveOptions>,
    parts?: Partial<Omit<VarveParts, 'waits'>>,
    waits?: Partial<VarveWaits>,
  ): Varve;
  /** Closes a client, or whatever else has an end, when the stand is closed. */
  closeWith<C extends { close(): unknown }>(closable: C): C;
  close(): Promise<void>;
}

/** Pauses of milliseconds, and silence noticed in a second. */
export const shortWaits: VarveWaits = {
  ...usualWaits,
  retryMs: 5,
  maxRetryMs: 20,
  silenceMs: 1_000,
  firstByteMs: 500,
  fileFirstMs: 200,
};

export async function startSdkStand(options: Partial<ServerOptions> = {}): Promise<SdkStand> {
  const http = await startHttp({ heartbeatMs: 100, ...options });
  await http.app.listen({ port: 0, host: '127.0.0.1' });
  const url = `http://127.0.0.1:${(http.app.server.address() as AddressInfo).port}`;
  const closables: { close(): unknown }[] = [];
  const closeWith = <C extends { close(): unknown }>(closable: C): C => {
    closables.push(closable);
    return closable;
  };
  return {
    http,
    url,
    key: http.adminKey,
    closeWith,
    client: (own = {}, parts = {}, waits = {}) =>
      closeWith(
        openVarve(
          { url, apiKey: http.adminKey, ...own },
          { ...clientParts(http.now), ...parts, waits: { ...shortWaits, ...waits } },
        ),
      ),
    async close() {
      for (const closable of closables) await closable.close();
      await http.close();
    },
  };
}

export function clientParts(wallClock: () => number): Omit<VarveParts, 'waits'> {
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
