/**
 * Bad requests to the time machine as data: rollbacks, usage, costs, comparisons, schedules, blame. A part of the table of
 * bad-requests.ts.
 */
import type { BadRequest } from './bad-request.ts';

function get(name: string, path: string, expectPlace: string, expectStatus = 400): BadRequest {
  return { name, method: 'GET', path, expectStatus, expectPlace };
}

function post(name: string, path: string, body: object, expectPlace: string, expectStatus = 400): BadRequest {
  return { name, method: 'POST', path, body: JSON.stringify(body), expectStatus, expectPlace };
}

const rollback = (name: string, body: object, expectPlace: string, expectStatus = 400) =>
  post(name, '/v1/rollbacks', { reason: 'x', ...body }, expectPlace, expectStatus);

const nobodys = '01980000-0000-7000-8000-000000000001';

const record = { id: 'r', at: '2026-01-01T00:00:00Z', model: 'acme/one' };
const usage = (name: string, more: object, expectPlace: string) =>
  post(name, '/v1/usage', { records: [{ ...record, ...more }] }, `records.0.${expectPlace}`);

const heartbeat = (name: string, body: object, expectPlace: string) =>
  post(name, '/v1/heartbeats', { client: 'c', revision: 0, ...body }, expectPlace);

const waiting = (name: string, query: string, body: object, expectPlace: string) =>
  post(
    name,
    `/v1/changesets${query}`,
    { reason: 'x', changes: [{ type: 'tagRevision', name: 'waited' }], ...body },
    expectPlace,
  );

const compare = (name: string, body: object, expectPlace: string, expectStatus = 400) =>
  post(name, '/v1/compare', { left: {}, right: {}, ...body }, expectPlace, expectStatus);

