/**
 * A provider's API for tests: a real HTTP server on a free port that remembers what it was asked and answers as it is told.
 */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads requests as anybody would, and says what it expects
  readonly body: any;
}

export type Answering = (response: ServerResponse, asked: Asked, times: number) => void | Promise<void>;

export interface ModelServer {
  readonly url: string;
  readonly asked: readonly Asked[];
  /** Connections that were given up by the other side before their answer ended. */
  readonly givenUp: () => number;
  answerWith(answering: Answering): void;
  /** Begins anew with nothing asked. */
  forget(): void;
  close(): Promise<void>;
}

export async function startModelServer(first: Answering): Promise<ModelServer> {
  const asked: Asked[] = [];
  let answering = first;
  let givenUp = 0;
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    const { method = '', url = '', headers } = request;
    asked.push({ method, url, headers, body: text === '' ? undefined : JSON.parse(text) });
    await answering(response, asked.at(-1) as Asked, asked.length);
  };
  const server = createServer((request, response) => {
    response.on('close', () => {
      if (!response.writableFinished) givenUp += 1;
    });
    void answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    givenUp: () => givenUp,
    answerWith: (next) => {
      answering = next;
    },
    forget: () => {
      asked.length = 0;
      givenUp = 0;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

export function sendJson(response: ServerResponse, value: unknown, status = 200, headers = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value));
}

/** Events one after the other, cut into pieces of a few bytes; texts go as they are. */
export async function sendEvents(
  response: ServerResponse,
  events: readonly (object | string)[],
  end: 'end' | 'hang' | 'destroy' = 'end',
): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const text = events
    .map((event) => (typeof event === 'string' ? event : `data: ${JSON.stringify(event)}\n\n`))
    .join('');
  const bytes = Buffer.from(text);
  for (let start = 0; start < bytes.length; start += 97) {
    response.write(bytes.subarray(start, start + 97));
    await new Promise((go) => setImmediate(go));
  }
  if (end === 'end') response.end();
  if (end === 'destroy') response.destroy();
}

/** A whole answer of OpenAI's style. */
export const completion = (content: string, more: object = {}) => ({
  choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
  ...more,
});

/** The same as the events of a stream. */
export const completionEvents = (...words: readonly string[]) => [
  ...words.map((content) => ({ choices: [{ index: 0, delta: { content }, finish_reason: null }] })),
  { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
  { choices: [], usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 } },
  'data: [DONE]\n\n',
];
