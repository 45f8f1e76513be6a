/**
 * Receipts over HTTP: every way to resolve gives one, and whoever shows it later gets back what was answered and why.
 * The law: in random histories, a receipt taken live is the one that the ledger as it was then gives, whatever was
 * written since.
 */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Context } from '../../src/domain/scope.ts';
import { type HttpAssembly, startHttp } from '../support/http-assembly.ts';
import {
  anyChange,
  beginning,
  contexts,
  historyOf,
  modelKey,
  moments,
  stringKey,
} from '../support/random-histories.ts';

let http: HttpAssembly;
beforeEach(async () => {
  http = await startHttp();
});
afterEach(() => http.close());

interface Receipt {
  readonly ledger: string;
  readonly revision: number;
  readonly at: string;
  readonly hash: string;
}

const pathOf = ({ revision, at, hash }: Receipt, query: string) =>
  `/v1/receipts/${revision}/${encodeURIComponent(at)}/${hash}?${query}`;
const show = (receipt: Receipt, query: string) => http.call('GET', pathOf(receipt, query));

describe('one answer', () => {
  beforeEach(async () => {
    await http.change(
      { type: 'addModel', model: { id: 'acme/one', name: 'One', contextWindow: 1 } },
      { type: 'addModel', model: { id: 'acme/two', name: 'Two', contextWindow: 1 } },
      { type: 'defineKey', key: 'a.model', valueType: 'model', fallback: 'acme/one' },
      { type: 'defineKey', key: 'a.text', valueType: 'string', fallback: 'none' },
      { type: 'setOverride', key: 'a.text', scope: 'tier:3', value: 'premium' },
    );
  });
  /** Years of changes. */
  const muchHappens = async () => {
    http.pass(3 * 365 * 86_400_000);
    await http.change(
      { type: 'setOverride', key: 'a.text', scope: 'user:u', value: 'other' },
      { type: 'deprecateModel', id: 'acme/one', successor: 'acme/two', sunsetAt: '2029-03-01T00:00:00Z' },
      { type: 'retireKey', key: 'a.text' },
    );
    http.pass(86_400_000);
  };

  test('the hash is that of the canonical text of what was answered', async () => {
    const { body } = await http.call('GET', '/v1/resolve/a.text?user=u&tier=3&receipt=true');
    const text =
      '{"at":"2026-03-01T12:00:00.000Z","context":{"tier":"3","user":"u"},"ledger":"default","revision":6,' +
      '"values":{"a.text":{"reason":"TARGETING_MATCH","revision":6,"scope":"tier:3","value":"premium"}}}';
    expect(body.receipt).toEqual({
      ledger: 'default',
      revision: 6,
      at: '2026-03-01T12:00:00.000Z',
      hash: createHash('sha256').update(text).digest('hex'),
    });
  });

  test('every way to resolve gives the same one, and none that is not asked for', async () => {
    const one = (await http.call('GET', '/v1/resolve/a.text?tier=3&receipt=true')).body;
    const many = (await http.call('GET', '/v1/resolve?keys=a.text&tier=3&receipt=true')).body;
    const context = { tier: '3' };
    const body = { contexts: [context, {}], keys: ['a.text'], receipt: true };
    const { results } = (await http.call('POST', '/v1/resolve', body)).body;
    expect([many.receipt, results[0].receipt]).toEqual([one.receipt, one.receipt]);
    expect(results[1].receipt.hash).not.toBe(one.receipt.hash);
    for (const query of ['', '&receipt=false']) {
      const { receipt: _receipt, ...same } = one;
      expect((await http.call('GET', `/v1/resolve/a.text?tier=3${query}`)).body).toEqual(same);
      expect((await http.call('GET', `/v1/resolve?tier=3${query}`)).body).not.toHaveProperty('receipt');
    }
    const without = (await http.call('POST', '/v1/resolve', { contexts: [context] })).body;
    expect(without.results[0]).not.toHaveProperty('receipt');
  });

  test('years later it gives back the values and why, also of models and keys that are retired by then', async () => {
    const { receipt, values } = (await http.call('GET', '/v1/resolve?user=u&tier=3&receipt=true')).body;
    const before = await show(receipt, 'user=u&tier=3');
    expect(before.status).toBe(200);
    expect(before.body).toMatchObject({ receipt, context: { user: 'u', tier: '3' }, values });
    const explained = (await http.call('GET', '/v1/explain/a.text?user=u&tier=3')).body;
    expect(before.body.explanations['a.text']).toEqual(explained);
    expect(explained.layers.map(({ outcome }: { outcome: string }) => outcome)).toEqual([
      'unset',
      'won',
      'unset',
    ]);
    await muchHappens();
    const after = await show(receipt, 'keys=a.text,a.model&user=u&tier=3');
    expect(after.body).toEqual(before.body);
    expect(after.headers).toMatchObject({ 'varve-revision': '6', 'varve-at': receipt.at });
    const offset = { ...receipt, at: '2026-03-01T14:00:00.000+02:00' };
    expect((await show(offset, 'user=u&tier=3')).body).toEqual(before.body);
  });

  test('of a moment ahead and of a revision of before', async () => {
    await http.change({
      type: 'setOverride',
      key: 'a.text',
      scope: 'global',
      value: 'soon',
      effectiveFrom: '2026-04-01T00:00:00Z',
    });
    const ahead = (await http.call('GET', '/v1/resolve/a.text?at=2026-05-01T00:00:00Z&receipt=true')).body;
    const past = (await http.call('GET', '/v1/resolve/a.text?asOf=5&receipt=true')).body;
    expect([ahead.value, ahead.receipt.revision, past.receipt.revision]).toEqual(['soon', 7, 5]);
    await muchHappens();
    expect((await show(ahead.receipt, 'key=a.text')).body.values['a.text'].value).toBe('soon');
    expect((await show(past.receipt, 'key=a.text')).body.values['a.text'].value).toBe('none');
  });

  test('of anything else it is a conflict that does not say what would fit', async () => {
    const { receipt } = (await http.call('GET', '/v1/resolve/a.text?tier=3&receipt=true')).body;
    const other = (await http.call('GET', '/v1/resolve/a.text?tier=4&receipt=true')).body.receipt;
    const cases: readonly (readonly [Receipt, string])[] = [
      [receipt, 'key=a.text&tier=4'],
      [receipt, 'key=a.text'],
      [receipt, 'key=a.model&tier=3'],
      [receipt, 'keys=a.text,a.model&tier=3'],
      [{ ...receipt, revision: 5 }, 'key=a.text&tier=3'],
      [{ ...receipt, at: '2026-03-01T12:00:00.001Z' }, 'key=a.text&tier=3'],
      [{ ...receipt, hash: other.hash }, 'key=a.text&tier=3'],
    ];
    for (const [shown, query] of cases) {
      const answer = await show(shown, query);
      expect([query, answer.status, answer.body.reason]).toEqual([query, 409, 'receipt_differs']);
      for (const { hash } of [receipt, other]) expect(answer.text).not.toContain(hash);
      expect(answer.text).not.toContain('premium');
    }
  });

  test('what is no receipt, or of what never was', async () => {
    const { receipt } = (await http.call('GET', '/v1/resolve/a.text?receipt=true')).body;
    const ask = async (path: string) => {
      const { status, body } = await http.call('GET', path);
      return [status, body.errors?.[0]?.path];
    };
    expect(await ask(pathOf({ ...receipt, revision: 99 }, ''))).toEqual([400, 'path.revision']);
    expect(await ask(pathOf({ ...receipt, at: 'yesterday' }, ''))).toEqual([400, 'path.at']);
    expect(await ask(pathOf({ ...receipt, hash: 'ABC' }, ''))).toEqual([400, 'path.hash']);
    expect(await ask(pathOf(receipt, 'key=a.text&keys=a.text'))).toEqual([400, 'query.key']);
    expect(await ask(pathOf(receipt, 'key=a.unknown'))).toEqual([404, 'query.key']);
    expect(await ask('/v1/resolve/a.text?receipt=perhaps')).toEqual([400, 'query.receipt']);
  });

  test('for at most 100 keys', async () => {
    const keys = Array.from({ length: 99 }, (_, n) => `many.key_${n}`);
    await http.change(...keys.map((key) => ({ type: 'defineKey', key, valueType: 'integer', fallback: 0 })));
    const tooMany = [400, 'too_many'];
    const reasonOf = ({ status, body }: { status: number; body: { reason: string } }) => [
      status,
      body.reason,
    ];
    expect(reasonOf(await http.call('GET', '/v1/resolve?receipt=true'))).toEqual(tooMany);
    expect(reasonOf(await http.call('POST', '/v1/resolve', { contexts: [{}], receipt: true }))).toEqual(
      tooMany,
    );
    const contexts = Array.from({ length: 51 }, () => ({}));
    const batch = { contexts, keys: ['a.text', ...keys], receipt: true };
    expect(reasonOf(await http.call('POST', '/v1/resolve', batch))).toEqual(tooMany);
    expect((await http.call('POST', '/v1/resolve', { ...batch, contexts: contexts.slice(1) })).status).toBe(
      200,
    );
    const named = `keys=a.text,${keys.join(',')}`;
    const { receipt } = (await http.call('GET', `/v1/resolve?${named}&receipt=true`)).body;
    expect((await show(receipt, named)).status).toBe(200);
    expect(reasonOf(await show(receipt, ''))).toEqual(tooMany);
    expect(reasonOf(await show(receipt, `${named},a.model`))).toEqual(tooMany);
  });
});

