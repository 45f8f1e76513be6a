/**
 * Receipts on the client's side: in: what was resolved in this process; out: the same receipt that the server gives for
 * the same answer, so that the server can give the answer back later.
 */
import { createHash } from 'node:crypto';
import { makeReceipt, type Receipt } from '../domain/receipt.ts';
import { type Context, isScopeId } from '../domain/scope.ts';
import { Failure } from '../failure.ts';
import type { Resolved } from './varve.ts';

/**
 * `context` is the one that was resolved for, and the value is the ledger's: of what a schema made of it no server knows.
 * Failures: invalid for a value that no ledger answered (the caller's fallback) and for ids that no scope has. Throws TypeError for what is not JSON.
 */
export function receiptOf(ledger: string, resolved: Resolved<unknown>, context: Context): Receipt {
  const { scope, reason, stateRevision, at } = resolved;
  if (scope === 'caller' || reason === 'ERROR') {
    throw new Failure(
      'invalid',
      `the value of ${resolved.key} is the caller's own: there is no receipt of it`,
      {
        reason: 'no_receipt',
      },
    );
  }
  for (const kind of ['user', 'tenant', 'tier'] as const) {
    const id = context[kind];
    if (id === undefined || isScopeId(id)) continue;
    throw new Failure('invalid', `there is no receipt for a ${kind} that no scope can name`, {
      reason: 'bad_context',
      details: [{ path: `context.${kind}`, message: 'is no id' }],
    });
  }
  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
  const resolutions = [{ ...resolved, scope, reason }];
  return makeReceipt(sha256, { ledger, revision: stateRevision, at, context, resolutions });
}
