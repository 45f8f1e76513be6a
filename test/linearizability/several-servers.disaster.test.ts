/**
 * Three server processes on one database, of which one is right, one an hour ahead, one an hour behind: recorded time and
 * "now" are the shared clock's at each; keys hold across them while nobody moves the read models; those who stand by
 * take over from a holder that is paused or killed.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { freePort } from '../disaster/varve-process.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { makeScratchFolder, type ScratchFolder } from '../support/scratch-folder.ts';
import { type Answer, type Api, createApi } from '../support/varve-on.ts';
import { type RaceServer, startRaceServer } from './race-server.ts';

const hourMs = 3_600_000;
const adminKey = `varve_admin_several_${'s'.repeat(40)}`;
const key = 'race.clock';

let database: TestDatabase;
let folder: ScratchFolder;
let servers: readonly RaceServer[] = [];
let apis: readonly [right: Api, ahead: Api, behind: Api];
beforeAll(async () => {
  database = await createTestDatabase();
  folder = await makeScratchFolder();
  // The right one first: so it holds the read models.
  const right = await start('right', 0);
  const others = await Promise.all([start('ahead', hourMs), start('behind', -hourMs)]);
  servers = [right, ...others];
  const [ahead, behind] = others.map(({ url }) => createApi(url, adminKey));
  if (ahead === undefined || behind === undefined) throw new Error('three servers were wanted');
  apis = [createApi(right.url, adminKey), ahead, behind];
  await write(apis[0], [{ type: 'defineKey', key, valueType: 'string', fallback: 'none' }]);
});
afterAll(async () => {
  await Promise.all(servers.map((server) => server.stop()));
  await database.drop();
  await folder.remove();
});

/** A server whose Date is off by so much from its first moment on. */
async function start(name: string, offMs: number): Promise<RaceServer> {
  const skew = `const Right = Date;
    globalThis.Date = class extends Right {
      constructor(...words) { if (words.length === 0) super(Right.now() + ${offMs}); else super(...words); }
      static now() { return Right.now() + ${offMs}; }
    };`;
  return startRaceServer({
    name,
    databaseUrl: database.url,
    port: await freePort(),
    adminKey,
    logFile: `${folder.path}/${name}.log`,
    ...(offMs === 0 ? {} : { preload: `data:text/javascript,${encodeURIComponent(skew)}` }),
  });
}

let writes = 0;
async function write(api: Api, changes: readonly unknown[], headers = {}): Promise<Answer> {
  writes += 1;
  const answer = await api.call('POST', '/v1/changesets', { reason: `write ${writes}`, changes }, headers);
  expect([answer.status, answer.body.reason]).toEqual([201, undefined]);
  return answer;
}

const set = (user: string, value: string, more = {}) => ({
  type: 'setOverride',
  key,
  scope: `user:${user}`,
  value,
  ...more,
});

const revisionOf = (answer: Answer): number => Number(answer.headers.get('varve-revision'));

test('recorded time is the shared clock’s, whoever writes', async () => {
  const times: number[] = [];
  for (let turn = 0; turn < 6; turn += 1) {
    const api = apis[turn % 3] ?? apis[0];
    const { body } = await write(api, [set('everybody', `turn ${turn}`)]);
    times.push(Date.parse(body.events[0].recordedAt));
  }
  expect(times).toEqual(times.toSorted((a, b) => a - b));
  for (const time of times) expect(Math.abs(time - Date.now())).toBeLessThan(60_000);
});

test('what begins later begins at all of them then, and none takes the future for the past', async () => {
  const beginsAt = Date.now() + 3_000;
  const effectiveFrom = new Date(beginsAt).toISOString();
  const least = revisionOf(await write(apis[0], [set('later', 'begun', { effectiveFrom })]));
  const valueAt = async (api: Api): Promise<unknown> => {
    const answer = await api.call('GET', `/v1/resolve/${key}?user=later&minRevision=${least}`);
    const at = Date.parse(answer.headers.get('varve-at') ?? '');
    expect(answer.body.value).toBe(at < beginsAt ? 'none' : 'begun');
    expect(Math.abs(at - Date.now())).toBeLessThan(60_000);
    return answer.body.value;
  };
  if (Date.now() < beginsAt - 1_000) {
    for (const api of apis) expect(await valueAt(api)).toBe('none');
  }
  await sleep(Math.max(0, beginsAt - Date.now()) + 200);
  for (const api of apis) expect(await valueAt(api)).toBe('begun');
  const future = encodeURIComponent(new Date(Date.now() + hourMs / 2).toISOString());
  for (const api of apis) {
    const answer = await api.call('GET', `/v1/resolve/${key}?asOf=${future}`);
    expect(answer).toMatchObject({ status: 400, body: { reason: 'in_the_future' } });
  }
});

