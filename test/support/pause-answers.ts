/**
 * A server that goes away for a while, its port staying open: every connection is cut and every request that comes in, until
 * the end.
 */
import type { Server } from 'node:http';

export function pauseAnswers(server: Server): { end(): void } {
  const listeners = server.listeners('request');
  server.removeAllListeners('request');
  server.on('request', (_request, response) => response.destroy());
  server.closeAllConnections();
  return {
    end: () => {
      server.removeAllListeners('request');
      for (const listener of listeners) {
        server.on('request', (...given) => Reflect.apply(listener, server, given));
      }
    },
  };
}
