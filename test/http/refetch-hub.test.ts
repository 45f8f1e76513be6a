/** Notices to many, and to one that reads nothing: everybody is told in slices, and nothing piles up. */
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RefetchHub } from '../../src/http/ofrep/refetch-hub.ts';
import { type HttpAssembly, startHttp } from '../support/http-assembly.ts';

let http: HttpAssembly;
let hub: RefetchHub;

beforeEach(async () => {
  http = await startHttp();
  await http.change({ type: 'defineKey', key: 'a.b', valueType: 'integer', fallback: 0 });
  hub = new RefetchHub(http.ledger(), { heartbeatMs: 60_000, now: http.now });
});
afterEach(() => http.close());

/** An answer that nobody takes: what is written to it waits. */
function listen(isStillGood = () => true): ServerResponse {
  const response = new ServerResponse(new IncomingMessage(new Socket()));
  hub.serve({ response, audience: [], isStillGood });
  return response;
}

const change = () =>
  http.change({ type: 'setOverride', key: 'a.b', scope: 'global', value: http.ledger().state.revision });

test('more than one slice of clients is told as well', async () => {
  const all = Array.from({ length: 1_200 }, () => listen());
  const before = all.map(({ writableLength }) => writableLength);
  await change();
  while (all.some(({ writableLength }, index) => writableLength === before[index])) await sleep(1);
  expect(hub.size).toBe(1_200);
});

test('a client that reads nothing is cut off, the others are told', async () => {
  const [stuck, other] = [listen(), listen()];
  stuck.write('x'.repeat(65 * 1024));
  const before = other.writableLength;
  await change();
  while (other.writableLength === before) await sleep(1);
  expect([stuck.destroyed, other.destroyed]).toEqual([true, false]);
});

test('one that has gone before it was served is not kept', () => {
  const response = new ServerResponse(new IncomingMessage(new Socket()));
  response.destroy();
  hub.serve({ response, audience: [], isStillGood: () => true });
  expect(hub.size).toBe(0);
});
