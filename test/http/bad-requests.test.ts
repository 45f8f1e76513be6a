/**
 * Every bad request of the table is a 4xx problem that names the place; the ledger stands where it stood, and the next
 * good request works. By injection, and over a socket what only a socket can say.
 */

import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type HttpAssembly, startHttp } from '../support/http-assembly.ts';
import { rawRequests } from './bad-bytes.ts';
import { badRequests } from './bad-requests.ts';
import { headersOf, sendBytes } from './send-request.ts';

let http: HttpAssembly;
let head: number;

beforeAll(async () => {
  http = await startHttp();
  await http.change({ type: 'defineKey', key: 'ai.planner.model', valueType: 'string', fallback: 'x' });
  head = http.ledger().state.revision;
  await http.app.listen({ port: 0, host: '127.0.0.1' });
});
afterAll(() => http.close());

test('the table has at least 60 requests, each with a name of its own', () => {
  const names = [...badRequests, ...rawRequests].map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  expect(names.length).toBeGreaterThanOrEqual(60);
});

describe('by injection', () => {
  test.each(badRequests.map((request) => [request.name, request] as const))('%s', async (_name, request) => {
    const { app } = http;
    const response = await app.inject({
      method: request.method as 'GET',
      url: request.path,
      headers: headersOf(http.adminKey, request),
      ...(request.body === undefined ? {} : { payload: request.body }),
    });
    expectProblem(response.statusCode, String(response.headers['content-type']), response.body, request);
    await expectUnharmed();
  });
});

describe('over a socket', () => {
  test.each(rawRequests.map((request) => [request.name, request] as const))('%s', async (_name, request) => {
    const { port } = http.app.server.address() as AddressInfo;
    const answer = await sendBytes(`http://127.0.0.1:${port}`, http.adminKey, request);
    expectProblem(answer.status, answer.contentType, answer.text, request);
    await expectUnharmed();
  });
});

function expectProblem(
  status: number,
  contentType: string,
  text: string,
  wanted: { readonly expectStatus: number; readonly expectPlace: string },
): void {
  const problem = JSON.parse(text);
  const places = (problem.errors ?? []).map(({ path }: { path: string }) => path);
  expect({ status, contentType, places }).toEqual({
    status: wanted.expectStatus,
    contentType: 'application/problem+json; charset=utf-8',
    places: expect.arrayContaining([wanted.expectPlace]),
  });
  expect(problem).toMatchObject({
    status,
    type: `urn:varve:problem:${problem.code}`,
    title: expect.any(String),
  });
  expect(problem.detail).not.toBe('');
  for (const error of problem.errors) expect(error.message).toMatch(/\S/);
  expect(text.length).toBeLessThan(20_000);
}

/** Nothing was appended, and the next good request works. */
async function expectUnharmed(): Promise<void> {
  expect(http.ledger().state.revision).toBe(head);
  const good = await http.call('GET', '/v1/resolve/ai.planner.model?user=u-1');
  expect(good.status).toBe(200);
}
