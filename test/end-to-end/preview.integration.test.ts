/** A preview on the whole product: it asks the contexts that usage has shown, and what it says is what then happens. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Context } from '../../src/domain/scope.ts';
import { startTestVarve, type TestVarve } from '../support/varve.ts';

const key = 'answers.model';
const hourMs = 3_600_000;

let varve: TestVarve;
beforeAll(async () => {
  varve = await startTestVarve();
  const model = (id: string) => ({ type: 'addModel', model: { id, name: id, contextWindow: 1 } });
  await varve.change([
    model('acme/one'),
    model('acme/two'),
    { type: 'defineKey', key, valueType: 'model', fallback: 'acme/one' },
    { type: 'setOverride', key, scope: 'user:own', value: 'acme/two' },
  ]);
});
afterAll(() => varve.stop());

interface Sampled {
  readonly context: Context;
  readonly before: string;
  readonly after: string;
  readonly from: string;
}

async function resolved(context: Context, at: string): Promise<unknown> {
  const query = new URLSearchParams({ ...context, at });
  return (await varve.call('GET', `/v1/resolve/${key}?${query.toString()}`)).body.value;
}

test('contexts seen in usage are asked, and answer afterwards as it was said', async () => {
  const at = new Date().toISOString();
  const usage = (id: string, context: object) => ({
    id,
    at,
    model: 'acme/one',
    inputTokens: 1,
    outputTokens: 1,
    ...context,
  });
  const reported = await varve.call('POST', '/v1/usage', {
    records: [
      usage('1', { user: 'none', tenant: 'acme' }),
      usage('2', { user: 'own', tenant: 'acme' }),
      usage('3', { user: 'none', tenant: 'other' }),
    ],
  });
  expect(reported.status).toBeLessThan(300);
  const changes = [
    {
      type: 'setOverride',
      key,
      scope: 'tenant:acme',
      value: 'acme/two',
      effectiveUntil: new Date(Date.now() + hourMs).toISOString(),
    },
  ];
  const dryRun = await varve.call('POST', '/v1/changesets', { reason: 'look', changes, dryRun: true });
  expect(dryRun.status).toBe(200);
  const { blastRadius, fingerprint } = dryRun.body;
  const sample: readonly Sampled[] = blastRadius.contexts.sample;
  expect(sample.map(({ context }) => context)).toEqual([
    { tenant: 'acme' },
    { user: 'none', tenant: 'acme' },
  ]);
  expect(blastRadius.contexts).toMatchObject({ known: 5, checked: 5, changed: 2 });
  expect(blastRadius.layers[0].shieldedBy).toEqual({ user: 1, tenant: 0, tier: 0 });
  const applied = await varve.call('POST', '/v1/changesets', { reason: 'do', changes, fingerprint });
  expect(applied.status).toBe(201);
  for (const { context, after } of sample) {
    expect(await resolved(context, applied.body.events[0].recordedAt)).toBe(after);
  }
  const [, end = ''] = blastRadius.moments;
  for (const { context, before } of sample) expect(await resolved(context, end)).toBe(before);
  const again = await varve.call('POST', '/v1/changesets', { reason: 'do', changes, fingerprint });
  expect([again.status, again.body.reason]).toEqual([409, 'preview_outdated']);
});
