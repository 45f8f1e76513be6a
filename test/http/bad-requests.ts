/**
 * Bad requests as data: bodies, paths, headers and queries that must each be a 4xx problem that names the place.
 * Used against the server without a database (bad-requests.test.ts) and against the whole product.
 */
import { badBodies } from './bad-bodies.ts';
import { badQuestions } from './bad-questions.ts';
import { type BadRequest, changeset, key, path } from './bad-request.ts';

function get(name: string, path: string, expectPlace: string, expectStatus = 400): BadRequest {
  return { name, method: 'GET', path, expectStatus, expectPlace };
}

function header(
  name: string,
  headers: Record<string, string>,
  expectPlace: string,
  expectStatus = 400,
): BadRequest {
  return { name, method: 'POST', path, headers, body: changeset({}), expectStatus, expectPlace };
}

const headers: readonly BadRequest[] = [
  header('no API key', { authorization: '' }, 'header.Authorization', 401),
  header('Basic instead of Bearer', { authorization: 'Basic YWRtaW46YWRtaW4=' }, 'header.Authorization', 401),
  header('Bearer without a key', { authorization: 'Bearer ' }, 'header.Authorization', 401),
  header(
    'an unknown key',
    { authorization: `Bearer varve_admin_nobody_${'x'.repeat(40)}` },
    'header.Authorization',
    401,
  ),
  header(
    'a key of 10,000 characters',
    { authorization: `Bearer ${'x'.repeat(10_000)}` },
    'header.Authorization',
    401,
  ),
  header('a key with spaces', { authorization: 'Bearer a b' }, 'header.Authorization', 401),
  header('text/plain', { 'content-type': 'text/plain' }, 'header.Content-Type', 415),
  header('a form', { 'content-type': 'application/x-www-form-urlencoded' }, 'header.Content-Type', 415),
  header('no content type', { 'content-type': '' }, 'header.Content-Type', 415),
  header('a content type that is none', { 'content-type': ';;;' }, 'header.Content-Type', 415),
  header(
    'JSON in Latin-1',
    { 'content-type': 'application/json; charset=iso-8859-1' },
    'header.Content-Type',
    415,
  ),
  header('a compressed body', { 'content-encoding': 'gzip' }, 'header.Content-Encoding', 415),
  header('an unknown ledger', { 'varve-ledger': 'nowhere' }, 'header.Varve-Ledger', 404),
  header('a ledger that is a path', { 'varve-ledger': '../default' }, 'header.Varve-Ledger'),
  header('an unknown source', { 'varve-source': 'rollback' }, 'header.Varve-Source'),
  header('an empty idempotency key', { 'idempotency-key': '' }, 'header.Idempotency-Key'),
  header(
    'an idempotency key of 201 characters',
    { 'idempotency-key': 'k'.repeat(201) },
    'header.Idempotency-Key',
  ),
  header('If-Match where no subject is', { 'if-match': '"1"' }, 'header.If-Match'),
  header('a request id of 101 characters', { 'x-request-id': 'r'.repeat(101) }, 'header.X-Request-Id'),
  {
    name: 'If-Match that is no version',
    method: 'PUT',
    path: `/v1/overrides/${key}?scope=global`,
    headers: { 'if-match': 'W/"3"' },
    body: '{"value":"x","reason":"x"}',
    expectStatus: 400,
    expectPlace: 'header.If-Match',
  },
  {
    name: 'Last-Event-ID that is no revision',
    method: 'GET',
    path: '/v1/stream',
    headers: { 'last-event-id': 'abc' },
    expectStatus: 400,
    expectPlace: 'header.Last-Event-ID',
  },
  {
    name: 'Last-Event-ID far beyond the head',
    method: 'GET',
    path: '/v1/stream',
    headers: { 'last-event-id': '9007199254740991' },
    expectStatus: 400,
    expectPlace: 'header.Last-Event-ID',
  },
];

