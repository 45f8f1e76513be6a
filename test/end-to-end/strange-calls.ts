/**
 * How somebody of one ledger might ask for what is in another one: example calls for every route that takes an API key.
 * In: the names that another ledger gave to its things; out: calls by route. A new route needs an entry here, and
 * ledger-isolation.integration.test.ts fails without it.
 */
import { backgroundCalls } from './strange-background-calls.ts';
import { modelCalls } from './strange-model-calls.ts';
import { ofrepCalls } from './strange-ofrep-calls.ts';

/** The names of things in the other ledger. What they hold is marked with something that is never asked for. */
export interface OtherLedger {
  readonly ledger: string;
  readonly key: string;
  readonly model: string;
  readonly tenant: string;
  readonly tag: string;
  readonly apiKeyId: string;
  readonly changesetId: string;
  /** A revision that the other ledger has and the caller's has not. */
  readonly revision: number;
  /** Of an assertion that is scheduled there. */
  readonly scheduledRevision: number;
  /** An idempotency key that was used there, with this body. */
  readonly idempotent: { readonly key: string; readonly body: object };
  readonly historyCursor: string;
  readonly webhookId: string;
  readonly importId: string;
  /** A receipt for `shared.key`, without a context. */
  readonly receipt: { readonly at: string; readonly hash: string };
}

export interface StrangeCall {
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** The statuses that show that nothing of the kind is there, or that something of one's own was made. */
  readonly statuses: readonly number[];
}

const reason = 'a stranger asks';
const found = [200];
const made = [200, 201];
const absent = [404];
const refused = [422];
const always = { from: '2000-01-01T00:00:00Z', to: '2099-01-01T00:00:00Z' };
const allTime = 'from=1970-01-01T00:00:00.000Z&to=2099-01-01T00:00:00.000Z';

export function strangeCalls(other: OtherLedger): Readonly<Record<string, readonly StrangeCall[]>> {
  const parts = [readCalls, modelCalls, writeCalls, backgroundCalls, ofrepCalls];
  return Object.fromEntries(parts.flatMap((callsOf) => Object.entries(callsOf(other))));
}

