/**
 * A server on real sockets for tests of the stream, with quick heartbeats. Changes that it begins with go in; a way to
 * open streams comes out, and all that were opened are cut at the end.
 */
import type { AddressInfo } from 'node:net';
import { type EventStream, openStream } from './event-stream.ts';
import { type HttpAssembly, startHttp } from './http-assembly.ts';

export interface StreamStand {
  readonly http: HttpAssembly;
  /** As the admin, unless headers say otherwise. */
  stream(query: string, headers?: Readonly<Record<string, string>>): Promise<EventStream>;
  close(): Promise<void>;
}

export async function startStreamStand(...changes: readonly object[]): Promise<StreamStand> {
  // A heartbeat looks at the clock as well: a hand-turned one moves while no timer knows of it.
  const http = await startHttp({ heartbeatMs: 20 });
  await http.change(...changes);
  await http.app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = http.app.server.address() as AddressInfo;
  const open: EventStream[] = [];
  return {
    http,
    async stream(query, headers = {}) {
      const authorization = `Bearer ${http.adminKey}`;
      const opened = await openStream(port, `/v1/stream${query}`, { authorization, ...headers });
      open.push(opened);
      return opened;
    },
    async close() {
      for (const stream of open) stream.cut();
      await http.close();
    },
  };
}
