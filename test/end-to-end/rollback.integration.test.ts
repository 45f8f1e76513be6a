/**
 * Rolling back on the whole product: undo of what somebody did, back to a point, conflicts, misfits; and that API keys,
 * ledgers and tags stay as they are. Previews and races stand in rollback-requests.integration.test.ts.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createApi } from '../support/varve-on.ts';
import { inHours, type RollbackStand, set, startRollbackStand } from './rollback-stand.ts';

let stand: RollbackStand;
beforeAll(async () => {
  stand = await startRollbackStand();
});
afterAll(() => stand.stop());

describe('undo of what alice did', () => {
  test('takes out exactly what nobody touched later, in one call, and lists the rest', async () => {
    await stand.change(
      stand.bob,
      set('app.text', 'tenant:a', 'before'),
      set('app.text', 'tenant:b', 'before'),
    );
    const from = inHours(0);
    await stand.change(stand.alice, set('app.text', 'tenant:a', 'hers'), set('app.text', 'tenant:b', 'hers'));
    await stand.change(stand.alice, set('app.text', 'tenant:c', 'hers'));
    await stand.change(stand.alice, {
      type: 'updateModel',
      id: 'acme/two',
      updates: { name: 'Hers', family: 'hers' },
    });
    await stand.change(stand.bob, set('app.text', 'tenant:b', 'his'));
    await stand.change(stand.bob, { type: 'updateModel', id: 'acme/two', updates: { name: 'His' } });
    const to = inHours(1);

    const { status, body } = await stand.rollback({ undo: { actor: 'alice', from, to } });
    expect(status).toBe(201);
    expect(await stand.valueFor('app.text', 'tenant=a')).toBe('before');
    expect(await stand.valueFor('app.text', 'tenant=b')).toBe('his');
    expect(await stand.valueFor('app.text', 'tenant=c')).toBe('fallback');
    const model = (await stand.varve.call('GET', '/v1/models/acme%2Ftwo')).body;
    expect({ name: model.name, family: model.family }).toEqual({ name: 'His', family: undefined });

    expect(body.events.map(({ subject }: { subject: string }) => subject).toSorted()).toEqual([
      'model:acme/two',
      'override:app.text@tenant:a',
      'override:app.text@tenant:c',
    ]);
    expect(body.conflicts).toMatchObject([
      {
        subject: 'override:app.text@tenant:b',
        field: 'value',
        current: 'his',
        wanted: 'before',
        by: { actor: { id: 'bob', kind: 'api_key' }, reason: 'a test' },
      },
      {
        subject: 'model:acme/two',
        field: 'name',
        current: 'His',
        wanted: 'acme/two',
        by: { actor: { id: 'bob' } },
      },
    ]);
    expect(body.events[0]).toMatchObject({ source: 'rollback', reason: 'put it back' });
    expect(body.events.every(({ undoes }: { undoes?: string }) => undoes !== undefined)).toBe(true);
  });

  test('takes the later change out as well, or leaves the subject, where it is said so', async () => {
    await stand.change(stand.bob, set('app.text', 'user:r', 'before'), set('app.text', 'user:k', 'before'));
    const hers = await stand.change(
      stand.alice,
      set('app.text', 'user:r', 'hers'),
      set('app.text', 'user:k', 'hers'),
    );
    await stand.change(stand.bob, set('app.text', 'user:r', 'his'));
    const { changesetId } = hers.body;
    const { body } = await stand.rollback({
      undo: { changesets: [changesetId] },
      resolve: { 'override:app.text@user:r': 'undo', 'override:app.text@user:k': 'keep' },
    });
    expect(body.conflicts).toEqual([]);
    expect(body.events).toMatchObject([{ subject: 'override:app.text@user:r', undoes: changesetId }]);
    expect(await stand.valueFor('app.text', 'user=r')).toBe('before');
    expect(await stand.valueFor('app.text', 'user=k')).toBe('hers');
    const stray = await stand.rollback({
      undo: { changesets: [changesetId] },
      resolve: { 'override:app.text@user:nobody': 'keep' },
    });
    expect(stray.status).toBe(400);
    expect(stray.body.errors[0].path).toBe('resolve.override:app.text@user:nobody');
  });

  test('of a schedule and of a withdrawal: what was to come goes, what was taken back comes', async () => {
    const planned = await stand.change(
      stand.alice,
      set('ai.limit', 'tenant:s', 5, { effectiveFrom: inHours(2), effectiveUntil: inHours(4) }),
    );
    const later = `tenant=s&at=${inHours(3)}`;
    expect(await stand.valueFor('ai.limit', later)).toBe(5);
    const gone = await stand.rollback({ undo: { revisions: [planned.body.revisions.first] } });
    expect(gone.body.events.map(({ type }: { type: string }) => type)).toEqual(['OverrideWithdrawn']);
    expect(await stand.valueFor('ai.limit', later)).toBe(1);
    const back = await stand.rollback({ undo: { changesets: [gone.body.changesetId] } });
    expect(back.status).toBe(201);
    expect(await stand.valueFor('ai.limit', later)).toBe(5);
    expect(await stand.valueFor('ai.limit', 'tenant=s')).toBe(1);
    expect(await stand.valueFor('ai.limit', `tenant=s&at=${inHours(5)}`)).toBe(1);
  });
});

describe('back to a point', () => {
  test('brings overrides, keys and models back, and forward again, and leaves prices unless they are named', async () => {
    await stand.change(stand.bob, set('ai.model', 'global', 'acme/two'), set('ai.limit', 'user:p', 7));
    await stand.change(stand.bob, { type: 'tagRevision', name: 'good' });
    const good = await stand.head();
    await stand.change(
      stand.alice,
      set('ai.model', 'global', 'acme/three'),
      { type: 'clearOverride', key: 'ai.limit', scope: 'user:p' },
      { type: 'defineKey', key: 'ai.limit', valueType: 'integer', fallback: 99 },
      { type: 'retireKey', key: 'app.text' },
      { type: 'defineKey', key: 'ai.new', valueType: 'string', fallback: 'new' },
      { type: 'deprecateModel', id: 'acme/one', successor: 'acme/two' },
      { type: 'addModel', model: { id: 'acme/new', name: 'New', contextWindow: 1 } },
      { type: 'changePrice', id: 'acme/two', pricing: { input: '9' } },
    );
    const bad = await stand.head();
    const done = await stand.rollback({ to: 'tag:good' });
    expect(done.status).toBe(201);
    expect(await stand.valueFor('ai.model')).toBe('acme/two');
    expect(await stand.valueFor('ai.limit', 'user=p')).toBe(7);
    expect(await stand.valueFor('ai.limit')).toBe(1);
    expect(await stand.valueFor('app.text')).toBe('fallback');
    expect((await stand.varve.call('GET', '/v1/resolve/ai.new')).status).toBe(404);
    expect((await stand.varve.call('GET', '/v1/models/acme%2Fone')).body.status).toBe('active');
    expect((await stand.varve.call('GET', '/v1/models/acme%2Fnew')).status).toBe(404);
    expect((await stand.varve.call('GET', '/v1/models/acme%2Ftwo')).body.pricing.input).toBe('9');
    // The past is as it was.
    expect(await stand.valueFor('ai.model', `asOf=${bad}`)).toBe('acme/three');

    await stand.rollback({ to: good, where: { model: 'acme/*' }, include: ['prices'] });
    expect((await stand.varve.call('GET', '/v1/models/acme%2Ftwo')).body.pricing).toMatchObject({
      input: '1',
      output: '2',
    });

    const forward = await stand.rollback({ to: bad });
    expect(forward.status).toBe(201);
    expect(await stand.valueFor('ai.model')).toBe('acme/three');
    expect(await stand.valueFor('ai.limit', 'user=p')).toBe(99);
    expect(await stand.valueFor('ai.new')).toBe('new');
    expect((await stand.varve.call('GET', '/v1/models/acme%2Fone')).body).toMatchObject({
      status: 'deprecated',
      successor: 'acme/two',
    });
    await stand.rollback({ undo: { changesets: [forward.body.changesetId] } });
    expect(await stand.valueFor('ai.model')).toBe('acme/two');
    const again = await stand.rollback({ to: 'tag:good' });
    expect(again.status).toBe(200);
    expect(again.body).toMatchObject({ changesetId: null, events: [], conflicts: [] });
  });

  test('selects by key pattern and scope', async () => {
    const before = await stand.head();
    await stand.change(
      stand.bob,
      set('app.text', 'user:w', 'w'),
      set('ai.limit', 'user:w', 3),
      set('ai.limit', 'user:x', 4),
    );
    await stand.rollback({ to: before, where: { key: 'ai.*', scope: 'user:w' } });
    expect(await stand.valueFor('app.text', 'user=w')).toBe('w');
    expect(await stand.valueFor('ai.limit', 'user=w')).toBe(1);
    expect(await stand.valueFor('ai.limit', 'user=x')).toBe(4);
  });
});

describe('what is old does not come back in silence', () => {
  test('a model that was removed since: refused, or brought back with a warning, as asked', async () => {
    const first = await stand.change(stand.bob, set('ai.model', 'tenant:old', 'acme/old'));
    const old = first.body.revisions.last;
    await stand.change(stand.bob, set('ai.model', 'tenant:old', 'acme/three'));
    await stand.change(stand.bob, { type: 'removeModel', id: 'acme/old' });
    const wish = { to: old, where: { key: 'ai.model', scope: 'tenant:old' } };
    const headBefore = await stand.head();
    for (const body of [wish, { ...wish, dryRun: true }]) {
      const refused = await stand.rollback(body);
      expect(refused.status).toBe(422);
      expect(refused.body).toMatchObject({
        reason: 'removed_model',
        errors: [{ path: 'override:ai.model@tenant:old' }],
      });
    }
    expect(await stand.head()).toBe(headBefore);
    const warned = await stand.rollback({ ...wish, allowUnlisted: true });
    expect(warned.status).toBe(201);
    expect(warned.body.warnings).toMatchObject([
      { code: 'removed_model', path: 'override:ai.model@tenant:old' },
    ]);
    expect((await stand.varve.call('GET', '/v1/resolve/ai.model?tenant=old')).body).toMatchObject({
      value: 'acme/old',
      model: { status: 'removed' },
    });
  });

  test('a value that the definition of today does not take is refused, and can be left out', async () => {
    const first = await stand.change(
      stand.bob,
      set('ai.limit', 'tenant:v', 500),
      set('ai.limit', 'tenant:u', 5),
    );
    await stand.change(stand.bob, set('ai.limit', 'tenant:v', 50), set('ai.limit', 'tenant:u', 6));
    const schema = { maximum: 100 };
    await stand.change(stand.bob, {
      type: 'defineKey',
      key: 'ai.limit',
      valueType: 'integer',
      fallback: 1,
      schema,
    });
    const wish = { to: first.body.revisions.last, include: ['overrides'], where: { key: 'ai.limit' } };
    const refused = await stand.rollback(wish);
    expect(refused.body).toMatchObject({ status: 422, reason: 'schema_violated' });
    const done = await stand.rollback({ ...wish, resolve: { 'override:ai.limit@tenant:v': 'keep' } });
    expect(done.status).toBe(201);
    expect(await stand.valueFor('ai.limit', 'tenant=u')).toBe(5);
    expect(await stand.valueFor('ai.limit', 'tenant=v')).toBe(50);
  });

  test('no rollback touches API keys, ledgers and tags', async () => {
    const before = await stand.head();
    const made = await stand.varve.call('POST', '/v1/api-keys', { name: 'short-lived', role: 'operator' });
    const standing = await stand.varve.call('POST', '/v1/api-keys', { name: 'standing', role: 'operator' });
    const withKeys = await stand.head();
    await stand.varve.call('DELETE', `/v1/api-keys/${made.body.id}`, { reason: 'no longer needed' });
    await stand.varve.call('POST', '/v1/ledgers', { name: 'other' });
    await stand.change(stand.bob, { type: 'tagRevision', name: 'later' });
    const last = await stand.head();
    const revisions = Array.from({ length: last - before }, (_, index) => before + 1 + index);
    expect((await stand.rollback({ to: withKeys })).body).toMatchObject({ changesetId: null });
    expect((await stand.rollback({ to: before })).body).toMatchObject({ changesetId: null });
    const undone = await stand.rollback({ undo: { revisions } });
    expect(undone.body).toMatchObject({ changesetId: null });
    expect(undone.body.warnings.map(({ code }: { code: string }) => code)).toContain('left_out');
    const revoked = createApi(stand.varve.url, made.body.key);
    expect((await revoked.call('GET', '/v1/whoami')).status).toBe(401);
    expect((await createApi(stand.varve.url, standing.body.key).call('GET', '/v1/whoami')).status).toBe(200);
    expect(await stand.head()).toBe(last);
  });
});
