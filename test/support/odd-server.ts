/**
 * What may stand between a client and its server: an HTTP proxy that answers for it, holds bodies back until they end, or
 * counts what is asked. In: the server's address; out: the proxy's, and its moods.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Answers a request itself, or says that it goes through. */
type Mood = (
  request: IncomingMessage,
  response: ServerResponse,
) => 'through' | 'buffered' | 'answered' | 'lost';

export interface OddServer {
  readonly url: string;
  /** What was asked, `GET /v1/stream?…`. */
  readonly asked: string[];
  mood: Mood;
  /** Where requests go through to. */
  target: string;
  /** Resets all connections. */
  cut(): void;
  close(): Promise<void>;
}

/** `through`: as it is; `buffered`: the body only when it has ended; `lost`: asked, but its answer is thrown away. */
export async function openOddServer(target: string): Promise<OddServer> {
  const through: Mood = () => 'through';
  const odd = { mood: through, asked: [] as string[], target };
  const server = createServer((incoming, response) => {
    odd.asked.push(`${incoming.method} ${incoming.url}`);
    response.on('error', () => undefined);
    const mood = odd.mood(incoming, response);
    if (mood === 'answered') return;
    const { method, headers } = incoming;
    const { host: _, ...others } = headers;
    const outgoing = request(`${odd.target}${incoming.url}`, { method, headers: others }, (answer) => {
      const head = () => response.writeHead(answer.statusCode ?? 500, answer.headers);
      if (mood === 'through') {
        head();
        answer.pipe(response);
        return;
      }
      const pieces: Buffer[] = [];
      answer.on('data', (piece: Buffer) => pieces.push(piece));
      answer.on('end', () => {
        if (mood === 'lost') response.destroy();
        else head().end(Buffer.concat(pieces));
      });
    });
    outgoing.on('error', () => response.destroy());
    response.on('close', () => outgoing.destroy());
    incoming.pipe(outgoing);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return Object.assign(odd, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut: () => server.closeAllConnections(),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  });
}

/** Answers like a page of something else. */
export function page(
  response: ServerResponse,
  status: number,
  headers: Record<string, string> = {},
): 'answered' {
  response.writeHead(status, { 'content-type': 'text/html', ...headers }).end('<html>something else</html>');
  return 'answered';
}
