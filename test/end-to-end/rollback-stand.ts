/**
 * A Varve with two operators, for the tests of rolling back: three keys, four models, and short ways to ask.
 */
import { startTestVarve } from '../support/varve.ts';
import { type Answer, type Api, createApi } from '../support/varve-on.ts';

export interface RollbackStand {
  readonly varve: Api;
  readonly alice: Api;
  readonly bob: Api;
  /** Sends changes and expects 201. */
  change(api: Api, ...changes: readonly object[]): Promise<Answer>;
  rollback(body: object, headers?: Record<string, string>): Promise<Answer>;
  valueFor(key: string, query?: string): Promise<unknown>;
  head(): Promise<number>;
  stop(): Promise<void>;
}

export async function startRollbackStand(): Promise<RollbackStand> {
  const varve = await startTestVarve();
  await varve.change([
    ...['acme/one', 'acme/two', 'acme/three', 'acme/old'].map((id) => ({
      type: 'addModel',
      model: { id, name: id, contextWindow: 1, pricing: { input: '1', output: '2' } },
    })),
    { type: 'defineKey', key: 'ai.model', valueType: 'model', fallback: 'acme/one' },
    { type: 'defineKey', key: 'ai.limit', valueType: 'integer', fallback: 1 },
    { type: 'defineKey', key: 'app.text', valueType: 'string', fallback: 'fallback' },
  ]);
  const keyOf = async (name: string): Promise<Api> => {
    const made = await varve.call('POST', '/v1/api-keys', { name, role: 'operator' });
    return createApi(varve.url, made.body.key);
  };
  return {
    varve,
    alice: await keyOf('alice'),
    bob: await keyOf('bob'),
    async change(api, ...changes) {
      const answer = await api.call('POST', '/v1/changesets', { reason: 'a test', changes });
      if (answer.status !== 201) throw new Error(`${answer.status}: ${JSON.stringify(answer.body)}`);
      return answer;
    },
    rollback: (body, headers) =>
      varve.call('POST', '/v1/rollbacks', { reason: 'put it back', ...body }, headers),
    valueFor: async (key, query = '') => (await varve.call('GET', `/v1/resolve/${key}?${query}`)).body.value,
    head: async () => (await varve.call('GET', '/v1/status')).body.revision,
    stop: () => varve.stop(),
  };
}

/** A change that sets an override. */
export const set = (key: string, scope: string, value: unknown, more: object = {}) => ({
  type: 'setOverride',
  key,
  scope,
  value,
  ...more,
});

export const inHours = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString();
