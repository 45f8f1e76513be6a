/**
 * Ledgers are independent: whatever an admin of one asks at any route, nothing of another one is in the answer, and
 * whatever it writes, the others stay as they are. The routes come from the server's own table, so that a new one
 * without an example call fails here.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startHttp } from '../support/http-assembly.ts';
import { startTestVarve, type TestVarve } from '../support/varve.ts';
import { type Api, createApi } from '../support/varve-on.ts';
import { type OtherLedger, type StrangeCall, strangeCalls } from './strange-calls.ts';

const assembly = await startHttp();
const table = assembly.app.roleTable.filter(({ access }) => access !== 'open');
await assembly.close();
const routes = table
  .map(({ method, url }) => `${method} ${url}`)
  .filter((route) => !route.startsWith('HEAD '));
const headRoutes = table.filter(({ method }) => method === 'HEAD').map(({ url }) => `GET ${url}`);

/** Stands in every content of the other ledgers, and in no question. */
const mark = 'zqmark';
const future = '2099-01-01T00:00:00.000Z';

let varve: TestVarve;
let stranger: Api;
/** Two other ledgers, filled alike: one with a name, and the first one of the installation. */
let others: readonly OtherLedger[];
let heads: unknown;
beforeAll(async () => {
  varve = await startTestVarve();
  for (const name of ['alpha', 'beta'])
    await varve.call('POST', '/v1/ledgers', { name, description: `${mark} ${name}` });
  others = [await fill('alpha'), await fill('default')];
  const made = await varve.call(
    'POST',
    '/v1/api-keys',
    { name: 'stranger', role: 'admin' },
    { 'varve-ledger': 'beta' },
  );
  stranger = createApi(varve.url, made.body.key);
  const own = await stranger.call('POST', '/v1/changesets', {
    reason: 'something of its own',
    changes: [
      { type: 'defineKey', key: 'shared.key', valueType: 'string', fallback: 'own' },
      { type: 'addModel', model: { id: 'own/one', name: 'One', contextWindow: 1 } },
    ],
  });
  if (own.status !== 201) throw new Error(JSON.stringify(own.body));
  heads = await headsOfOthers();
});
afterAll(() => varve.stop());

async function headsOfOthers(): Promise<unknown> {
  const { rows } = await varve.database.pool.query(
    `select ledger, revision::text from ledger_heads where ledger <> 'beta' order by ledger`,
  );
  return rows;
}

