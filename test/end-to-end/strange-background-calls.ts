/**
 * The part of strange-calls.ts about webhooks, imports and consumers.
 */
import type { OtherLedger, StrangeCall } from './strange-calls.ts';

const found = [200];
const made = [200, 201];
const absent = [404];

export function backgroundCalls({
  webhookId,
  importId,
  tenant,
}: OtherLedger): Readonly<Record<string, readonly StrangeCall[]>> {
  const webhook = `/v1/webhooks/${webhookId}`;
  const delivery = `${webhook}/deliveries/00000000-0000-4000-8000-000000000000`;
  const url = `https://hooks.invalid/${tenant}`;
  return {
    'POST /v1/webhooks': [{ path: '/v1/webhooks', body: { url }, statuses: made }],
    'GET /v1/webhooks': [{ path: '/v1/webhooks?limit=1000', statuses: found }],
    'GET /v1/webhooks/:id': [{ path: webhook, statuses: absent }],
    'DELETE /v1/webhooks/:id': [{ path: webhook, body: {}, statuses: absent }],
    'POST /v1/webhooks/:id/rotate': [{ path: `${webhook}/rotate`, body: {}, statuses: absent }],
    'GET /v1/webhooks/:id/deliveries': [{ path: `${webhook}/deliveries`, statuses: absent }],
    'GET /v1/webhooks/:id/deliveries/:delivery': [{ path: delivery, statuses: absent }],
    'POST /v1/webhooks/:id/deliveries/:delivery/retry': [{ path: `${delivery}/retry`, statuses: absent }],
    // Handing over takes another type of content: that an import is of one ledger is shown by looking for it.
    'POST /v1/imports': [{ path: '/v1/imports', body: {}, statuses: [400] }],
    'GET /v1/imports': [{ path: '/v1/imports?limit=1000', statuses: found }],
    'GET /v1/imports/:id': [{ path: `/v1/imports/${importId}`, statuses: absent }],
    'DELETE /v1/imports/:id': [{ path: `/v1/imports/${importId}`, statuses: absent }],
    // The other ledger has a consumer and a context of this name.
    'POST /v1/heartbeats': [
      {
        path: '/v1/heartbeats',
        body: { client: tenant, revision: 1, contexts: [{ user: tenant }] },
        statuses: found,
      },
    ],
    'GET /v1/consumers': [{ path: '/v1/consumers?limit=1000', statuses: found }],
    'GET /v1/contexts': [{ path: '/v1/contexts?limit=1000', statuses: found }],
  };
}
