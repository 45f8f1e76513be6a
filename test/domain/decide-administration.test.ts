/** Tags, API keys, ledgers: given once, the last admin stays, there are so many and no more. */
import { describe, expect, test } from 'vitest';
import type { AnyChange } from '../../src/domain/change.ts';
import { maxApiKeys, maxLedgers, maxWebhooks } from '../../src/domain/decide-administration.ts';
import type { EventBody } from '../../src/domain/event.ts';
import { apiKeyCreated, keyDefined, webhookCreated } from '../support/drafts.ts';
import { given } from '../support/specification.ts';

const tag = (name: string, revision?: number): AnyChange => ({
  type: 'tagRevision',
  name,
  ...(revision === undefined ? {} : { revision }),
});
const tagged = (name: string, revision: number): EventBody => ({
  type: 'RevisionTagged',
  data: { name, revision },
});

describe('tags', () => {
  const two = [keyDefined('a'), keyDefined('b')];

  test('name the head, or a revision that is told', () => {
    given(...two)
      .when(tag('v1'))
      .then([tagged('v1', 2)]);
    given(...two)
      .when(tag('v1', 1))
      .then([tagged('v1', 1)]);
    given(...two)
      .when(tag('empty', 0))
      .then([tagged('empty', 0)]);
    given()
      .when(tag('empty'))
      .then([tagged('empty', 0)]);
  });

  test('within a changeset name what was there before it: no tag cuts a changeset', () => {
    const define: AnyChange = { type: 'defineKey', key: 'c', valueType: 'string', fallback: 'fallback' };
    given(...two)
      .when([define, tag('v1')])
      .then([keyDefined('c'), tagged('v1', 2)]);
    given(...two)
      .when([define, tag('v1', 3)])
      .thenRefused('unknown_revision', 'changes.1');
  });

  test('name nothing that is still to come', () => {
    given(...two)
      .when(tag('v1', 3))
      .thenRefused('unknown_revision');
  });

  test('are given once', () => {
    given(...two, tagged('v1', 1))
      .when(tag('v1', 2))
      .thenRefused('tag_is_given');
    given(...two, tagged('v1', 1))
      .when(tag('v1'))
      .thenRefused('tag_is_given');
    given(...two, tagged('v1', 1))
      .when(tag('v1', 1))
      .thenNothing();
    given(...two, tagged('v1', 1))
      .when(tag('v2', 1))
      .then([tagged('v2', 1)]);
    given(...two)
      .when([tag('v1', 1), tag('v1', 2)])
      .thenRefused('tag_is_given', 'changes.1');
  });
});

describe('API keys', () => {
  const create = (id: string, name = id, role: 'admin' | 'operator' = 'operator'): AnyChange => ({
    type: 'createApiKey',
    id,
    name,
    role,
    trusted: false,
  });
  const revoke = (id: string): AnyChange => ({ type: 'revokeApiKey', id });
  const revoked = (id: string): EventBody => ({ type: 'ApiKeyRevoked', data: { id } });
  const admin = (id: string) => apiKeyCreated(id, { role: 'admin' });

  test('are made without their hash', () => {
    given()
      .when(create('k1', 'ci'))
      .then([apiKeyCreated('k1', { name: 'ci' })]);
  });

  test('have names of their own, until they are revoked', () => {
    given(apiKeyCreated('k1', { name: 'ci' }))
      .when(create('k2', 'ci'))
      .thenRefused('name_is_taken');
    given(apiKeyCreated('k1', { name: 'ci' }), revoked('k1'))
      .when(create('k2', 'ci'))
      .then([apiKeyCreated('k2', { name: 'ci' })]);
  });

  test('are revoked once', () => {
    given(apiKeyCreated('k1'))
      .when(revoke('k1'))
      .then([revoked('k1')]);
    given(apiKeyCreated('k1'), revoked('k1')).when(revoke('k1')).thenNothing();
    given().when(revoke('k1')).thenRefused('unknown_api_key');
  });

  test('the last admin stays', () => {
    given(admin('k1'), apiKeyCreated('k2')).when(revoke('k1')).thenRefused('last_admin');
    given(admin('k1'), admin('k2'))
      .when(revoke('k1'))
      .then([revoked('k1')]);
    given(admin('k1'), admin('k2'), revoked('k2')).when(revoke('k1')).thenRefused('last_admin');
    given(admin('k1'), admin('k2'))
      .when([revoke('k1'), revoke('k2')])
      .thenRefused('last_admin', 'changes.1');
    given(admin('k1'))
      .when([create('k2', 'k2', 'admin'), revoke('k1')])
      .then([admin('k2'), revoked('k1')]);
  });

  test(`are at most ${maxApiKeys}, the revoked not counted`, () => {
    const keys = Array.from({ length: maxApiKeys }, (_, n) => apiKeyCreated(`k${n}`));
    given(...keys)
      .when(create('one more'))
      .thenRefused('too_many');
    given(...keys, revoked('k0'))
      .when(create('one more'))
      .then([apiKeyCreated('one more')]);
  });
});

