/**
 * Somebody who is called by webhooks: a real HTTP server on a free port, which checks every signature with the official
 * Standard Webhooks library and remembers the ids it has seen, as a good receiver does.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Webhook } from 'standardwebhooks';

export interface Heard {
  readonly id: string;
  readonly headers: IncomingMessage['headers'];
  // biome-ignore lint/suspicious/noExplicitAny: a test reads notices as anybody would, and says what it expects
  readonly body: any;
}

export interface Receiver {
  readonly url: string;
  /** Every request that was let in, in order. */
  readonly requests: readonly Heard[];
  /** By id, how often it came. */
  readonly counts: ReadonlyMap<string, number>;
  /** The most requests that were under way at once. */
  mostAtOnce(): number;
  close(): Promise<void>;
}

export interface ReceiverOptions {
  /** Any of them must fit; without one nothing is checked. */
  readonly secrets?: readonly string[];
  /** Answers in place of 204; called with how often this id has come. */
  readonly answer?: (response: ServerResponse, heard: Heard, times: number) => void | Promise<void>;
}

export async function startReceiver({ secrets, answer }: ReceiverOptions = {}): Promise<Receiver> {
  const requests: Heard[] = [];
  const counts = new Map<string, number>();
  let open = 0;
  let mostAtOnce = 0;
  const receive = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    if (secrets !== undefined && !secrets.some((secret) => isSigned(secret, text, request.headers))) {
      response.writeHead(401).end();
      return;
    }
    const id = String(request.headers['webhook-id']);
    const heard = { id, headers: request.headers, body: JSON.parse(text) };
    requests.push(heard);
    const times = (counts.get(id) ?? 0) + 1;
    counts.set(id, times);
    if (answer === undefined) response.writeHead(204).end();
    else await answer(response, heard, times);
  };
  const server = createServer((request, response) => {
    open += 1;
    mostAtOnce = Math.max(mostAtOnce, open);
    response.on('close', () => {
      open -= 1;
    });
    receive(request, response).catch(() => response.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return {
    url: `http://127.0.0.1:${address.port}/`,
    requests,
    counts,
    mostAtOnce: () => mostAtOnce,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function isSigned(secret: string, body: string, headers: IncomingMessage['headers']): boolean {
  try {
    new Webhook(secret).verify(body, headers as Record<string, string>);
    return true;
  } catch {
    return false;
  }
}
