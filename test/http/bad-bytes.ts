/**
 * Bad requests as a socket sends them: what no HTTP client can express.
 */
import { changeset, path, type RawRequest } from './bad-request.ts';

const start = `POST ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer KEY\r\n`;

/** What arrives as bytes. Each answers and closes the connection. */
export const rawRequests: readonly RawRequest[] = [
  { name: 'no HTTP', bytes: 'hello\r\n\r\n', expectStatus: 400, expectPlace: 'method' },
  {
    name: 'a method that HTTP does not know',
    bytes: 'FOO / HTTP/1.1\r\nHost: x\r\n\r\n',
    expectStatus: 400,
    expectPlace: 'method',
  },
  {
    name: 'a TLS greeting',
    bytes: Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]),
    expectStatus: 400,
    expectPlace: 'method',
  },
  {
    name: 'no Host',
    bytes: 'GET /v1/keys HTTP/1.1\r\nAuthorization: Bearer KEY\r\nConnection: close\r\n\r\n',
    expectStatus: 400,
    expectPlace: 'header.Host',
  },
  {
    name: 'a header without a name',
    bytes: 'GET /v1/keys HTTP/1.1\r\n: x\r\n\r\n',
    expectStatus: 400,
    expectPlace: 'header',
  },
  {
    name: 'headers of 100 KiB',
    bytes: `GET /v1/keys HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`,
    expectStatus: 431,
    expectPlace: 'header',
  },
  {
    name: 'a URL of 100 KiB',
    bytes: `GET /v1/keys/${'a'.repeat(100_000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
    expectStatus: 431,
    expectPlace: 'header',
  },
  {
    name: 'a length that is no number',
    bytes: `${start}Content-Type: application/json\r\nContent-Length: abc\r\n\r\n{}`,
    expectStatus: 400,
    expectPlace: 'header.Content-Length',
  },
  {
    name: 'a length and chunks',
    bytes: `${start}Content-Type: application/json\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    expectStatus: 400,
    expectPlace: 'header.Transfer-Encoding',
  },
  {
    name: 'broken chunks',
    bytes: `${start}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n`,
    expectStatus: 400,
    expectPlace: '',
  },
  {
    name: 'an idempotency key twice',
    bytes: `${start}Content-Type: application/json\r\nConnection: close\r\nIdempotency-Key: a\r\nIdempotency-Key: b\r\nContent-Length: ${changeset({}).length}\r\n\r\n${changeset({})}`,
    expectStatus: 400,
    expectPlace: 'header.Idempotency-Key',
  },
  {
    name: 'an expectation that nobody meets',
    bytes: `${start}Expect: miracles\r\nContent-Length: 2\r\n\r\n{}`,
    expectStatus: 417,
    expectPlace: 'header.Expect',
  },
];