export const badQuestions: readonly BadRequest[] = [
  post('a rebuild of what is no projection', '/v1/projections/nothing/rebuild', {}, 'path.name', 404),
  post('a rebuild with a wish', '/v1/projections/all/rebuild', { fast: true }, 'fast'),
  post('a rebuild of a NUL', '/v1/projections/%00/rebuild', {}, 'path.name'),
  get('a rebuild that is no UUID', '/v1/rebuilds/1', 'path.id'),
  get('a rebuild that nobody asked for', `/v1/rebuilds/${nobodys}`, 'path.id', 404),
  get('a verification that nobody asked for', `/v1/verifications/${nobodys}`, 'path.id', 404),
  post('a verification with a wish', '/v1/verifications', { checks: [] }, 'checks'),
  rollback('a rollback to nowhere', {}, 'to'),
  rollback('a rollback with a blank reason', { to: 1, reason: ' ' }, 'reason'),
  rollback('a rollback to a negative revision', { to: -1 }, 'to'),
  rollback('a rollback to half a revision', { to: 1.5 }, 'to'),
  rollback('a rollback to null', { to: null }, 'to'),
  rollback('a rollback of a list', { undo: [] }, 'undo'),
  rollback('an undo of no changesets', { undo: { changesets: [] } }, 'undo.changesets'),
  rollback('an undo of a changeset that is no UUID', { undo: { changesets: ['1'] } }, 'undo.changesets.0'),
  rollback('an undo of revision 0', { undo: { revisions: [0] } }, 'undo.revisions.0'),
  rollback('an undo from a day', { undo: { from: '2026-01-01' } }, 'undo.from'),
  rollback('an undo by an actor with a NUL', { undo: { actor: 'a\u0000' } }, 'undo.actor'),
  rollback('a rollback of a strange scope', { to: 1, where: { scope: 'team:1' } }, 'where.scope'),
  rollback('a rollback by a strange criterion', { to: 1, where: { actor: 'a' } }, 'where.actor'),
  rollback('a rollback of no kinds', { to: 1, include: [] }, 'include'),
  rollback('a rollback with an empty fingerprint', { to: 1, fingerprint: '' }, 'fingerprint'),
  post(
    'a changeset with an empty fingerprint',
    '/v1/changesets',
    { reason: 'x', changes: [], fingerprint: '' },
    'fingerprint',
  ),

  heartbeat('a heartbeat of nobody', { client: '' }, 'client'),
  heartbeat('a heartbeat of a name with a NUL', { client: 'a\u0000' }, 'client'),
  heartbeat('a heartbeat of a name of 201 characters', { client: 'c'.repeat(201) }, 'client'),
  heartbeat('a heartbeat at half a revision', { revision: 0.5 }, 'revision'),
  heartbeat('a heartbeat from beyond the head', { revision: 999_999_999 }, 'revision'),
  heartbeat('a heartbeat with a wish', { waitFor: 1 }, 'waitFor'),
  heartbeat('a heartbeat with an empty user', { contexts: [{}, { user: '' }] }, 'contexts.1.user'),
  heartbeat(
    'a heartbeat of the future',
    { contexts: [{ user: 'u', at: '9999-01-01T00:00:00Z' }] },
    'contexts.0.at',
  ),
  heartbeat(
    'a heartbeat with 1001 contexts',
    { contexts: Array.from({ length: 1001 }, (_, n) => ({ user: `u${n}` })) },
    'contexts',
  ),
  get('consumers in no known state', '/v1/consumers?state=happy', 'query.state'),
  get('consumers behind nobody', '/v1/consumers?cursor=nobody', 'query.cursor'),
  get('contexts of the last 0 hours', '/v1/contexts?activeWithinHours=0', 'query.activeWithinHours'),
  get('contexts of the last year', '/v1/contexts?activeWithinHours=8760', 'query.activeWithinHours'),
  get('contexts behind none', '/v1/contexts?cursor=none', 'query.cursor'),
  waiting('a wait for everybody', '?waitFor=everybody', {}, 'query.waitFor'),
  waiting('a wait for nobody', '?waitMs=5', {}, 'query.waitMs'),
  waiting('a wait of a minute', '?waitFor=consumers&waitMs=60000', {}, 'query.waitMs'),
  waiting('a dry run that waits', '?waitFor=consumers', { dryRun: true }, 'query.waitFor'),
  post(
    'a dry rollback that waits',
    '/v1/rollbacks?waitFor=consumers',
    { reason: 'x', to: 0, dryRun: true },
    'query.waitFor',
  ),

  post('usage without records', '/v1/usage', {}, 'records'),
  post('usage of nothing', '/v1/usage', { records: [] }, 'records'),
  usage('usage without an id', { id: '' }, 'id'),
  usage('usage in the future', { at: '9999-01-01T00:00:00Z' }, 'at'),
  usage('usage of a day', { at: '2026-01-01' }, 'at'),
  usage('usage of minus one token', { inputTokens: -1 }, 'inputTokens'),
  usage('usage of half a token', { outputTokens: 0.5 }, 'outputTokens'),
  usage('usage of very many tokens', { cacheReadTokens: 1_000_000_001 }, 'cacheReadTokens'),
  usage('usage with a price', { cost: '1' }, 'cost'),
  usage('usage of a model without its provider', { model: 'gpt-4o' }, 'model'),
  usage('usage of an empty tenant', { tenant: '' }, 'tenant'),

  get('costs of all time', '/v1/costs', 'query.from'),
  get(
    'costs of a window that ends first',
    '/v1/costs?from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z',
    'query.to',
  ),
  get('a restatement since nothing', '/v1/costs/restatement', 'query.since'),
  get('a restatement since the future', '/v1/costs/restatement?since=999999999', 'query.since'),

  compare('a comparison with nothing', { right: undefined }, 'right'),
  compare('a comparison with a list', { right: [] }, 'right'),
  compare('a comparison beyond the head', { left: { asOf: 999_999_999 } }, 'left.asOf'),
  compare('a comparison at a day', { right: { at: '2026-01-01' } }, 'right.at'),
  compare('a comparison of an empty arm', { right: { arm: '' } }, 'right.arm'),
  compare('a comparison of no contexts', { contexts: [] }, 'contexts'),
  compare('a comparison for a strange context', { contexts: [{ team: '1' }] }, 'contexts.0.team'),
  compare('a comparison over half a window', { usage: { from: '2026-01-01T00:00:00Z' } }, 'usage.to'),
  compare(
    'a draft of a strange change',
    { right: { changes: [{ type: 'dropLedger' }] } },
    'right.changes.0.type',
  ),
  compare(
    'a draft that is refused',
    { right: { changes: [{ type: 'retireKey', key: 'no.such_key' }] } },
    'right.changes.0',
    422,
  ),

  get('a schedule of a kind that there is not', '/v1/schedule?kind=birthday', 'query.kind'),
  get('a schedule from a day', '/v1/schedule?from=2026-01-01', 'query.from'),
  get('a schedule with a cursor of its own making', '/v1/schedule?cursor=abc', 'query.cursor'),
  get('blame for an empty user', '/v1/blame?user=', 'query.user'),
  get('blame of an unknown key', '/v1/blame?keys=no.such_key', 'query.keys', 404),
  get('a first difference of no key', '/v1/first-difference?from=0', 'query.key'),
  get('a first difference from nowhere', '/v1/first-difference?key=ai.planner.model', 'query.from'),
  get(
    'a first difference of an unknown key',
    '/v1/first-difference?key=no.such_key&from=0',
    'query.key',
    404,
  ),
];
