/**
 * Takes the address that the settings name, and gives it back. In: a server that is ready; out: its URL, or one line
 * that says why not.
 */
import type { FastifyInstance } from 'fastify';
import { Failure } from '../failure.ts';
import type { ServerSettings } from '../settings.ts';

const causes: Readonly<Record<string, string>> = {
  EADDRINUSE: 'somebody else listens there',
  EACCES: 'this account may not listen there',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'the name of the host cannot be looked up now',
};

/** Where it listens, `http://…`. Failure `unavailable` when the address cannot be had. */
export async function listen(
  server: FastifyInstance,
  { host, port }: Pick<ServerSettings, 'host' | 'port'>,
): Promise<string> {
  try {
    return await server.listen({ host, port });
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
    const why = causes[code];
    if (why === undefined) throw cause;
    throw new Failure('unavailable', `VARVE_HOST ${host} and VARVE_PORT ${port} cannot be had: ${why}`, {
      reason: 'address_unavailable',
      cause,
    });
  }
}

const sweepMs = 20;

/**
 * Takes no new connections and waits until every request is answered. Node closes at once the connections that are idle
 * now; those that an answer or a stream is still on become idle later, and would be kept open for over a minute.
 */
export async function stopListening(server: FastifyInstance): Promise<void> {
  const sweep = setInterval(() => server.server.closeIdleConnections(), sweepMs);
  try {
    await server.close();
  } finally {
    clearInterval(sweep);
  }
}
