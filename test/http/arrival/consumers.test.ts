/** Heartbeats, the list of consumers, active contexts: over HTTP, on a clock that stands still. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type HttpAssembly, startHttp } from '../../support/http-assembly.ts';

let http: HttpAssembly;
beforeAll(async () => {
  http = await startHttp();
  await http.change({ type: 'defineKey', key: 'a.text', valueType: 'string', fallback: 'f' });
});
afterAll(() => http.close());
// Whoever was heard of in another test is silent.
beforeEach(() => http.pass(70_000));

const head = () => http.ledger().state.revision;
const change = (value: string) => http.change({ type: 'setOverride', key: 'a.text', scope: 'global', value });
const beat = (client: string, revision = head(), more: object = {}) =>
  http.call('POST', '/v1/heartbeats', { client, revision, ...more });
const list = async (query = '') => (await http.call('GET', `/v1/consumers${query}`)).body;

interface Listed {
  readonly client: string;
  readonly state: string;
  readonly lag: number;
}

test('a heartbeat is answered with the head, also to a service, and makes no event', async () => {
  const before = head();
  const authorization = `Bearer ${await http.keyOf('service')}`;
  const answer = await http.call(
    'POST',
    '/v1/heartbeats',
    { client: 'chat', instance: 'one', revision: before },
    { authorization },
  );
  expect(answer).toMatchObject({ status: 200, body: { revision: head() } });
  expect(head()).toBe(before + 1);
  expect(answer.headers['varve-revision']).toBe(String(head()));
  // A thousand processes must not fill the log.
  const { level } =
    http.lines.findLast(({ fields }) => JSON.stringify(fields).includes('/v1/heartbeats')) ?? {};
  expect(level).toBe('debug');
});

test('a revision that this ledger does not have is invalid, and one that is far off too', async () => {
  for (const revision of [head() + 1, head() + 5_000_000]) {
    expect(await beat('ahead', revision)).toMatchObject({
      status: 400,
      body: { reason: 'beyond_head', errors: [{ path: 'revision' }] },
    });
  }
  expect((await list()).items.map(({ client }: Listed) => client)).not.toContain('ahead');
});

describe('the list', () => {
  test('tells lag and state of each, by name, with the head in the header', async () => {
    await beat('slow');
    await beat('sleeping');
    http.pass(31_000);
    await change('one');
    await beat('good');
    http.pass(31_000);
    await beat('slow', head() - 1);
    await change('two');
    await beat('late', head() - 1);
    await beat('good');
    const answer = await http.call('GET', '/v1/consumers');
    expect(answer.headers['varve-revision']).toBe(String(head()));
    const told = answer.body.items.map(({ client, state, lag }: Listed) => [client, state, lag]);
    expect(told).toEqual(
      expect.arrayContaining([
        ['good', 'current', 0],
        ['late', 'behind', 1],
        ['sleeping', 'silent', 2],
        ['slow', 'stuck', 2],
      ]),
    );
    expect(told.map(([client]: [string]) => client)).toEqual(
      told.map(([client]: [string]) => client).toSorted(),
    );
    const good = answer.body.items.find(({ client }: Listed) => client === 'good');
    expect(Date.parse(good.lastSeenAt)).toBe(http.now());
    expect(Date.parse(good.firstSeenAt)).toBe(http.now() - 31_000);
    for (const state of ['current', 'behind', 'stuck', 'silent']) {
      const of = told.filter(([, one]: [string, string]) => one === state);
      const { items } = await list(`?state=${state}`);
      expect(items.map(({ client, lag }: Listed) => [client, state, lag])).toEqual(of);
    }
  });

  test('an idle consumer at the head is current until it is silent', async () => {
    await beat('idle');
    http.pass(60_000);
    expect((await list('?state=current')).items).toMatchObject([{ client: 'idle', state: 'current' }]);
    http.pass(1);
    expect((await list('?state=current')).items).toEqual([]);
  });

  test('comes in pages, of one state too', async () => {
    for (let n = 0; n < 5; n++) await beat(`page-${n}`, n % 2 === 0 ? head() : head() - 1);
    for (const [query, wanted] of [
      ['state=current', ['page-0', 'page-2', 'page-4']],
      ['state=behind', ['page-1', 'page-3']],
    ] as const) {
      const seen: string[] = [];
      for (let cursor: string | null = ''; cursor !== null; ) {
        const page = await list(`?${query}&limit=1${cursor === '' ? '' : `&cursor=${cursor}`}`);
        expect(page.items.length).toBe(1);
        seen.push(...page.items.map(({ client }: Listed) => client));
        cursor = page.nextCursor;
      }
      expect(seen).toEqual(wanted);
    }
  });

  test('tells processes of one name apart, and forgets who leaves', async () => {
    for (const instance of ['a', 'b']) await beat('pair', head(), { instance });
    await beat('pair', head(), { instance: 'a', leaving: true });
    const items = (await list('?state=current')).items;
    expect(items).toMatchObject([{ client: 'pair', instance: 'b' }]);
  });

  test('a heartbeat that a good-bye overtakes puts nobody back', async () => {
    const { consumers } = http.dependencies;
    const { noteContexts } = consumers;
    let letGo: () => void = () => undefined;
    const isHeld = new Promise<void>((held) => {
      const wait = new Promise<void>((resolve) => {
        letGo = resolve;
      });
      Object.assign(consumers, {
        noteContexts: (...said: Parameters<typeof noteContexts>) => {
          held();
          return wait.then(() => noteContexts(...said));
        },
      });
    });
    const late = beat('gone', head(), { instance: 'a', contexts: [{ tenant: 'nobody' }] });
    await isHeld;
    await beat('gone', head(), { instance: 'a', leaving: true });
    http.pass(3_000);
    letGo();
    expect((await late).status).toBe(200);
    Object.assign(consumers, { noteContexts });
    expect((await list('?state=current')).items).toEqual([]);
  });
});

describe('contexts', () => {
  test('are the active users with what they have now', async () => {
    const contexts = [
      { user: 'ann', tenant: 'acme' },
      { user: 'bob', at: new Date(http.now() - 25 * 3_600_000).toISOString() },
      { user: 'cleo', tier: '3', at: new Date(http.now() - 5_000).toISOString() },
      { tenant: 'nobody' },
    ];
    expect((await beat('chat', head(), { contexts })).status).toBe(200);
    const ofNobody = { provider: null, model: null, how: 'consumer' };
    const ann = { user: 'ann', tenant: 'acme', tier: null };
    const cleo = { user: 'cleo', tenant: null, tier: '3' };
    const first = await http.call('GET', '/v1/contexts');
    expect(first.body).toEqual({
      items: [
        { ...ann, ...ofNobody, lastSeenAt: new Date(http.now()).toISOString() },
        { ...cleo, ...ofNobody, lastSeenAt: contexts[2]?.at },
      ],
      nextCursor: null,
    });
    await http.change(
      { type: 'defineKey', key: 'runtime.provider', valueType: 'string', fallback: 'Google' },
      { type: 'defineKey', key: 'runtime.model', valueType: 'string', fallback: 'gemini-2.5-flash' },
      { type: 'setOverride', key: 'runtime.provider', scope: 'user:ann', value: 'Anthropic' },
      { type: 'setOverride', key: 'runtime.model', scope: 'tier:3', value: 'claude-3-5-haiku' },
    );
    const longer = await http.call('GET', '/v1/contexts?activeWithinHours=26');
    expect(longer.body.items).toMatchObject([
      { ...ann, provider: 'Anthropic', model: 'gemini-2.5-flash' },
      { ...cleo, provider: 'Google', model: 'claude-3-5-haiku' },
      { user: 'bob', provider: 'Google', model: 'gemini-2.5-flash' },
    ]);
  });
});
