/**
 * The role table, made from the routes, against the one that is meant. A new route fails here until it is entered, and
 * a route that says nothing ends the start.
 */

import { fastify } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Role } from '../../src/domain/event.ts';
import { type Access, guardRoutes } from '../../src/http/roles.ts';
import { type HttpAssembly, startHttp } from '../support/http-assembly.ts';

const all: Access = ['admin', 'operator', 'auditor', 'service'];
const reads: Access = ['admin', 'operator', 'auditor'];
const writes: Access = ['admin', 'operator'];
const reports: Access = ['admin', 'operator', 'service'];
const admin: Access = ['admin'];
const audits: Access = ['admin', 'auditor'];

/** HEAD goes with every GET that answers JSON. */
const meant: Readonly<Record<string, Access>> = {
  'GET /v1/resolve/:key': all,
  'GET /v1/resolve': all,
  'POST /v1/resolve': all,
  'GET /v1/snapshot': all,
  'GET /v1/stream': all,
  'GET /v1/status': all,
  'GET /v1/whoami': all,
  'GET /v1/explain/:key': reads,
  'GET /v1/receipts/:revision/:at/:hash': reads,
  'GET /v1/blame': reads,
  'GET /v1/first-difference': reads,
  'GET /v1/keys': reads,
  'GET /v1/keys/:key': reads,
  'GET /v1/overrides': reads,
  'GET /v1/history': reads,
  'GET /v1/events/:revision': reads,
  'GET /v1/changesets/:id': reads,
  'GET /v1/models': reads,
  'GET /v1/models/:id': reads,
  'GET /v1/models/:id/history': reads,
  'GET /v1/models/:id/prices': reads,
  'GET /v1/diff': reads,
  'GET /v1/tags': reads,
  'GET /v1/schedule': reads,
  'GET /v1/costs': reads,
  'GET /v1/costs/restatement': reads,
  'POST /v1/usage': reports,
  'POST /v1/heartbeats': reports,
  'GET /v1/consumers': reads,
  'GET /v1/contexts': admin,
  'POST /v1/compare': reads,
  'POST /v1/changesets': writes,
  'POST /v1/rollbacks': writes,
  'PUT /v1/overrides/:key': writes,
  'DELETE /v1/overrides/:key': writes,
  'POST /v1/models': writes,
  'PATCH /v1/models/:id': writes,
  'DELETE /v1/models/:id': writes,
  'POST /v1/models/:id/deprecate': writes,
  'POST /v1/models/:id/reinstate': writes,
  'POST /v1/models/:id/duplicate': writes,
  'POST /v1/models/:id/prices': writes,
  'POST /v1/projections/:name/rebuild': admin,
  'GET /v1/rebuilds/:id': admin,
  'POST /v1/verifications': audits,
  'GET /v1/verifications/:id': audits,
  'POST /v1/ledgers': admin,
  'GET /v1/ledgers': admin,
  'POST /v1/api-keys': admin,
  'GET /v1/api-keys': admin,
  'DELETE /v1/api-keys/:id': admin,
  'POST /v1/webhooks': admin,
  'GET /v1/webhooks': admin,
  'GET /v1/webhooks/:id': admin,
  'DELETE /v1/webhooks/:id': admin,
  'POST /v1/webhooks/:id/rotate': admin,
  'GET /v1/webhooks/:id/deliveries': admin,
  'GET /v1/webhooks/:id/deliveries/:delivery': admin,
  'POST /v1/webhooks/:id/deliveries/:delivery/retry': admin,
  'POST /ofrep/v1/evaluate/flags': all,
  'POST /ofrep/v1/evaluate/flags/:key': all,
  'POST /v1/imports': admin,
  'GET /v1/imports': admin,
  'GET /v1/imports/:id': admin,
  'DELETE /v1/imports/:id': admin,
  'GET /healthz': 'open',
  'GET /readyz': 'open',
  // Asks for a key by itself unless the asker sits on this machine.
  'GET /metrics': 'open',
  'GET /openapi.json': 'open',
  // What a browser asks before a POST, and what it follows by a ticket (ofrep-events.test.ts).
  'OPTIONS /ofrep/v1/evaluate/flags': 'open',
  'OPTIONS /ofrep/v1/evaluate/flags/:key': 'open',
  'GET /ofrep/v1/events': 'open',
};

const roles: readonly Role[] = ['admin', 'operator', 'auditor', 'service'];

let http: HttpAssembly;
const keys = new Map<Role, string>();

beforeAll(async () => {
  http = await startHttp();
  for (const role of roles) keys.set(role, await http.keyOf(role));
});
afterAll(() => http.close());

test('the table made from the routes is the one that is meant', () => {
  const made = http.app.roleTable
    .filter(({ method, url }) => method !== 'HEAD' && !url.startsWith('/docs'))
    .map(({ method, url, access }) => [`${method} ${url}`, access] as const);
  expect(Object.fromEntries(made)).toEqual(meant);
  expect(made).toHaveLength(Object.keys(meant).length);
});

test('a HEAD has the access of its GET, and all under /docs is open', () => {
  const others = http.app.roleTable.filter(({ method, url }) => method === 'HEAD' || url.startsWith('/docs'));
  const wanted = others.map(({ url }) => (url.startsWith('/docs') ? 'open' : meant[`GET ${url}`]));
  expect(others.map(({ access }) => access)).toEqual(wanted);
  expect(others.length).toBeGreaterThan(20);
});

test('a route that does not say who may use it ends the start', () => {
  const app = fastify();
  guardRoutes(app, () => (_request, _reply, done) => done());
  expect(() => app.get('/v1/new', () => 'x')).toThrow('GET /v1/new does not say who may use it');
});

describe('what stands in the table is what is enforced', () => {
  const cases = Object.entries(meant).filter(([, access]) => access !== 'open');

  test.each(cases)('%s', async (route, access) => {
    const [method = '', pattern = ''] = route.split(' ');
    // A query that no route knows: whoever is let in is told so, and nothing happens.
    const url = `${pattern.replace(/:\w+/g, '1')}?not_known=1`;
    const head = http.ledger().state.revision;
    for (const role of roles) {
      const answer = await http.call(method, url, undefined, {
        authorization: `Bearer ${keys.get(role)}`,
      });
      expect([role, answer.status]).toEqual([role, access.includes(role) ? 400 : 403]);
      if (answer.status === 403)
        expect(answer.body).toMatchObject({ code: 'forbidden', reason: 'wrong_role' });
    }
    const without = await http.app.inject({ method: method as 'GET', url });
    expect(without.statusCode).toBe(401);
    expect(without.headers['www-authenticate']).toMatch(/^Bearer/);
    expect(http.ledger().state.revision).toBe(head);
  });
});

test('metrics: without a key only from this machine and not through a proxy', async () => {
  const ask = (headers: Record<string, string>, remoteAddress: string) =>
    http.app.inject({ method: 'GET', url: '/metrics', headers, remoteAddress });
  expect((await ask({}, '127.0.0.1')).statusCode).toBe(200);
  expect((await ask({}, '::1')).statusCode).toBe(200);
  expect((await ask({ 'x-forwarded-for': '203.0.113.9' }, '127.0.0.1')).statusCode).toBe(401);
  expect((await ask({}, '203.0.113.9')).statusCode).toBe(401);
  const withKey = { authorization: `Bearer ${keys.get('service')}` };
  expect((await ask(withKey, '203.0.113.9')).statusCode).toBe(200);
});