const queries: readonly BadRequest[] = [
  get('an unknown parameter', `/v1/resolve/${key}?usr=1`, 'query.usr'),
  get('__proto__ as a parameter', `/v1/resolve/${key}?__proto__=1`, 'query.__proto__'),
  get('a parameter twice', `/v1/resolve/${key}?user=1&user=2`, 'query.user'),
  get('broken percent-encoding', `/v1/resolve/${key}?user=%zz`, 'query.user'),
  get('invalid UTF-8 in a query', `/v1/resolve/${key}?user=%ff%fe`, 'query.user'),
  get('a NUL in a query', `/v1/resolve/${key}?user=a%00b`, 'query.user'),
  get('a user without a name', `/v1/resolve/${key}?user=`, 'query.user'),
  get('a user of 201 characters', `/v1/resolve/${key}?user=${'u'.repeat(201)}`, 'query.user'),
  get('at without a time', `/v1/resolve/${key}?at=2026-03-01`, 'query.at'),
  get('at before 1970', `/v1/resolve/${key}?at=1969-12-31T23:59:59Z`, 'query.at'),
  get('at in the year 10000', `/v1/resolve/${key}?at=%2B10000-01-01T00:00:00Z`, 'query.at'),
  get('asOf beyond the head', `/v1/resolve/${key}?asOf=999999999`, 'query.asOf'),
  get('asOf below zero', `/v1/resolve/${key}?asOf=-1`, 'query.asOf'),
  get('asOf beyond 2^53', `/v1/resolve/${key}?asOf=99999999999999999999`, 'query.asOf'),
  get('asOf in the future', `/v1/resolve/${key}?asOf=9999-12-31T23:59:59Z`, 'query.asOf'),
  get('asOf an unknown tag', `/v1/resolve/${key}?asOf=tag:nowhere`, 'query.asOf'),
  get('asOf in hexadecimal', `/v1/resolve/${key}?asOf=0x10`, 'query.asOf'),
  get('an absurd minRevision', `/v1/resolve/${key}?minRevision=9007199254740991`, 'query.minRevision'),
  get('minRevision with a fraction', `/v1/resolve/${key}?minRevision=1.5`, 'query.minRevision'),
  get('a bad key in a list', '/v1/resolve?keys=ai.planner.model,Bad', 'query.keys.1'),
  get('an unknown key in a list', '/v1/resolve?keys=no.such_key', 'query.keys', 404),
  get(
    '1001 keys',
    `/v1/resolve?keys=${Array.from({ length: 1001 }, (_, n) => `k${n}`).join(',')}`,
    'query.keys',
  ),
  get('a limit of 0', '/v1/history?limit=0', 'query.limit'),
  get('a limit of 1001', '/v1/history?limit=1001', 'query.limit'),
  get('a limit of minus one', '/v1/keys?limit=-1', 'query.limit'),
  get('a limit in scientific notation', '/v1/models?limit=1e3', 'query.limit'),
  get('a cursor that is none', '/v1/history?cursor=not-a-cursor', 'query.cursor'),
  get('an unknown type of event', '/v1/history?type=Everything', 'query.type'),
  get('a diff from nowhere', '/v1/diff', 'query.from'),
  get('a diff from beyond the head', '/v1/diff?from=999999999', 'query.from'),
  get('a diff to an unknown tag', '/v1/diff?from=0&to=tag:nowhere', 'query.to'),
  get('a diff to the future', '/v1/diff?from=0&to=9999-12-31T23:59:59Z', 'query.to'),
  get('a diff of a pattern that no key has', '/v1/diff?from=0&key=Ai.*', 'query.key'),
  get('a diff of a scope that is none', '/v1/diff?from=0&scope=team:1', 'query.scope'),
  get('a diff with asOf', '/v1/diff?from=0&asOf=1', 'query.asOf'),
  get('a changeset that is no id', '/v1/history?changeset=1', 'query.changeset'),
  get('an unknown status of models', '/v1/models?status=new', 'query.status'),
  get('a pattern of scopes that is none', '/v1/snapshot?scopes=user:*,*', 'query.scopes.1'),
  get('a stream from beyond the head', '/v1/stream?from=999999999', 'query.from'),
  get('a view that is none', '/v1/stream?view=all', 'query.view'),
  get('scopes in the view of all events', '/v1/stream?view=events&scopes=global', 'query.scopes'),
  get('a stream that follows perhaps', '/v1/stream?follow=perhaps', 'query.follow'),
  {
    name: 'an override without a scope',
    method: 'PUT',
    path: `/v1/overrides/${key}`,
    body: '{"value":"x","reason":"x"}',
    expectStatus: 400,
    expectPlace: 'query.scope',
  },
  {
    name: 'a DELETE without a reason',
    method: 'DELETE',
    path: `/v1/overrides/${key}?scope=global`,
    expectStatus: 400,
    expectPlace: 'reason',
  },
  {
    name: '1001 contexts',
    method: 'POST',
    path: '/v1/resolve',
    body: JSON.stringify({ contexts: Array.from({ length: 1001 }, () => ({ user: 'u' })) }),
    expectStatus: 400,
    expectPlace: 'contexts',
  },
  {
    name: 'a context with a number for a tier',
    method: 'POST',
    path: '/v1/resolve',
    body: '{"contexts":[{"user":"u"},{"tier":3}]}',
    expectStatus: 400,
    expectPlace: 'contexts.1.tier',
  },
  {
    name: 'a ledger with a name in upper case',
    method: 'POST',
    path: '/v1/ledgers',
    body: '{"name":"Acme"}',
    expectStatus: 400,
    expectPlace: 'name',
  },
  {
    name: 'an API key with an unknown role',
    method: 'POST',
    path: '/v1/api-keys',
    body: '{"name":"x","role":"root"}',
    expectStatus: 400,
    expectPlace: 'role',
  },
];

