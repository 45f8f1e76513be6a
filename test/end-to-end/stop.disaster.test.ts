/**
 * How Varve ends: asked under write load, in the middle of its start, and when it cannot have its address. Nothing that
 * was acknowledged is lost, nobody hears half an answer, and the database goes with it.
 */
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { databaseProcesses, spawnVarve } from '../disaster/varve-process.ts';
import { makeProcessPlace, type ProcessPlace } from './process-place.ts';

let here: ProcessPlace;
beforeAll(async () => {
  here = await makeProcessPlace();
});
afterAll(() => here.clear());

/** Fails the test instead of waiting longer than a stop may take. */
async function withinStopLimit<T>(ended: Promise<T>): Promise<T | 'still running after 20 s'> {
  return Promise.race([ended, sleep(20_000, 'still running after 20 s' as const, { ref: false })]);
}

test('interrupted in its start it takes its database along, and the next start is well', async () => {
  const varve = spawnVarve(here.place);
  while (databaseProcesses(here.place).length === 0) await sleep(5);
  varve.signal('SIGTERM');
  expect(await withinStopLimit(varve.ended)).toEqual({ code: 0, signal: null });
  expect(databaseProcesses(here.place)).toEqual([]);
});

test('asked under write load it finishes what it took, and all of that is there afterwards', async () => {
  const varve = await here.start();
  const { api, place } = here;
  const define = { type: 'defineKey', key: 'limits.tokens', valueType: 'integer', fallback: 0 };
  expect((await api.call('POST', '/v1/changesets', { reason: 'a key', changes: [define] })).status).toBe(201);

  const acknowledged: string[] = [];
  const improper: unknown[] = [];
  let isOver = false;
  const write = async (writer: number): Promise<void> => {
    for (let number = 0; !isOver; number += 1) {
      const change = { type: 'setOverride', key: 'limits.tokens', scope: `user:w${writer}`, value: number };
      try {
        const { status, body } = await api.call('POST', '/v1/changesets', {
          reason: 'load',
          changes: [change],
        });
        if (status === 201) acknowledged.push(body.changesetId);
        else if (status !== 503 || body.code !== 'unavailable') improper.push({ status, body });
      } catch (error) {
        // The connection was refused, or closed before an answer began; half an answer would be 'terminated'.
        const { message, cause } = error as Error;
        if (message !== 'fetch failed') improper.push({ message, cause });
        return;
      }
    }
  };
  const load = Array.from({ length: 16 }, (_, writer) => write(writer));
  const stream = await fetch(`${api.url}/v1/stream?from=0`, {
    headers: { authorization: `Bearer ${place.adminKey}` },
  });
  const streamed = stream.text();
  while (acknowledged.length < 200) await sleep(5);
  varve.signal('SIGTERM');
  expect(await withinStopLimit(varve.ended)).toEqual({ code: 0, signal: null });
  isOver = true;
  await Promise.all(load);
  expect(improper).toEqual([]);
  expect(await streamed).toContain(acknowledged[0]);
  expect(databaseProcesses(place)).toEqual([]);

  await here.start();
  const history = await fetch(`${api.url}/v1/history`, {
    headers: { authorization: `Bearer ${place.adminKey}`, accept: 'application/x-ndjson' },
  });
  const lines = (await history.text()).trim().split('\n');
  const kept = new Set(lines.map((line): string => JSON.parse(line).changesetId));
  expect(acknowledged.filter((id) => !kept.has(id))).toEqual([]);
  expect(acknowledged.length).toBeGreaterThan(199);
});

test('a second one on the same address says so in one line and leaves the first alone', async () => {
  const other = await makeProcessPlace();
  onTestFinished(() => other.clear());
  const taken = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void taken.close());
  await new Promise((resolve) => taken.once('listening', resolve));
  const address = taken.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const varve = spawnVarve({ ...other.place, port });
  expect(await withinStopLimit(varve.ended)).toEqual({ code: 1, signal: null });
  const complaints = other
    .said()
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('{'));
  expect(complaints).toEqual([
    `varve: VARVE_HOST 127.0.0.1 and VARVE_PORT ${port} cannot be had: somebody else listens there`,
  ]);
  expect(databaseProcesses(other.place)).toEqual([]);
});
