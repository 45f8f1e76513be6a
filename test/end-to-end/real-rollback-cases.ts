/**
 * Rolling back in the history of real models and prices: one commit undone with what stood on it since, all prices of a
 * provider back to a day and forward again. What is expected was read off the records by hand.
 */
import { expect, test } from 'vitest';
import type { TestVarve } from '../support/varve.ts';

/** What both models cost since June 2026. */
const now = { input: '0.14', output: '0.28', cacheRead: '0.0028' };

interface ConflictAnswer {
  readonly subject: string;
  readonly field: string;
  readonly current: unknown;
  readonly wanted: unknown;
  readonly by: { readonly reason: string };
}

/** Model, field, both values, and the commit that changed it later. */
function told({ subject, field, current, wanted, by }: ConflictAnswer): readonly unknown[] {
  return [subject.slice('model:deepseek/'.length), field, current, wanted, by.reason.split(' ')[1]];
}

interface EventAnswer {
  readonly revision: number;
  readonly changesetId: string;
  readonly data: { readonly effectiveFrom: string };
}

/** On a ledger with the imported history and no seed. */
export function testRealRollbacks(varve: () => TestVarve): void {
  const rollback = (body: object) =>
    varve().call('POST', '/v1/rollbacks', { reason: 'put it back', ...body });
  const head = async (): Promise<number> => (await varve().call('GET', '/v1/status')).body.revision;
  const priceOf = async (model: string, query = '') => {
    const id = encodeURIComponent(`deepseek/${model}`);
    return (await varve().call('GET', `/v1/models/${id}?${query}`)).body.pricing;
  };

  test('undo of commit 6144f84d7962: what it set and nobody changed since goes, the rest is told', async () => {
    const found = await varve().call('GET', '/v1/history?q=6144f84d7962&limit=10');
    const { changesetId } = found.body.items[0] as EventAnswer;
    const selected = { undo: { changesets: [changesetId] }, include: ['models', 'prices'] };
    const preview = await rollback({ ...selected, dryRun: true });
    // Of its eleven facts one still stands as it set it: that deepseek-chat does not reason.
    expect(preview.body.events).toMatchObject([
      {
        type: 'ModelUpdated',
        subject: 'model:deepseek/deepseek-chat',
        data: { updates: { capabilities: expect.arrayContaining(['reasoning']) } },
      },
    ]);
    expect(preview.body.conflicts.map(told)).toEqual([
      ['deepseek-chat', 'contextWindow', 1_000_000, 65_536, 'f458b199942e'],
      ['deepseek-chat', 'outputLimit', 384_000, 8_192, 'f458b199942e'],
      ['deepseek-chat', 'extra.last_updated', '2026-02-28', '2025-03-24', 'adb0c0b305f9'],
      ['deepseek-chat', 'pricing', now, { input: '0.27', output: '1.1', cacheRead: '0.07' }, 'd9964116116f'],
      ['deepseek-reasoner', 'contextWindow', 1_000_000, 65_536, 'f458b199942e'],
      ['deepseek-reasoner', 'outputLimit', 384_000, 8_192, 'f458b199942e'],
      ['deepseek-reasoner', 'extra.last_updated', '2026-02-28', '2025-05-29', 'adb0c0b305f9'],
      [
        'deepseek-reasoner',
        'pricing',
        now,
        { input: '0.55', output: '2.19', cacheRead: '0.14' },
        'd9964116116f',
      ],
    ]);

    const { fingerprint } = preview.body;
    const done = await rollback({ ...selected, fingerprint });
    expect(done.status).toBe(201);
    const chat = (await varve().call('GET', '/v1/models/deepseek%2Fdeepseek-chat')).body;
    expect(chat).toMatchObject({ contextWindow: 1_000_000, pricing: now });
    expect(chat.capabilities).toContain('reasoning');

    const all = await rollback({ ...selected, resolve: { 'model:deepseek/deepseek-reasoner': 'undo' } });
    expect(all.status).toBe(201);
    const reasoner = (await varve().call('GET', '/v1/models/deepseek%2Fdeepseek-reasoner')).body;
    expect(reasoner).toMatchObject({
      contextWindow: 65_536,
      outputLimit: 8_192,
      pricing: { input: '0.55', output: '2.19', cacheRead: '0.14' },
    });
    await rollback({ undo: { changesets: [all.body.changesetId] }, include: ['models', 'prices'] });
    await rollback({ undo: { changesets: [done.body.changesetId] }, include: ['models', 'prices'] });
    const restored = (await varve().call('GET', '/v1/models/deepseek%2Fdeepseek-reasoner')).body;
    expect(restored).toMatchObject({ contextWindow: 1_000_000, outputLimit: 384_000, pricing: now });
  });

  test('all prices of deepseek go back to 2025-12-01 and forward again; the past stays', async () => {
    const before = await head();
    const to = await lastBefore('2025-12-01T00:00:00.000Z');
    const wish = { where: { model: 'deepseek/*' }, include: ['prices'] };
    expect(await priceOf('deepseek-chat')).toEqual({ input: '0.14', output: '0.28', cacheRead: '0.0028' });

    const back = await rollback({ ...wish, to });
    expect(back.status).toBe(201);
    expect(await priceOf('deepseek-chat')).toEqual({ input: '0.28', output: '0.42', cacheRead: '0.028' });
    expect(await priceOf('deepseek-reasoner')).toEqual({
      input: '0.28',
      output: '0.42',
      cacheRead: '0.028',
    });
    // Nobody had a price for it then.
    expect(await priceOf('deepseek-v4-pro')).toEqual({});
    for (const [day, input] of [
      ['2025-07-01', '0.27'],
      ['2025-09-01', '0.57'],
      ['2025-12-01', '0.28'],
      ['2026-06-01', '0.14'],
    ] as const) {
      expect((await priceOf('deepseek-chat', `at=${day}T00:00:00Z`)).input, day).toBe(input);
    }

    const forward = await rollback({ ...wish, to: before });
    expect(forward.status).toBe(201);
    expect(await priceOf('deepseek-chat')).toEqual({ input: '0.14', output: '0.28', cacheRead: '0.0028' });
    expect(await priceOf('deepseek-v4-pro')).toEqual({
      input: '0.435',
      output: '0.87',
      cacheRead: '0.003625',
    });
  });

  /** The end of the last changeset with a price that starts before a time. */
  async function lastBefore(time: string): Promise<number> {
    let last: EventAnswer | undefined;
    for (let cursor = ''; last === undefined; ) {
      const page = await varve().call('GET', `/v1/history?type=ModelPriceChanged&limit=1000${cursor}`);
      const items = page.body.items as EventAnswer[];
      last = items.find(({ data }) => data.effectiveFrom < time);
      cursor = `&cursor=${page.body.nextCursor}`;
    }
    return (await varve().call('GET', `/v1/changesets/${last.changesetId}`)).body.revisions.last;
  }
}
