/**
 * A context to which the client's contextProvider adds nothing: what it does not ask is named too.
 * Asking for another user within a request must not bring in that request's tenant or tier.
 */
import type { Context } from '../domain/scope.ts';

export function exactly({ user, tenant, tier }: Context): Context {
  // Named and undefined is the very point here, which exactOptionalPropertyTypes cannot say.
  return { user, tenant, tier } as Context;
}
