/**
 * Deciders of tags, API keys, webhooks and ledgers: what surrounds the configuration. No rollback touches these.
 */
import type { AdministrativeChange, ChangeOf } from './change.ts';
import { type Circumstances, type Decision, decided, refuse, unchanged } from './decision.ts';
import { defaultLedger } from './ledger-name.ts';
import type { View } from './live-state.ts';

/** The most ledgers of one installation, `default` included. */
export const maxLedgers = 16;

/** The most API keys of one ledger that are not revoked. */
export const maxApiKeys = 1_000;

/** The most webhooks of one ledger that are not removed. */
export const maxWebhooks = 100;

type AdministrativeChangeOf<T extends AdministrativeChange['type']> = Extract<
  AdministrativeChange,
  { type: T }
>;

export function decideTagRevision(
  view: View,
  change: ChangeOf<'tagRevision'>,
  { nextRevision }: Circumstances,
): Decision {
  const head = nextRevision - 1;
  const revision = change.revision ?? head;
  if (revision > head) {
    throw refuse('unknown_revision', `revision ${revision} is not recorded yet; the ledger ends at ${head}`);
  }
  const before = view.tag(change.name);
  if (before === undefined) return decided({ type: 'RevisionTagged', data: { name: change.name, revision } });
  if (before.revision === revision) return unchanged(`${change.name} names revision ${revision} already`);
  throw refuse(
    'tag_is_given',
    `the tag ${change.name} names revision ${before.revision}; a name is given once`,
  );
}

export function decideCreateApiKey(view: View, change: AdministrativeChangeOf<'createApiKey'>): Decision {
  // An id is for ever: a revoked key never stands again.
  if (view.apiKey(change.id) !== undefined)
    throw refuse('id_is_taken', `there is an API key ${change.id} already`);
  let standing = 0;
  for (const key of view.apiKeys()) {
    if (key.revoked) continue;
    standing++;
    if (key.name === change.name) throw refuse('name_is_taken', `another API key is named ${change.name}`);
  }
  if (standing >= maxApiKeys) throw refuse('too_many', `a ledger has at most ${maxApiKeys} API keys`);
  const { type: _type, ...data } = change;
  return decided({ type: 'ApiKeyCreated', data });
}

export function decideRevokeApiKey(view: View, change: AdministrativeChangeOf<'revokeApiKey'>): Decision {
  const before = view.apiKey(change.id);
  if (before === undefined) throw refuse('unknown_api_key', `there is no API key ${change.id}`);
  if (before.revoked) return unchanged(`the API key ${change.id} is revoked already`);
  const admins = [...view.apiKeys()].filter((key) => key.role === 'admin' && !key.revoked);
  if (before.role === 'admin' && admins.length === 1) {
    throw refuse('last_admin', 'this is the last admin key; make another one first');
  }
  return decided({ type: 'ApiKeyRevoked', data: { id: change.id } });
}

export function decideCreateWebhook(view: View, change: AdministrativeChangeOf<'createWebhook'>): Decision {
  // An id is for ever: deliveries are named after it.
  if (view.webhook(change.id) !== undefined) {
    throw refuse('id_is_taken', `there is a webhook ${change.id} already`);
  }
  const standing = [...view.webhooks()].filter(({ removed }) => !removed);
  if (standing.length >= maxWebhooks) {
    throw refuse('too_many', `a ledger has at most ${maxWebhooks} webhooks`);
  }
  const { type: _type, ...data } = change;
  return decided({ type: 'WebhookCreated', data });
}

export function decideRemoveWebhook(view: View, change: AdministrativeChangeOf<'removeWebhook'>): Decision {
  const before = view.webhook(change.id);
  if (before === undefined) throw refuse('unknown_webhook', `there is no webhook ${change.id}`);
  if (before.removed) return unchanged(`the webhook ${change.id} is removed already`);
  return decided({ type: 'WebhookRemoved', data: { id: change.id } });
}

export function decideCreateLedger(view: View, change: AdministrativeChangeOf<'createLedger'>): Decision {
  if (change.name === defaultLedger || view.ledger(change.name) !== undefined) {
    throw refuse('ledger_exists', `the ledger ${change.name} is there already`);
  }
  if ([...view.ledgers()].length + 1 >= maxLedgers) {
    throw refuse('too_many', `there are at most ${maxLedgers} ledgers`);
  }
  const { type: _type, ...data } = change;
  return decided({ type: 'LedgerCreated', data });
}
