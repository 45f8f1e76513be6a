/** The writer: an idempotent request acts once, and gets its first answer again. */
import { describe, expect, test } from 'vitest';
import { Failure } from '../../src/failure.ts';
import { gate, once, openReadyStand, reasonsOf, revisionsOf, type Stand, set } from './writer-stand.ts';

describe('exactly once', () => {
  test('one key sent 50 times at once: one changeset, and 49 times the same answer', async () => {
    const stand = await openReadyStand();
    const results = await Promise.all(Array.from({ length: 50 }, () => stand.submit([set('a', 1)], once())));
    const [first, ...others] = results;
    expect(first?.replayed).toBe(false);
    for (const other of others) expect(other).toEqual({ ...first, replayed: true });
    expect(await stand.logged()).toHaveLength(2);
  });

  test.each([
    ['the tail knows it', 1],
    ['the index knows it', undefined],
  ])('the same key later gives the first answer again (%s)', async (_case, checkpoint) => {
    const stand = await openReadyStand();
    const first = await stand.submit([set('a', 1), set('a', 1), set('b', 1)], once());
    await stand.submit([set('a', 2)]);
    stand.index.checkpoint = checkpoint;
    const again = await stand.submit([set('a', 1), set('a', 1), set('b', 1)], once());
    expect(again).toMatchObject({
      changesetId: first.changesetId,
      warnings: first.warnings,
      replayed: true,
      revision: 4,
    });
    expect(revisionsOf([again])).toEqual(revisionsOf([first]));
    expect(await stand.logged()).toHaveLength(4);
  });

  test('also on another server that has not heard of it, and after a restart', async () => {
    const one = await openReadyStand();
    const two = await openReadyStand({ log: one.shared });
    const first = await one.submit([set('a', 1)], once());
    expect(two.fold.state.revision).toBe(1);
    const elsewhere = await two.submit([set('a', 1)], once());
    const restarted = await (await openReadyStand({ log: one.shared })).submit([set('a', 1)], once());
    for (const again of [elsewhere, restarted]) {
      expect(again).toMatchObject({ changesetId: first.changesetId, replayed: true });
      expect(revisionsOf([again])).toEqual([[2]]);
    }
    expect(await one.logged()).toHaveLength(2);
  });

  test('with another body it is a conflict, at once and later; nothing is appended', async () => {
    const stand = await openReadyStand();
    const results = await Promise.allSettled([
      stand.submit([set('a', 1)], once('one')),
      stand.submit([set('a', 2)], once('two')),
      stand.submit([set('b', 1)]),
    ]);
    expect(reasonsOf(results)).toEqual(['done', 'idempotency_key_reused', 'done']);
    await expect(stand.submit([set('a', 2)], once('two'))).rejects.toMatchObject({
      code: 'conflict',
      reason: 'idempotency_key_reused',
      details: [{ path: 'header.Idempotency-Key' }],
    });
    expect(await stand.logged()).toHaveLength(3);
  });

  test('the keys of different actors do not meet', async () => {
    const stand = await openReadyStand();
    const bob = { id: 'bob', kind: 'api_key' } as const;
    const results = await Promise.all([
      stand.submit([set('a', 1)], once('one')),
      stand.submit([set('a', 2)], { ...once('two'), actor: bob }),
    ]);
    expect(revisionsOf(results)).toEqual([[2], [3]]);
    expect((await stand.submit([set('a', 2)], { ...once('two'), actor: bob })).changesetId).toBe(
      results[1]?.changesetId,
    );
  });

  test('a refused request leaves its key free', async () => {
    const stand = await openReadyStand();
    const results = await Promise.allSettled([
      stand.submit([set('a', 'no number')], once('one')),
      stand.submit([set('a', 1)], once('two')),
    ]);
    expect(reasonsOf(results)).toEqual(['wrong_type', 'done']);
  });

  test('an answer that nothing changed is remembered and given again', async () => {
    const stand = await openReadyStand();
    await stand.submit([set('a', 1)]);
    const results = await Promise.all(Array.from({ length: 3 }, () => stand.submit([set('a', 1)], once())));
    expect(results.map(({ replayed }) => replayed)).toEqual([false, true, true]);
    await stand.submit([set('a', 2)]);
    const again = await stand.submit([set('a', 1)], once());
    expect(again).toEqual({ ...results[0], revision: 3, replayed: true });
    expect(again).toMatchObject({ changesetId: null, events: [], warnings: [{ code: 'no_change' }] });
    await expect(stand.submit([set('a', 5)], once('other'))).rejects.toMatchObject({
      reason: 'idempotency_key_reused',
    });
    expect(await stand.logged()).toHaveLength(3);
  });

  test('when it cannot be remembered, that request alone fails', async () => {
    const trouble = new Failure('unavailable', 'no table today');
    const stand = await openReadyStand({ rememberNoChange: () => Promise.reject(trouble) });
    await stand.submit([set('a', 1)]);
    const results = await Promise.allSettled([
      stand.submit([set('b', 1)], once('b', 'key b')),
      stand.submit([set('a', 1)], once()),
      stand.submit([set('a', 1)], once()),
      stand.submit([set('a', 1)]),
      stand.submit([set('c', 1)]),
    ]);
    expect(reasonsOf(results)).toEqual(['done', 'unavailable', 'unavailable', 'done', 'done']);
    expect(revisionsOf([await stand.submit([set('d', 1)])])).toEqual([[5]]);
  });

  test('the next group waits until the answers are remembered', async () => {
    const { opened, open } = gate();
    const stand: Stand = await openReadyStand({
      async rememberNoChange(id, bodyHash, answer) {
        await opened;
        stand.remembered.set(`${id.actor}\n${id.key}`, { kind: 'no_change', answer, bodyHash });
        return true;
      },
    });
    await stand.submit([set('a', 1)]);
    const first = stand.submit([set('a', 1)], once());
    const neighbour = await stand.submit([set('a', 2)]);
    const again = stand.submit([set('a', 1)], once());
    expect(neighbour.revision).toBe(3);
    open();
    expect(await first).toMatchObject({ changesetId: null, replayed: false });
    expect(await again).toMatchObject({ changesetId: null, replayed: true });
    expect(await stand.logged()).toHaveLength(3);
  });

  test('while the index is behind the tail, or cannot be asked, only requests with a key fail', async () => {
    const one = await openReadyStand();
    await one.submit([set('x', 1)], once('x', 'x'));
    // This lets the tail forget up to revision 2.
    await one.submit([set('y', 1)], once('y', 'y'));
    one.index.checkpoint = 1;
    const behind = await Promise.allSettled([one.submit([set('a', 1)], once()), one.submit([set('b', 1)])]);
    expect(reasonsOf(behind)).toEqual(['index_behind', 'done']);
    one.index.checkpoint = undefined;
    one.index.failure = new Failure('unavailable', 'no index', { reason: 'database_unavailable' });
    const lost = await Promise.allSettled([one.submit([set('a', 1)], once()), one.submit([set('c', 1)])]);
    expect(reasonsOf(lost)).toEqual(['database_unavailable', 'done']);
    one.index.failure = undefined;
    expect((await one.submit([set('a', 1)], once())).replayed).toBe(false);
  });
});