test('in random histories a receipt taken live is the one of the ledger as it was', async () => {
  const queryOf = (context: Context) =>
    Object.entries(context)
      .map(([name, id]) => `&${name}=${id}`)
      .join('');
  await fc.assert(
    fc.asyncProperty(historyOf(anyChange, 3), fc.infiniteStream(fc.nat(9)), async (steps, draws) => {
      const own = await startHttp({ startsAt: moments[0] ?? 0 });
      const draw = <T>(from: readonly T[]): T => from[(draws.next().value ?? 0) % from.length] as T;
      const taken: { readonly query: string; readonly body: { receipt: Receipt; values: object } }[] = [];
      for (const { hours, changes } of [beginning, ...steps]) {
        own.pass(hours * 3_600_000 + 1);
        await own.call('POST', '/v1/changesets', { reason: 'a test wants it', changes });
        const keys = draw(['', `&keys=${stringKey}`, `&keys=${modelKey}`]);
        const query = `${keys}${queryOf(draw(contexts))}`;
        const answer = await own.call('GET', `/v1/resolve?receipt=true${query}`);
        if (answer.status === 200) taken.push({ query, body: answer.body });
        // Somebody asks about a moment of the past or the future as well.
        const moment = new Date(draw(moments)).toISOString();
        const other = await own.call('GET', `/v1/resolve?receipt=true&at=${moment}${query}`);
        if (other.status === 200) taken.push({ query, body: other.body });
      }
      for (const { query, body } of taken) {
        const later = await own.call('GET', pathOf(body.receipt, query.slice(1)));
        const { receipt, values } = later.body;
        expect({ receipt, values }).toEqual({ receipt: body.receipt, values: body.values });
      }
      expect(taken.length).toBeGreaterThan(0);
      await own.close();
    }),
    { numRuns: 25 },
  );
});
