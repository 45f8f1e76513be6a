/**
 * Ledgers: made by admins of the first one, at most sixteen, never by a typing error; whose keys open which of them.
 * That nothing leaks from one into another is in ledger-isolation.integration.test.ts.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestVarve, type TestVarve } from '../support/varve.ts';

let varve: TestVarve;
beforeAll(async () => {
  varve = await startTestVarve();
});
afterAll(() => varve.stop());

const make = (body: unknown, headers?: Record<string, string>) =>
  varve.call('POST', '/v1/ledgers', body, headers);
const inLedger = (ledger: string) => ({ 'varve-ledger': ledger });
const revisionOf = async (ledger: string): Promise<number> =>
  (await varve.call('GET', '/v1/status', undefined, inLedger(ledger))).body.revision;

async function keyOf(ledger: string, role: string): Promise<Record<string, string>> {
  const { status, body } = await varve.call(
    'POST',
    '/v1/api-keys',
    { name: `${role}-${ledger}`, role },
    inLedger(ledger),
  );
  expect(status).toBe(201);
  return { authorization: `Bearer ${body.key}` };
}

describe('making a ledger', () => {
  test('is an event of the first ledger, and the ledger begins with what every fresh one knows', async () => {
    const before = await revisionOf('default');
    const made = await make({ name: 'research', description: 'for trials', reason: 'trials want their own' });
    expect(made).toMatchObject({ status: 201, body: { revisions: { first: before + 1, last: before + 1 } } });
    expect(made.body.events).toMatchObject([
      {
        type: 'LedgerCreated',
        data: { name: 'research', description: 'for trials' },
        reason: 'trials want their own',
      },
    ]);
    expect(await revisionOf('research')).toBe(11);
    const { body } = await varve.call('GET', '/v1/history', undefined, inLedger('research'));
    expect(body.items).toHaveLength(11);
    expect(new Set(body.items.map((item: { changesetId: string }) => item.changesetId)).size).toBe(1);
    expect(body.items[0]).toMatchObject({
      type: 'KeyDefined',
      source: 'system',
      actor: { id: 'varve', kind: 'system' },
    });
  });

  test('is listed with the first one, by name', async () => {
    const { body } = await varve.call('GET', '/v1/ledgers');
    expect(body).toMatchObject({
      items: [
        { name: 'default', createdAt: null },
        { name: 'research', description: 'for trials', createdAt: expect.stringMatching(/Z$/) },
      ],
      nextCursor: null,
    });
  });

  test.each(['', 'Research', 'a b', '-a', '1a', 'a_b', 'ä', 'a'.repeat(64), '../default', 7, null])(
    'is refused as invalid by the name %j',
    async (name) => {
      const before = await revisionOf('default');
      const answer = await make({ name });
      expect(answer).toMatchObject({ status: 400, body: { code: 'invalid', errors: [{ path: 'name' }] } });
      expect(await revisionOf('default')).toBe(before);
    },
  );

  test.each(['default', 'research'])('is refused when there is one: %s', async (name) => {
    expect(await make({ name })).toMatchObject({
      status: 422,
      body: { code: 'refused', reason: 'ledger_exists' },
    });
  });

  test('twice at once makes one', async () => {
    const answers = await Promise.all([1, 2, 3, 4].map(() => make({ name: 'twice' })));
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 422, 422, 422]);
  });

  test('asked for in another ledger is still recorded in the first one', async () => {
    const before = await revisionOf('research');
    expect((await make({ name: 'from-elsewhere' }, inLedger('research'))).status).toBe(201);
    expect(await revisionOf('research')).toBe(before);
  });
});

describe('a ledger that is not there', () => {
  test('is not found, by no method, and not made by asking', async () => {
    const headers = inLedger('reserach');
    const answers = await Promise.all([
      varve.call('GET', '/v1/status', undefined, headers),
      varve.call('GET', '/v1/resolve/ai.tutor.model', undefined, headers),
      varve.call(
        'POST',
        '/v1/changesets',
        { reason: 'x', changes: [{ type: 'tagRevision', name: 'x' }] },
        headers,
      ),
      varve.call('GET', '/v1/stream', undefined, headers),
    ]);
    for (const { status, body } of answers) {
      expect({ status, ...body }).toMatchObject({ status: 404, code: 'not_found', reason: 'unknown_ledger' });
    }
    const { rows } = await varve.database.pool.query(
      `select ledger from ledger_heads where ledger = 'reserach'`,
    );
    expect(rows).toEqual([]);
    const { body } = await varve.call('GET', '/v1/ledgers');
    expect(body.items.map(({ name }: { name: string }) => name)).not.toContain('reserach');
  });

  test.each(['Research', 'a b', "x' or 1=1", '*'])('has no such name either: %j', async (name) => {
    expect(await varve.call('GET', '/v1/status', undefined, inLedger(name))).toMatchObject({
      status: 400,
      body: { code: 'invalid', errors: [{ path: 'header.Varve-Ledger' }] },
    });
  });
});

describe('keys of a ledger', () => {
  test.each(['admin', 'operator', 'auditor', 'service'])(
    '%s: open their own without naming it, and no other',
    async (role) => {
      const key = await keyOf('research', role);
      expect((await varve.call('GET', '/v1/whoami', undefined, key)).body).toMatchObject({
        role,
        ledger: 'research',
      });
      expect(
        (await varve.call('GET', '/v1/whoami', undefined, { ...key, ...inLedger('research') })).status,
      ).toBe(200);
      for (const ledger of ['default', 'twice']) {
        for (const [method, path, body] of [
          ['GET', '/v1/resolve/ai.tutor.model', undefined],
          ['GET', '/v1/status', undefined],
          ['GET', '/v1/snapshot', undefined],
          ['POST', '/v1/resolve', { contexts: [{}] }],
        ] as const) {
          const answer = await varve.call(method, path, body, { ...key, ...inLedger(ledger) });
          expect(answer, path).toMatchObject({
            status: 403,
            body: { code: 'forbidden', reason: 'other_ledger' },
          });
        }
      }
      // Whether there is a ledger of that name is not told either.
      expect(
        (await varve.call('GET', '/v1/status', undefined, { ...key, ...inLedger('nowhere') })).status,
      ).toBe(403);
    },
  );

  test('of the first ledger open the others for admins alone', async () => {
    for (const role of ['operator', 'auditor', 'service']) {
      const key = await keyOf('default', role);
      const answer = await varve.call('GET', '/v1/status', undefined, { ...key, ...inLedger('research') });
      expect(answer).toMatchObject({ status: 403, body: { reason: 'other_ledger' } });
    }
    const admin = await keyOf('default', 'admin');
    expect(
      (await varve.call('GET', '/v1/status', undefined, { ...admin, ...inLedger('research') })).status,
    ).toBe(200);
  });

  test('of an admin of another ledger make and list none', async () => {
    const { body } = await varve.call(
      'POST',
      '/v1/api-keys',
      { name: 'chief', role: 'admin' },
      inLedger('research'),
    );
    const chief = { authorization: `Bearer ${body.key}` };
    expect((await make({ name: 'mine' }, chief)).status).toBe(403);
    expect((await varve.call('GET', '/v1/ledgers', undefined, chief)).status).toBe(403);
  });

  test('are revoked at once, whichever ledger they are of', async () => {
    const made = await varve.call(
      'POST',
      '/v1/api-keys',
      { name: 'brief', role: 'operator' },
      inLedger('research'),
    );
    const key = { authorization: `Bearer ${made.body.key}` };
    expect((await varve.call('GET', '/v1/whoami', undefined, key)).status).toBe(200);
    await varve.call('DELETE', `/v1/api-keys/${made.body.id}`, {}, inLedger('research'));
    expect((await varve.call('GET', '/v1/whoami', undefined, key)).status).toBe(401);
  });
});

test('there are at most sixteen, and all of them are open', { timeout: 60_000 }, async () => {
  const { body } = await varve.call('GET', '/v1/ledgers');
  const names: string[] = body.items.map(({ name }: { name: string }) => name);
  for (let number = names.length; number < 16; number += 1) {
    expect((await make({ name: `ledger-${number}` })).status).toBe(201);
    names.push(`ledger-${number}`);
  }
  expect(await make({ name: 'one-too-many' })).toMatchObject({ status: 422, body: { reason: 'too_many' } });
  const revisions = await Promise.all(names.filter((name) => name.startsWith('ledger-')).map(revisionOf));
  expect(new Set(revisions)).toEqual(new Set([11]));
  for (const name of names) {
    const value = { provider: 'openai', model: 'gpt-4o' };
    const change = { value, reason: name, allowUnlisted: true };
    const written = await varve.call(
      'PUT',
      '/v1/overrides/ai.tutor.model?scope=user:u',
      change,
      inLedger(name),
    );
    expect(written, JSON.stringify(written.body)).toMatchObject({ status: 201 });
  }
  // From tables: the projector moves every one of them.
  for (const name of names) {
    const { body: page } = await varve.call('GET', '/v1/history?limit=1', undefined, inLedger(name));
    expect(page.items).toMatchObject([{ type: 'OverrideSet', reason: name }]);
  }
});
