/**
 * Who is asking: what the call says, else what the provider says, and never a mixture: a call for another user must not
 * ask with the tenant of the running request. Checked only as far as a wrong answer could come of it.
 */
import { type Context, maxScopeIdLength } from '../domain/scope.ts';
import { Failure } from '../failure.ts';

/** Failures: invalid for a context that is none. */
export function askingContext(
  given: Context | undefined,
  contextProvider: () => Context | undefined,
): Context {
  const context = given ?? contextProvider() ?? nobody;
  // Spelled out, as it stands before every answer.
  if (context.user !== undefined) checkId('user', context.user);
  if (context.tenant !== undefined) checkId('tenant', context.tenant);
  if (context.tier !== undefined) checkId('tier', context.tier);
  return context;
}

const nobody: Context = {};

function checkId(kind: keyof Context, id: unknown): void {
  if (typeof id === 'string' && id.length > 0 && id.length <= maxScopeIdLength) return;
  const message = `${kind} is a text of 1 to ${maxScopeIdLength} characters`;
  throw new Failure('invalid', `the context is none: ${message}`, {
    reason: 'bad_context',
    details: [{ path: `context.${kind}`, message }],
  });
}
