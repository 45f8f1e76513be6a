/**
 * The part of strange-calls.ts about models.
 */
import type { OtherLedger, StrangeCall } from './strange-calls.ts';

const reason = 'a stranger asks';
const found = [200];
const made = [200, 201];
const absent = [404];
const refused = [422];

export function modelCalls(other: OtherLedger): Readonly<Record<string, readonly StrangeCall[]>> {
  const id = encodeURIComponent(other.model);
  const [provider] = other.model.split('/');
  const pricing = { input: '1', output: '2' };
  return {
    'GET /v1/models': [
      { path: '/v1/models?limit=1000', statuses: found },
      { path: `/v1/models?q=${other.tenant}&provider=${provider}`, statuses: found },
    ],
    'GET /v1/models/:id': [{ path: `/v1/models/${id}`, statuses: absent }],
    'GET /v1/models/:id/history': [{ path: `/v1/models/${id}/history`, statuses: absent }],
    'GET /v1/models/:id/prices': [{ path: `/v1/models/${id}/prices`, statuses: absent }],
    'PATCH /v1/models/:id': [
      { path: `/v1/models/${id}`, body: { name: 'mine now', reason }, statuses: absent },
    ],
    'DELETE /v1/models/:id': [{ path: `/v1/models/${id}`, body: { reason }, statuses: absent }],
    'POST /v1/models/:id/deprecate': [
      { path: `/v1/models/${id}/deprecate`, body: { reason }, statuses: absent },
      { path: '/v1/models/own%2Fone/deprecate', body: { successor: other.model, reason }, statuses: refused },
    ],
    'POST /v1/models/:id/reinstate': [
      { path: `/v1/models/${id}/reinstate`, body: { reason }, statuses: absent },
    ],
    'POST /v1/models/:id/prices': [
      { path: `/v1/models/${id}/prices`, body: { pricing, reason }, statuses: absent },
    ],
    'POST /v1/models/:id/duplicate': [
      { path: `/v1/models/${id}/duplicate`, body: { id: 'own/copy', reason }, statuses: absent },
    ],
    // The last of them: from here on there is a model of that name, of one's own.
    'POST /v1/models': [
      {
        path: '/v1/models',
        body: { id: other.model, name: 'Own', contextWindow: 1, reason },
        statuses: made,
      },
    ],
  };
}
