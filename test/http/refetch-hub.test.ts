/** Notices to many, and to one that reads nothing: everybody is told in slices, and nothing piles up. */
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RefetchHub, type RefetchListener } from '../../src/http/ofrep/refetch-hub.ts';
import { type HttpAssembly, startHttp } from '../support/http-assembly.ts';

let http: HttpAssembly;
let hub: RefetchHub;

beforeEach(async () => {
  http = await startHttp();
  await http.change({ type: 'defineKey', key: 'a.b', valueType: 'integer', fallback: 0 });
  hub = new RefetchHub(http.ledger(), { heartbeatMs: 60_000, now: http.now });
});
afterEach(() => http.close());

const nobody: Omit<RefetchListener, 'response'> = {
  audience: [],
  markOf: (scope) => scope,
  until: Number.POSITIVE_INFINITY,
  isStillGood: () => true,
};

/** An answer that nobody takes: what is written to it waits. */
function listen(listener: Partial<RefetchListener> = {}): ServerResponse {
  const response = new ServerResponse(new IncomingMessage(new Socket()));
  hub.serve({ response, ...nobody, ...listener });
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
  hub.serve({ response, ...nobody });
  expect(hub.size).toBe(0);
});

test('each is told what concerns it, marked as its ticket is; with too many ways to mark, everybody is', async () => {
  const told = (responses: readonly ServerResponse[]) =>
    responses.map(({ writableLength }) => writableLength);
  const audience = ['one user:ada'];
  const ada = listen({ audience, markOf: (scope) => `one ${scope}` });
  const others = [
    listen({ audience: ['one user:bob'], markOf: (scope) => `two ${scope}` }),
    listen({ audience, markOf: (scope) => `two ${scope}` }),
  ];
  const before = told(others);
  let length = ada.writableLength;
  await http.change({ type: 'setOverride', key: 'a.b', scope: 'user:ada', value: 7 });
  while (ada.writableLength === length) await sleep(1);
  expect(told(others)).toEqual(before);
  for (let count = 0; count < 1_000; count++) listen({ markOf: (scope) => `${count} ${scope}` });
  length = others[0]?.writableLength ?? 0;
  await http.change({ type: 'setOverride', key: 'a.b', scope: 'user:ada', value: 8 });
  while (others[0]?.writableLength === length) await sleep(1);
});