/** Fills a ledger with one thing of each kind, every content marked. */
async function fill(ledger: string): Promise<OtherLedger> {
  const headers = { 'varve-ledger': ledger };
  const send = async (method: string, path: string, body: unknown, more: Record<string, string> = {}) => {
    const answer = await varve.call(method, path, body, { ...headers, ...more });
    if (answer.status !== 201) throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  const idempotent = {
    key: `once-${ledger}`,
    body: {
      reason: 'twice the same',
      changes: [{ type: 'tagRevision', name: `same-${ledger}`, revision: 1 }],
    },
  };
  const [key, model, tenant, tag] = [
    `zq.${ledger}_key`,
    `zq${ledger}/zq-model`,
    `zq-${ledger}`,
    `zq-${ledger}-tag`,
  ] as const;
  const made = await send('POST', '/v1/api-keys', {
    name: `${mark}-${ledger}`,
    role: 'operator',
    reason: mark,
  });
  const filled = await send('POST', '/v1/changesets', {
    reason: `${mark} fills it`,
    changes: [
      { type: 'defineKey', key: 'shared.key', valueType: 'string', fallback: mark, description: mark },
      { type: 'defineKey', key, valueType: 'string', fallback: mark, description: mark },
      {
        type: 'addModel',
        model: { id: model, name: mark, contextWindow: 1, pricing: { input: '77.701', output: '9' } },
      },
      { type: 'deprecateModel', id: model, sunsetAt: future },
      ...['global', `tenant:${tenant}`, `user:${tenant}`, `tier:${tenant}`].flatMap((scope) => [
        { type: 'setOverride', key, scope, value: `${mark} ${scope}` },
        { type: 'setOverride', key: 'shared.key', scope, value: `${mark} ${scope}` },
      ]),
      { type: 'setOverride', key, scope: 'user:later', value: mark, effectiveFrom: future },
      { type: 'tagRevision', name: tag },
    ],
  });
  await send('POST', '/v1/changesets', idempotent.body, { 'idempotency-key': idempotent.key });
  const many = Array.from({ length: 60 }, (_, n) => ({
    type: 'setOverride',
    key,
    scope: `user:zq-${n}`,
    value: mark,
  }));
  const last = await send('POST', '/v1/changesets', { reason: mark, changes: many });
  await report(headers, { id: `${tenant}-usage`, at: '2026-01-01T00:00:00.000Z', model, tenant, key });
  for (const client of [mark, tenant]) {
    const heartbeat = { client, revision: last.revisions.last, contexts: [{ user: client, tenant: mark }] };
    const { status } = await varve.call('POST', '/v1/heartbeats', heartbeat, headers);
    if (status !== 200) throw new Error(`heartbeat: ${status}`);
  }
  const webhook = await send('POST', '/v1/webhooks', {
    url: `https://hooks.invalid/${mark}`,
    types: ['LedgerCreated'],
  });
  const line = {
    idempotencyKey: mark,
    reason: mark,
    changes: [{ type: 'tagRevision', name: `${tag}-imported` }],
  };
  const handedOver = await varve.call('POST', '/v1/imports', JSON.stringify(line), {
    ...headers,
    'content-type': 'application/x-ndjson',
  });
  if (handedOver.status !== 202) throw new Error(`import: ${handedOver.status}`);
  // Its last event is part of what is compared later.
  while (
    (await varve.call('GET', `/v1/imports/${handedOver.body.id}`, undefined, headers)).body.state === 'open'
  );
  const page = await varve.call('GET', '/v1/history?limit=10', undefined, headers);
  const receipted = await varve.call('GET', '/v1/resolve/shared.key?receipt=true', undefined, headers);
  return {
    ledger,
    key,
    model,
    tenant,
    tag,
    apiKeyId: made.id,
    changesetId: filled.changesetId,
    revision: last.revisions.last,
    scheduledRevision: filled.events.at(-2).revision,
    idempotent,
    historyCursor: page.body.nextCursor,
    webhookId: webhook.id,
    importId: handedOver.body.id,
    receipt: receipted.body.receipt,
  };
}

/** Usage of the ledger, priced like nothing else: its cost is marked by its digits. */
async function report(headers: Record<string, string>, record: object): Promise<void> {
  const body = { records: [{ ...record, inputTokens: 1_000_000 }] };
  const { status } = await varve.call('POST', '/v1/usage', body, headers);
  if (status !== 200) throw new Error(`usage: ${status}`);
}

/** Everything that came back, as text; nothing of it may hold the mark, nor a name that was not asked for. */
async function expectNothingOf(other: OtherLedger, method: string, call: StrangeCall): Promise<void> {
  const { status, headers, body } = await stranger.call(method, call.path, call.body, { ...call.headers });
  const said = `${[...headers].join('\n')}\n${typeof body === 'string' ? body : JSON.stringify(body)}`;
  const asked = `${decodeURIComponent(call.path)} ${JSON.stringify(call.body)} ${JSON.stringify(call.headers)}`;
  const what = `${method} ${call.path}: ${said}`;
  expect(call.statuses, what).toContain(status);
  expect(said, what).not.toContain(mark);
  expect(said, what).not.toContain('77.701');
  for (const name of [
    other.key,
    other.model,
    other.tenant,
    other.tag,
    other.apiKeyId,
    other.changesetId,
    other.webhookId,
  ]) {
    if (!asked.includes(name)) expect(said, what).not.toContain(name);
  }
}

test('every route that takes an API key has an example call', () => {
  expect(Object.keys(strangeCalls(others[0] as OtherLedger)).toSorted()).toEqual(routes.toSorted());
  expect(routes.length).toBeGreaterThan(25);
});

describe.each([0, 1])('of ledger %i of the others nothing is told', (index) => {
  // Reads first: what a stranger writes under the same names is its own afterwards.
  test.each(routes.toSorted((one, two) => rank(one) - rank(two)))('by %s', async (route) => {
    const other = others[index] as OtherLedger;
    const [method = ''] = route.split(' ');
    for (const call of strangeCalls(other)[route] ?? []) {
      await expectNothingOf(other, method, call);
      if (headRoutes.includes(route)) await expectNothingOf(other, 'HEAD', call);
    }
    expect(await headsOfOthers()).toEqual(heads);
  });
});

/** What asks only, before what makes things under the names that were asked for. */
const asking = [
  'POST /v1/compare',
  'POST /v1/rollbacks',
  'POST /ofrep/v1/evaluate/flags',
  'POST /ofrep/v1/evaluate/flags/:key',
];

function rank(route: string): number {
  if (route.startsWith('GET') || asking.includes(route)) return 0;
  return route === 'POST /v1/models' ? 2 : 1;
}

test('a stream tells what happens in its own ledger only', async () => {
  for (const view of ['events', 'values']) {
    const response = await fetch(`${stranger.url}/v1/stream?from=0&view=${view}`, {
      headers: { authorization: `Bearer ${varve.adminKey}`, 'varve-ledger': 'beta' },
    });
    await varve.change([
      { type: 'setOverride', key: 'shared.key', scope: `user:${view}`, value: `${mark} while it listens` },
    ]);
    await stranger.call('PUT', '/v1/overrides/shared.key?scope=user:last', {
      value: `the end of ${view}`,
      reason: 'x',
    });
    let said = '';
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      said += decoder.decode(chunk, { stream: true });
      if (said.includes(`the end of ${view}`)) break;
    }
    expect(said).not.toContain(mark);
  }
  heads = await headsOfOthers();
});

test('afterwards the other ledgers are as they were, and their keys still open them', async () => {
  for (const { ledger, key, tenant, model, apiKeyId } of others) {
    const headers = { 'varve-ledger': ledger };
    const { body } = await varve.call('GET', `/v1/resolve/${key}?tenant=${tenant}`, undefined, headers);
    expect(body).toMatchObject({ value: `${mark} tenant:${tenant}` });
    const found = await varve.call('GET', `/v1/models/${encodeURIComponent(model)}`, undefined, headers);
    expect(found.body).toMatchObject({ name: mark, pricing: { input: '77.701' } });
    const keys = await varve.call('GET', '/v1/api-keys', undefined, headers);
    expect(keys.body.items).toContainEqual(expect.objectContaining({ id: apiKeyId, revoked: false }));
  }
});
