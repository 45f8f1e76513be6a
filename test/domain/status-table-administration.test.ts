/**
 * Every status of tags, API keys, webhooks and ledgers × every change about it (status-table.test.ts).
 */
import { describe } from 'vitest';
import { apiKeyCreated, keyDefined, webhookCreated } from '../support/drafts.ts';
import { run, type Table } from '../support/status-cells.ts';

const tags: Table<'tag', 'absent' | 'given'> = {
  given: {
    absent: [keyDefined('a')],
    given: [keyDefined('a'), { type: 'RevisionTagged', data: { name: 'v1', revision: 1 } }],
  },
  when: { tagRevision: { type: 'tagRevision', name: 'v1' } },
  outcomes: {
    absent: { tagRevision: ['RevisionTagged', 'given'] },
    given: { tagRevision: 'refused tag_is_given' },
  },
  statusIn: (view) => (view.tag('v1') === undefined ? 'absent' : 'given'),
};

const apiKeys: Table<'apiKey', 'absent' | 'standing' | 'revoked'> = {
  given: {
    absent: [],
    standing: [apiKeyCreated('k')],
    revoked: [apiKeyCreated('k'), { type: 'ApiKeyRevoked', data: { id: 'k' } }],
  },
  when: {
    createApiKey: { type: 'createApiKey', id: 'k', name: 'k', role: 'operator', trusted: false },
    revokeApiKey: { type: 'revokeApiKey', id: 'k' },
  },
  outcomes: {
    absent: { createApiKey: ['ApiKeyCreated', 'standing'], revokeApiKey: 'refused unknown_api_key' },
    standing: { createApiKey: 'refused id_is_taken', revokeApiKey: ['ApiKeyRevoked', 'revoked'] },
    revoked: { createApiKey: 'refused id_is_taken', revokeApiKey: 'nothing' },
  },
  statusIn(view) {
    const state = view.apiKey('k');
    if (state === undefined) return 'absent';
    return state.revoked ? 'revoked' : 'standing';
  },
};

const webhooks: Table<'webhook', 'absent' | 'standing' | 'removed'> = {
  given: {
    absent: [],
    standing: [webhookCreated('w')],
    removed: [webhookCreated('w'), { type: 'WebhookRemoved', data: { id: 'w' } }],
  },
  when: {
    createWebhook: { type: 'createWebhook', id: 'w', url: 'https://example.com/', types: ['*'] },
    removeWebhook: { type: 'removeWebhook', id: 'w' },
  },
  outcomes: {
    absent: { createWebhook: ['WebhookCreated', 'standing'], removeWebhook: 'refused unknown_webhook' },
    standing: { createWebhook: 'refused id_is_taken', removeWebhook: ['WebhookRemoved', 'removed'] },
    removed: { createWebhook: 'refused id_is_taken', removeWebhook: 'nothing' },
  },
  statusIn(view) {
    const state = view.webhook('w');
    if (state === undefined) return 'absent';
    return state.removed ? 'removed' : 'standing';
  },
};

const ledgers: Table<'ledger', 'absent' | 'there'> = {
  given: { absent: [], there: [{ type: 'LedgerCreated', data: { name: 'staging' } }] },
  when: { createLedger: { type: 'createLedger', name: 'staging' } },
  outcomes: {
    absent: { createLedger: ['LedgerCreated', 'there'] },
    there: { createLedger: 'refused ledger_exists' },
  },
  statusIn: (view) => (view.ledger('staging') === undefined ? 'absent' : 'there'),
};

describe('a tag that is', () => {
  run(tags);
});
describe('an API key that is', () => {
  run(apiKeys);
});
describe('a webhook that is', () => {
  run(webhooks);
});
describe('a ledger that is', () => {
  run(ledgers);
});