test('while the holder of the read models is paused keys hold, reads are bounded, and another takes over', async () => {
  const [right, ahead, behind] = apis;
  servers[0]?.pause();
  onTestFinished(() => servers[0]?.resume());
  const once = { 'idempotency-key': 'while-paused' };
  const body = { reason: 'once', changes: [set('once', 'first')] };
  const first = await ahead.call('POST', '/v1/changesets', body, once);
  expect(first.status).toBe(201);
  const other = { reason: 'once', changes: [set('once', 'another')] };
  const least = revisionOf(first);
  // Known from the log itself, before any table has it.
  await behind.call('GET', `/v1/resolve/${key}?minRevision=${least}`);
  expect(await behind.call('POST', '/v1/changesets', other, once)).toMatchObject({
    status: 409,
    body: { reason: 'idempotency_key_reused' },
  });
  const memory = await behind.call('GET', `/v1/resolve/${key}?user=once&minRevision=${least}`);
  expect(memory.body.value).toBe('first');
  await untilAnswered(() =>
    behind.call('GET', `/v1/overrides?key=${key}&scope=user:once&minRevision=${least}`),
  );
  const again = await behind.call('POST', '/v1/changesets', body, once);
  expect(again).toMatchObject({ status: 201, body: first.body });
  servers[0]?.resume();
  const awake = await untilAnswered(() =>
    right.call('GET', `/v1/overrides?key=${key}&scope=user:once&minRevision=${least}`),
  );
  expect(awake.body.items).toMatchObject([{ value: 'first' }]);
});

test('two servers that are asked the same at once, which changes nothing, remember one answer', async () => {
  const [right, ahead, behind] = apis;
  const least = revisionOf(await write(right, [set('same', 'it is')]));
  for (const api of apis) await api.call('GET', `/v1/resolve/${key}?minRevision=${least}`);
  const once = { 'idempotency-key': 'nothing-to-do' };
  const same = { reason: 'nothing', changes: [set('same', 'it is')] };
  const answers = await Promise.all(
    [right, ahead, behind, right, ahead, behind].map((api) => api.call('POST', '/v1/changesets', same, once)),
  );
  expect(answers.map(({ status, body: { events } }) => [status, events.length])).toEqual(
    answers.map(() => [200, 0]),
  );
  expect(answers.filter(({ headers }) => headers.get('idempotent-replayed') === 'true')).toHaveLength(5);
  const { rows } = await database.pool.query('select 1 from remembered_answers');
  expect(rows).toHaveLength(1);
  await write(right, [set('same', 'it was')]);
  const later = await behind.call('POST', '/v1/changesets', same, once);
  expect([later.status, later.headers.get('idempotent-replayed')]).toEqual([200, 'true']);
});

test('whoever holds the read models and is killed, the others take over', async () => {
  const [right, , behind] = apis;
  await servers[1]?.kill();
  expect(await ownWrite(behind, 'after-one')).toMatchObject([{ value: 'written' }]);
  await servers[2]?.kill();
  expect(await ownWrite(right, 'after-two')).toMatchObject([{ value: 'written' }]);
});

/** What is listed of a write that was just made. */
async function ownWrite(api: Api, user: string): Promise<unknown> {
  const least = revisionOf(await write(api, [set(user, 'written')]));
  const path = `/v1/overrides?key=${key}&scope=user:${user}&minRevision=${least}`;
  return (await untilAnswered(() => api.call('GET', path))).body.items;
}

/** Asks until it is answered; what it is told until then is `projection_behind`, each time in bounded time. */
async function untilAnswered(ask: () => Promise<Answer>): Promise<Answer> {
  const until = performance.now() + 60_000;
  for (;;) {
    const answer = await ask();
    if (answer.status === 200) return answer;
    expect(answer).toMatchObject({ status: 503, body: { reason: 'projection_behind' } });
    if (performance.now() > until) throw new Error('nobody took over');
  }
}
