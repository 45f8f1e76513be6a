/**
 * Sends a request as it is written: no normalising of paths, headers or bodies, as a hostile client would.
 * What is written goes in; the status, the type and the text of the answer come out.
 */
import { request as open } from 'node:http';
import { connect } from 'node:net';
import type { BadRequest, RawRequest } from './bad-request.ts';

export interface PlainAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
}

/** Sends a bad request with an API key to the server at `url`. */
export function sendRequest(url: string, apiKey: string, bad: BadRequest): Promise<PlainAnswer> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const sent = open({
      hostname,
      port,
      method: bad.method,
      path: bad.path,
      headers: headersOf(apiKey, bad),
    });
    sent.on('error', reject);
    sent.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        resolve({
          status: response.statusCode ?? 0,
          contentType: String(response.headers['content-type']),
          text: Buffer.concat(chunks).toString(),
        });
      });
    });
    sent.end(bad.body);
  });
}

/** Sends bytes over a socket of their own and reads until it is closed. */
export function sendBytes(url: string, apiKey: string, raw: RawRequest): Promise<PlainAnswer> {
  const { hostname, port } = new URL(url);
  const bytes = typeof raw.bytes === 'string' ? Buffer.from(raw.bytes.replace('KEY', apiKey)) : raw.bytes;
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    const received: Buffer[] = [];
    socket.on('data', (data: Buffer) => received.push(data));
    socket.on('close', () => resolve(parsed(Buffer.concat(received).toString())));
    // The server may close while we still send; what it said before counts.
    socket.on('error', (error) => (received.length > 0 ? undefined : reject(error)));
  });
}

/** The headers that a bad request is sent with. */
export function headersOf(apiKey: string, { headers = {}, body }: BadRequest): Record<string, string> {
  const all = {
    authorization: `Bearer ${apiKey}`,
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    ...headers,
  };
  const kept = Object.entries(all).filter(
    ([name, value]) => value !== '' || !/^(?:authorization|content-type)$/.test(name),
  );
  return Object.fromEntries(kept);
}

function parsed(answer: string): PlainAnswer {
  const [top = '', body = ''] = answer.split('\r\n\r\n');
  return {
    status: Number(top.split(' ')[1]),
    contentType: /^content-type: (.*)$/im.exec(top)?.[1] ?? '',
    // A body in chunks has its sizes around it.
    text: body.slice(body.indexOf('{'), body.lastIndexOf('}') + 1),
  };
}
