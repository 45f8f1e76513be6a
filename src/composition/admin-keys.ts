/**
 * Making API keys: the verifier first, then the event, so that a key never stands in the ledger without being usable.
 * If we stop between the two, a verifier without an event is left: it opens nothing.
 */
import { Failure } from '../failure.ts';
import type { HttpDependencies } from '../http/dependencies.ts';
import type { LiveLedger } from '../ledger/live-ledger.ts';
import { hashApiKey, makeApiKey, parseApiKey } from './api-keys.ts';

export interface VerifierStore {
  /** False when there is one with that id, which then stands. */
  insert(verifier: { readonly id: string; readonly ledger: string; readonly hash: Buffer }): Promise<boolean>;
  delete(id: string): Promise<boolean>;
}

export function createApiKeyMaker(
  store: VerifierStore,
  randomWord: (length: number) => string,
): HttpDependencies['createApiKey'] {
  return async (ledger, input, meta) => {
    const { id, key } = makeApiKey(input.role, randomWord);
    // Somebody else's verifier must be neither used nor deleted below.
    if (!(await store.insert({ id, ledger: ledger.name, hash: hashApiKey(key) }))) {
      throw new Failure('unavailable', 'the id that was drawn is taken; try again', {
        reason: 'id_is_taken',
      });
    }
    try {
      const result = await ledger.submit({ ...meta, changes: [{ type: 'createApiKey', id, ...input }] });
      return { id, key, result };
    } catch (failure) {
      // When the outcome is unknown the event may stand: the verifier then has to stay.
      const isUnknown = failure instanceof Failure && failure.reason === 'outcome_unknown';
      if (!isUnknown) await store.delete(id).catch(() => false);
      throw failure;
    }
  };
}

/**
 * Sees to it that the installation has an admin. Answers the key if it was made now, to be shown once.
 * A given key (VARVE_ADMIN_KEY) is taken when no key of its id is known. Of several servers that start at once on a
 * fresh ledger one makes the key: the others get its first answer and forget theirs.
 */
export async function ensureAdmin(
  ledger: LiveLedger,
  given: string | undefined,
  store: VerifierStore,
  randomWord: (length: number) => string,
): Promise<string | undefined> {
  const parts = given === undefined ? undefined : parseApiKey(given);
  if (parts !== undefined && ledger.state.apiKey(parts.id) !== undefined) return undefined;
  const hasAdmin = [...ledger.state.apiKeys()].some((key) => key.role === 'admin' && !key.revoked);
  if (parts === undefined && hasAdmin) return undefined;
  const made =
    given === undefined || parts === undefined
      ? makeApiKey('admin', randomWord)
      : { id: parts.id, key: given };
  await store.insert({ id: made.id, ledger: ledger.name, hash: hashApiKey(made.key) });
  const result = await ledger.submit({
    changes: [
      { type: 'createApiKey', id: made.id, name: adminName(ledger, made.id), role: 'admin', trusted: true },
    ],
    actor: { id: 'varve', kind: 'system' },
    reason: given === undefined ? 'The first start makes an admin' : 'The settings name an admin key',
    source: 'system',
    requestId: 'first-start',
    idempotency: { key: given === undefined ? 'first-admin' : `admin-${made.id}`, bodyHash: 'admin' },
  });
  if (!result.replayed) return made.key;
  if (given === undefined) await store.delete(made.id);
  return undefined;
}

/** `admin`, or with its id when another key has that name. */
function adminName(ledger: LiveLedger, id: string): string {
  const isTaken = [...ledger.state.apiKeys()].some((key) => key.name === 'admin' && !key.revoked);
  return isTaken ? `admin-${id}` : 'admin';
}
