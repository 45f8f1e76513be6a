/**
 * Requests to roll back, on the whole product: previews and their fingerprints, again with the same key, two at once,
 * very many events, and what is turned away.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Answer } from '../support/varve-on.ts';
import { type RollbackStand, set, startRollbackStand } from './rollback-stand.ts';

let stand: RollbackStand;
beforeAll(async () => {
  stand = await startRollbackStand();
});
afterAll(() => stand.stop());

describe('a preview', () => {
  test('tells what will happen, and applies only while it holds', async () => {
    const hers = await stand.change(stand.alice, set('app.text', 'global', 'hers'));
    const wish = { undo: { changesets: [hers.body.changesetId] } };
    const before = await stand.head();
    const preview = await stand.rollback({ ...wish, dryRun: true });
    expect(preview.status).toBe(200);
    expect(await stand.head()).toBe(before);
    expect(preview.body.blastRadius.layers).toMatchObject([
      { key: 'app.text', scope: 'global', before: 'hers', after: null },
    ]);
    await stand.change(stand.bob, set('ai.limit', 'tenant:elsewhere', 2));
    await stand.change(stand.bob, set('app.text', 'global', 'his'));
    const outdated = await stand.rollback({ ...wish, fingerprint: preview.body.fingerprint });
    expect(outdated.body).toMatchObject({ status: 409, reason: 'preview_outdated' });
    const again = await stand.rollback({ ...wish, dryRun: true });
    expect(again.body.conflicts).toMatchObject([{ current: 'his', wanted: null }]);
    const resolved = { ...wish, resolve: { 'override:app.text@global': 'undo' } };
    const third = await stand.rollback({ ...resolved, dryRun: true });
    await stand.change(stand.bob, set('ai.limit', 'tenant:elsewhere', 3));
    const applied = await stand.rollback({ ...resolved, fingerprint: third.body.fingerprint });
    expect(applied.status).toBe(201);
    const bare = ({ type, subject, data }: { type: string; subject: string; data: object }) => ({
      type,
      subject,
      data,
    });
    expect(applied.body.events.map(bare)).toEqual(third.body.events.map(bare));
    expect(await stand.valueFor('app.text')).toBe('fallback');
  });

  test('the same request again answers the first result, though there is nothing left to undo', async () => {
    const hers = await stand.change(stand.alice, set('app.text', 'user:i', 'hers'));
    await stand.change(stand.bob, set('app.text', 'user:i', 'his'));
    const body = {
      undo: { actor: 'alice', changesets: [hers.body.changesetId] },
      resolve: { 'override:app.text@user:i': 'undo' },
    };
    const headers = { 'idempotency-key': 'undo-once' };
    const first = await stand.rollback(body, headers);
    const second = await stand.rollback(body, headers);
    expect(first.status).toBe(201);
    expect(second.headers.get('idempotent-replayed')).toBe('true');
    expect(second.body).toEqual(first.body);
  });
});

test('two opposite rollbacks at once: one wins, the other hears a conflict', async () => {
  await stand.change(stand.bob, set('app.text', 'tenant:race', 'one'));
  const one = await stand.head();
  await stand.change(stand.bob, set('app.text', 'tenant:race', 'two'));
  const two = await stand.head();
  await stand.change(stand.bob, set('app.text', 'tenant:race', 'three'));
  const before = await stand.head();
  const where = { key: 'app.text', scope: 'tenant:race' };
  const answers = await Promise.all([stand.rollback({ to: one, where }), stand.rollback({ to: two, where })]);
  expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 409]);
  expect(answers.find(({ status }) => status === 409)?.body).toMatchObject({ reason: 'subject_moved' });
  const won = answers.findIndex(({ status }) => status === 201);
  expect(await stand.valueFor('app.text', 'tenant=race')).toBe(won === 0 ? 'one' : 'two');
  expect(await stand.head()).toBe(before + 1);
});

/** Asks again while the read models are behind, as a client does; the time limit of the test ends it. */
async function patiently(body: object): Promise<Answer> {
  for (;;) {
    const answer = await stand.rollback(body);
    if (answer.status !== 503) return answer;
    expect(answer.body.reason).toBe('projection_behind');
  }
}

test('a selection of 10,000 events goes in one changeset; more is refused', async () => {
  const changes = Array.from({ length: 10_000 }, (_, n) => set('app.text', `user:many-${n}`, 'many'));
  const many = await stand.change(stand.alice, ...changes);
  const undone = await patiently({ undo: { changesets: [many.body.changesetId] } });
  expect(undone.body.detail).toBeUndefined();
  expect(undone.body.events).toHaveLength(10_000);
  expect(await stand.valueFor('app.text', 'user=many-9999')).toBe('fallback');
  await stand.change(stand.alice, set('app.text', 'user:one-more', 'more'));
  const tooMany = await patiently({ undo: { actor: 'alice' } });
  expect(tooMany.body).toMatchObject({
    status: 422,
    reason: 'too_many_selected',
    errors: [{ path: 'where' }],
  });
});

const bad: readonly (readonly [string, object, string])[] = [
  ['neither to nor undo', {}, 'to'],
  ['both', { to: 1, undo: { actor: 'alice' } }, 'undo'],
  ['an undo of nothing', { undo: {} }, 'undo'],
  ['a point beyond the head', { to: 99_999_999 }, 'to'],
  ['a point that is none', { to: 'yesterday' }, 'to'],
  ['a tag that nobody gave', { to: 'tag:nobody' }, 'to'],
  ['a revision beyond the head', { undo: { revisions: [1, 99_999_999] } }, 'undo.revisions.1'],
  [
    'a window that ends before it begins',
    { undo: { from: '2026-01-02T00:00:00Z', to: '2026-01-01T00:00:00Z' } },
    'undo.to',
  ],
  ['a strange kind', { to: 1, include: ['tags'] }, 'include.0'],
  ['a strange resolution', { to: 1, resolve: { 'key:a': 'both' } }, 'resolve.key:a'],
  ['a strange pattern', { to: 1, where: { key: 'Ai Model' } }, 'where.key'],
  ['an unknown field', { to: 1, when: 'now' }, 'when'],
];

test.each(bad)('%s is turned away, naming the place', async (_what, body, path) => {
  const before = await stand.head();
  const answer = await stand.rollback(body);
  expect(answer.status).toBe(400);
  expect(answer.body.errors.map((error: { path: string }) => error.path)).toContain(path);
  expect(await stand.head()).toBe(before);
});

test('a changeset that is not there is refused', async () => {
  const nobody = '01900000-0000-7000-8000-000000000000';
  const { body } = await stand.rollback({ undo: { changesets: [nobody] } });
  expect(body).toMatchObject({
    status: 422,
    reason: 'unknown_changeset',
    errors: [{ path: 'undo.changesets.0' }],
  });
});
