/**
 * A client of server-sent events for tests: what came, as it came, over a connection of its own.
 */
import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { createParser, type EventSourceMessage } from 'eventsource-parser';

export interface EventStream {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  /** All but the signs of life. */
  readonly messages: EventSourceMessage[];
  readonly signsOfLife: EventSourceMessage[];
  readonly retries: number[];
  /** Until so many messages came, or the stream ended. */
  until(count: number): Promise<readonly EventSourceMessage[]>;
  ended(): Promise<void>;
  cut(): void;
  readonly response: IncomingMessage;
}

export async function openStream(
  port: number,
  path: string,
  headers: Record<string, string>,
): Promise<EventStream> {
  const sent: ClientRequest = request({
    port,
    host: '127.0.0.1',
    path,
    headers,
  });
  sent.end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  const messages: EventSourceMessage[] = [];
  const signsOfLife: EventSourceMessage[] = [];
  const retries: number[] = [];
  let isEnded = false;
  let wake: () => void = () => undefined;
  const parser = createParser({
    onEvent: (message) => (message.event === 'alive' ? signsOfLife : messages).push(message),
    onRetry: (ms) => retries.push(ms),
  });
  response.setEncoding('utf8');
  response.on('data', (text: string) => {
    parser.feed(text);
    wake();
  });
  response.on('error', () => undefined);
  response.on('close', () => {
    isEnded = true;
    wake();
  });
  const wait = async (isDone: () => boolean): Promise<void> => {
    while (!isDone() && !isEnded) {
      await new Promise<void>((go) => {
        wake = go;
      });
    }
  };
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    messages,
    signsOfLife,
    retries,
    response,
    until: async (count) => {
      await wait(() => messages.length >= count);
      return messages;
    },
    ended: () => wait(() => false),
    cut: () => sent.destroy(),
  };
}