function readCalls(other: OtherLedger): Readonly<Record<string, readonly StrangeCall[]>> {
  const { key, tenant, tag, revision, changesetId, receipt } = other;
  const model = encodeURIComponent(other.model);
  const context = `tenant=${tenant}&user=${tenant}&tier=${tenant}`;
  return {
    'GET /v1/resolve/:key': [
      { path: `/v1/resolve/${key}?${context}`, statuses: absent },
      { path: `/v1/resolve/shared.key?${context}`, statuses: found },
      { path: `/v1/resolve/shared.key?${context}&asOf=tag:${tag}`, statuses: [400, 404] },
      { path: `/v1/resolve/shared.key?${context}&asOf=${revision}`, statuses: [400] },
    ],
    'GET /v1/resolve': [
      { path: `/v1/resolve?${context}`, statuses: found },
      { path: `/v1/resolve?keys=${key}`, statuses: absent },
    ],
    'POST /v1/resolve': [
      { path: '/v1/resolve', body: { contexts: [{ tenant }, { user: tenant }] }, statuses: found },
      { path: '/v1/resolve', body: { contexts: [{ tenant }], keys: [key] }, statuses: absent },
    ],
    'GET /v1/receipts/:revision/:at/:hash': [
      { path: `/v1/receipts/${revision}/${receipt.at}/${receipt.hash}?key=shared.key`, statuses: [400] },
      { path: `/v1/receipts/14/${receipt.at}/${receipt.hash}?key=shared.key`, statuses: [409] },
    ],
    'GET /v1/explain/:key': [
      { path: `/v1/explain/${key}?${context}`, statuses: absent },
      { path: `/v1/explain/shared.key?${context}`, statuses: found },
    ],
    'GET /v1/blame': [
      { path: `/v1/blame?${context}`, statuses: found },
      { path: `/v1/blame?keys=${key}`, statuses: absent },
    ],
    'GET /v1/first-difference': [
      { path: `/v1/first-difference?key=${key}&from=0&${context}`, statuses: absent },
      { path: `/v1/first-difference?key=shared.key&from=0&${context}`, statuses: found },
      { path: `/v1/first-difference?key=shared.key&from=tag:${tag}&${context}`, statuses: [400] },
    ],
    'GET /v1/overrides': [
      { path: '/v1/overrides?limit=1000', statuses: found },
      { path: `/v1/overrides?key=${key}`, statuses: found },
      { path: `/v1/overrides?scope=tenant:${tenant}`, statuses: found },
    ],
    'GET /v1/keys': [{ path: '/v1/keys?limit=1000', statuses: found }],
    'GET /v1/keys/:key': [
      { path: `/v1/keys/${key}`, statuses: absent },
      { path: '/v1/keys/shared.key', statuses: found },
    ],
    'GET /v1/history': [
      { path: '/v1/history?limit=1000', statuses: found },
      { path: `/v1/history?key=${key}`, statuses: found },
      { path: `/v1/history?model=${model}`, statuses: found },
      { path: `/v1/history?scope=tenant:${tenant}`, statuses: found },
      { path: `/v1/history?changeset=${changesetId}`, statuses: found },
      { path: `/v1/history?q=${tenant}`, statuses: found },
      { path: `/v1/history?cursor=${encodeURIComponent(other.historyCursor)}`, statuses: [200, 400] },
      { path: '/v1/history', headers: { accept: 'text/csv' }, statuses: found },
      { path: '/v1/history', headers: { accept: 'application/x-ndjson' }, statuses: found },
    ],
    'GET /v1/events/:revision': [{ path: `/v1/events/${revision}`, statuses: absent }],
    'GET /v1/changesets/:id': [{ path: `/v1/changesets/${changesetId}`, statuses: absent }],
    'POST /v1/compare': [
      {
        path: '/v1/compare',
        body: { left: {}, right: { asOf: 0 }, contexts: [{ tenant }, {}] },
        statuses: found,
      },
      {
        path: '/v1/compare',
        body: { left: { at: '2020-01-01T00:00:00Z' }, right: {}, usage: always },
        statuses: found,
      },
      { path: '/v1/compare', body: { left: { asOf: revision }, right: {} }, statuses: [400] },
      { path: '/v1/compare', body: { left: { asOf: `tag:${tag}` }, right: {} }, statuses: [400] },
      {
        path: '/v1/compare',
        body: { left: {}, right: { changes: [{ type: 'retireKey', key }] } },
        statuses: refused,
      },
    ],
    'GET /v1/diff': [
      { path: '/v1/diff?from=0&limit=1000', statuses: found },
      { path: `/v1/diff?from=0&key=${key}`, statuses: found },
      { path: `/v1/diff?from=0&scope=tenant:${tenant}`, statuses: found },
      { path: `/v1/diff?from=0&model=${encodeURIComponent(other.model)}`, statuses: found },
      { path: `/v1/diff?from=0&subject=api-key:${other.apiKeyId}`, statuses: found },
      { path: `/v1/diff?from=tag:${tag}`, statuses: [400] },
      { path: `/v1/diff?from=0&to=${revision}`, statuses: [400] },
    ],
    'GET /v1/tags': [{ path: '/v1/tags', statuses: found }],
    'GET /v1/schedule': [
      { path: '/v1/schedule?limit=1000&from=1970-01-01T00:00:00.000Z', statuses: found },
      { path: `/v1/schedule?key=${key}`, statuses: found },
      { path: `/v1/schedule?scope=tenant:${tenant}`, statuses: found },
      { path: `/v1/schedule?model=${model}`, statuses: found },
    ],
    'GET /v1/costs': [
      { path: `/v1/costs?${allTime}`, statuses: found },
      { path: `/v1/costs?${allTime}&model=${model}`, statuses: found },
      { path: `/v1/costs?${allTime}&tenant=${tenant}`, statuses: found },
      { path: `/v1/costs?${allTime}&key=${key}`, statuses: found },
    ],
    'GET /v1/costs/restatement': [
      { path: '/v1/costs/restatement?since=0', statuses: found },
      { path: `/v1/costs/restatement?since=0&model=${model}&tenant=${tenant}`, statuses: found },
    ],
    'GET /v1/snapshot': [
      { path: '/v1/snapshot', statuses: found },
      { path: `/v1/snapshot?scopes=tenant:${tenant}`, statuses: found },
    ],
    'GET /v1/ledgers': [{ path: '/v1/ledgers', statuses: [403] }],
    'POST /v1/projections/:name/rebuild': [{ path: '/v1/projections/all/rebuild', statuses: [403] }],
    'GET /v1/rebuilds/:id': [{ path: `/v1/rebuilds/${other.changesetId}`, statuses: [403] }],
    'POST /v1/verifications': [{ path: '/v1/verifications', statuses: [403] }],
    'GET /v1/verifications/:id': [{ path: `/v1/verifications/${other.changesetId}`, statuses: [403] }],
    'GET /v1/api-keys': [{ path: '/v1/api-keys?limit=1000', statuses: found }],
    'GET /v1/whoami': [
      { path: '/v1/whoami', statuses: found },
      { path: '/v1/whoami', headers: { 'varve-ledger': other.ledger }, statuses: [403] },
    ],
    'GET /v1/status': [
      { path: '/v1/status', statuses: found },
      { path: '/v1/status', headers: { 'varve-ledger': other.ledger }, statuses: [403] },
    ],
    // Read line by line by the test itself, which has to end it.
    'GET /v1/stream': [],
  };
}