const paths: readonly BadRequest[] = [
  get('a path that is not there', '/v1/everything', 'path', 404),
  get('a folder above', '/v1/../../etc/passwd', 'path', 404),
  get('broken percent-encoding in a path', '/v1/resolve/%zz', 'path'),
  get('invalid UTF-8 in a path', '/v1/resolve/%ff', 'path'),
  get('a NUL in a path', '/v1/resolve/a%00b', 'path.key'),
  get('a key in camelCase in a path', '/v1/resolve/ai.plannerModel', 'path.key'),
  get('an empty key in a path', '/v1/resolve/', 'path.key'),
  get('a key of 10,000 characters in a path', `/v1/keys/${'a'.repeat(10_000)}`, 'path.key'),
  get('a key that is not defined', '/v1/keys/no.such_key', 'path.key', 404),
  get('a model id with a space', '/v1/models/a%20b', 'path.id'),
  get('a model that is not there', '/v1/models/acme%2Funknown', 'path.id', 404),
  get('revision 0', '/v1/events/0', 'path.revision'),
  get('a revision that is text', '/v1/events/first', 'path.revision'),
  get('a revision beyond the head', '/v1/events/999999999', 'path.revision', 404),
  get('a changeset that is no uuid', '/v1/changesets/1', 'path.id'),
  get('an unknown changeset', '/v1/changesets/01932c07-0000-7000-8000-000000000000', 'path.id', 404),
  {
    name: 'a method that the path does not take',
    method: 'DELETE',
    path,
    expectStatus: 405,
    expectPlace: 'method',
  },
  {
    name: 'a method that nobody takes',
    method: 'PROPFIND',
    path: '/v1/keys',
    expectStatus: 405,
    expectPlace: 'method',
  },
  { name: 'OPTIONS', method: 'OPTIONS', path: '/v1/keys', expectStatus: 405, expectPlace: 'method' },
];

export const badRequests: readonly BadRequest[] = [
  ...badBodies,
  ...headers,
  ...queries,
  ...paths,
  ...badQuestions,
];
