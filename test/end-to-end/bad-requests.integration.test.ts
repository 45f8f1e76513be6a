/**
 * The table of bad requests against the whole product, over real sockets: each is a 4xx problem that names the place,
 * nothing is appended, and the next good request works. How long each takes is told by `npm run bench -- bad-requests`.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rawRequests } from '../http/bad-bytes.ts';
import { badRequests } from '../http/bad-requests.ts';
import { type PlainAnswer, sendBytes, sendRequest } from '../http/send-request.ts';
import { startTestVarve, type TestVarve } from '../support/varve.ts';

let varve: TestVarve;
let head: number;
beforeAll(async () => {
  varve = await startTestVarve({ seed: 'catalogue' });
  head = (await varve.call('GET', '/v1/status')).body.revision;
});
afterAll(() => varve.stop());

describe('as an HTTP client sends it', () => {
  test.each(badRequests.map((bad) => [bad.name, bad] as const))('%s', async (_name, bad) => {
    await expectRefused(await sendRequest(varve.url, varve.adminKey, bad), bad);
  });
});

describe('as only a socket sends it', () => {
  test.each(rawRequests.map((raw) => [raw.name, raw] as const))('%s', async (_name, raw) => {
    await expectRefused(await sendBytes(varve.url, varve.adminKey, raw), raw);
  });
});

async function expectRefused(
  { status, contentType, text }: PlainAnswer,
  wanted: { readonly expectStatus: number; readonly expectPlace: string },
): Promise<void> {
  const problem = JSON.parse(text);
  expect({ status, contentType }).toEqual({
    status: wanted.expectStatus,
    contentType: 'application/problem+json; charset=utf-8',
  });
  expect(status).toBeGreaterThanOrEqual(400);
  expect(status).toBeLessThan(500);
  expect(problem.errors.map(({ path }: { path: string }) => path)).toContain(wanted.expectPlace);
  const good = await varve.call('GET', '/v1/resolve/ai.planner.model?user=u-1');
  expect(good.status).toBe(200);
  expect(good.headers.get('varve-revision')).toBe(String(head));
}