function writeCalls(other: OtherLedger): Readonly<Record<string, readonly StrangeCall[]>> {
  const { key, tenant } = other;
  const scope = `tenant:${tenant}`;
  const changes = (...some: object[]) => ({ reason, changes: some });
  return {
    'POST /v1/rollbacks': [
      {
        path: '/v1/rollbacks',
        body: { reason, undo: { changesets: [other.changesetId] } },
        statuses: refused,
      },
      {
        path: '/v1/rollbacks',
        body: { reason, undo: { revisions: [other.revision] } },
        statuses: [400],
      },
      { path: '/v1/rollbacks', body: { reason, to: `tag:${other.tag}` }, statuses: [400] },
      {
        path: '/v1/rollbacks',
        body: { reason, to: 0, where: { key: `${key}*`, scope }, dryRun: true },
        statuses: found,
      },
    ],
    'POST /v1/changesets': [
      {
        path: '/v1/changesets',
        body: other.idempotent.body,
        headers: { 'idempotency-key': other.idempotent.key },
        statuses: made,
      },
      {
        path: '/v1/changesets',
        body: { ...changes({ type: 'setOverride', key: 'shared.key', scope, value: 'x' }), dryRun: true },
        statuses: found,
      },
      {
        path: '/v1/changesets',
        body: changes({ type: 'setOverride', key, scope, value: 'x' }),
        statuses: refused,
      },
      { path: '/v1/changesets', body: changes({ type: 'retireKey', key }), statuses: refused },
      {
        path: '/v1/changesets',
        body: changes({ type: 'withdrawOverride', revision: other.scheduledRevision }),
        statuses: refused,
      },
      {
        path: '/v1/changesets',
        body: changes({ type: 'tagRevision', name: other.tag, revision: other.revision }),
        statuses: refused,
      },
      { path: '/v1/changesets', body: changes({ type: 'tagRevision', name: other.tag }), statuses: made },
      {
        path: '/v1/changesets',
        body: changes({ type: 'tagRevision', name: 'elsewhere' }),
        headers: { 'varve-ledger': other.ledger },
        statuses: [403],
      },
    ],
    'PUT /v1/overrides/:key': [
      { path: `/v1/overrides/${key}?scope=${scope}`, body: { value: 'x', reason }, statuses: refused },
      { path: `/v1/overrides/shared.key?scope=${scope}`, body: { value: 'own', reason }, statuses: made },
    ],
    'DELETE /v1/overrides/:key': [
      { path: `/v1/overrides/${key}?scope=${scope}`, body: { reason }, statuses: refused },
      { path: `/v1/overrides/shared.key?scope=${scope}`, body: { reason }, statuses: made },
    ],
    'POST /v1/usage': [
      // The other ledger has a record of this id, with other content.
      {
        path: '/v1/usage',
        body: {
          records: [{ id: `${tenant}-usage`, at: '2026-01-01T00:00:00.000Z', key, tenant, inputTokens: 1 }],
        },
        statuses: found,
      },
    ],
    'POST /v1/ledgers': [{ path: '/v1/ledgers', body: { name: 'mine-too' }, statuses: [403] }],
    'POST /v1/api-keys': [
      { path: '/v1/api-keys', body: { name: `mine-${tenant}`, role: 'service' }, statuses: made },
    ],
    'DELETE /v1/api-keys/:id': [{ path: `/v1/api-keys/${other.apiKeyId}`, body: {}, statuses: absent }],
  };
}