describe('webhooks', () => {
  const create = (
    id: string,
    url = 'https://example.com/hook',
  ): Extract<AnyChange, { type: 'createWebhook' }> => ({
    type: 'createWebhook',
    id,
    url,
    types: ['*'],
  });
  const removed = (id: string): EventBody => ({ type: 'WebhookRemoved', data: { id } });

  test('say where to, and for what; an id is for ever', () => {
    given()
      .when({ ...create('w1'), types: ['OverrideSet', 'activation'], description: 'pages us' })
      .then([webhookCreated('w1', { types: ['OverrideSet', 'activation'], description: 'pages us' })]);
    given(webhookCreated('w1'), removed('w1')).when(create('w1')).thenRefused('id_is_taken');
  });

  test('two may have one address', () => {
    given(webhookCreated('w1'))
      .when(create('w2'))
      .then([webhookCreated('w2')]);
  });

  test('are removed once', () => {
    given(webhookCreated('w1'))
      .when({ type: 'removeWebhook', id: 'w1' })
      .then([removed('w1')]);
    given(webhookCreated('w1'), removed('w1')).when({ type: 'removeWebhook', id: 'w1' }).thenNothing();
    given().when({ type: 'removeWebhook', id: 'w1' }).thenRefused('unknown_webhook');
  });

  test(`are at most ${maxWebhooks}, the removed not counted`, () => {
    const hooks = Array.from({ length: maxWebhooks }, (_, n) => webhookCreated(`w${n}`));
    given(...hooks)
      .when(create('one-more'))
      .thenRefused('too_many');
    given(...hooks, removed('w0'))
      .when(create('one-more'))
      .then([webhookCreated('one-more')]);
  });
});

describe('ledgers', () => {
  const create = (name: string, description?: string): AnyChange => ({
    type: 'createLedger',
    name,
    ...(description === undefined ? {} : { description }),
  });
  const created = (name: string): EventBody => ({ type: 'LedgerCreated', data: { name } });

  test('are made once', () => {
    given()
      .when(create('staging'))
      .then([created('staging')]);
    given()
      .when(create('staging', 'Before production'))
      .then([{ type: 'LedgerCreated', data: { name: 'staging', description: 'Before production' } }]);
    given(created('staging')).when(create('staging')).thenRefused('ledger_exists');
    given().when(create('default')).thenRefused('ledger_exists');
  });

  test(`are at most ${maxLedgers}, the default one counted`, () => {
    const others = Array.from({ length: maxLedgers - 1 }, (_, n) => created(`ledger-${n}`));
    expect(maxLedgers).toBe(16);
    given(...others)
      .when(create('one-more'))
      .thenRefused('too_many');
    given(...others.slice(1))
      .when(create('one-more'))
      .then([created('one-more')]);
  });
});
