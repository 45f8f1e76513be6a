/**
 * The database dies under a running server, again and again: resolving goes on from memory, writes are answered in
 * time, by a result or as unavailable, and afterwards everything works without anybody's help.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { killDatabase } from '../disaster/varve-process.ts';
import type { Answer } from '../support/varve-on.ts';
import { makeProcessPlace, type ProcessPlace } from './process-place.ts';

let here: ProcessPlace;
beforeAll(async () => {
  here = await makeProcessPlace();
  await here.start();
});
afterAll(() => here.clear());

const key = 'limits.tokens';

/** One answer, in time or not at all. */
async function ask(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(`${here.api.url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${here.place.adminKey}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(20_000),
  });
  return {
    status: response.status,
    type: response.headers.get('content-type') ?? '',
    body: (await response.json()) as Answer['body'],
  };
}

test('reads go on, writes are unavailable in time, and everything comes back by itself', async () => {
  const define = { type: 'defineKey', key, valueType: 'integer', fallback: 7 };
  expect((await ask('POST', '/v1/changesets', { reason: 'a key', changes: [define] })).status).toBe(201);

  const acknowledged = new Map<string, number>();
  let refused = 0;
  let reads = 0;
  let isOver = false;
  const write = async (writer: number): Promise<void> => {
    for (let number = 0; !isOver; number += 1) {
      const scope = `user:w${writer}-${number}`;
      const body = { reason: 'load', changes: [{ type: 'setOverride', key, scope, value: number }] };
      const answer = await ask('POST', '/v1/changesets', body, { 'idempotency-key': scope });
      if (answer.status === 201) acknowledged.set(scope, number);
      else {
        expect(answer).toMatchObject({ status: 503, body: { status: 503, code: 'unavailable' } });
        expect(answer.type).toContain('application/problem+json');
        refused += 1;
        await sleep(20);
      }
    }
  };
  const read = async (): Promise<void> => {
    for (; !isOver; reads += 1) {
      expect(await ask('GET', `/v1/resolve/${key}`)).toMatchObject({ status: 200, body: { value: 7 } });
      await sleep(5);
    }
  };
  const load = Promise.all([read(), ...Array.from({ length: 4 }, (_, writer) => write(writer))]);
  const untilWritten = async (more: number): Promise<void> => {
    const enough = acknowledged.size + more;
    while (acknowledged.size < enough && !isOver) await sleep(5);
  };
  load.catch(() => {
    isOver = true;
  });

  for (let kills = 0; kills < 3; kills += 1) {
    await untilWritten(20);
    const before = { refused, reads };
    expect(killDatabase(here.place)).toBe(true);
    while (refused === before.refused && !isOver) await sleep(5);
    while (reads === before.reads && !isOver) await sleep(5);
  }
  await untilWritten(50);
  isOver = true;
  await load;

  expect(await ask('GET', '/readyz')).toMatchObject({ status: 200 });
  // What was sick is told until it has been looked at again.
  while ((await ask('GET', '/v1/status')).body.problems.length > 0) await sleep(50);
  // The tables follow as well: a list waits for them.
  const history = await ask('GET', `/v1/history?key=${key}&limit=1`);
  expect(history).toMatchObject({ status: 200, body: { items: [{ type: 'OverrideSet' }] } });
  for (const [scope, value] of [...acknowledged].slice(-100)) {
    const user = scope.slice('user:'.length);
    expect((await ask('GET', `/v1/resolve/${key}?user=${user}`)).body).toMatchObject({ value, scope });
  }
});
