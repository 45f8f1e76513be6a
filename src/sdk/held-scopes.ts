/**
 * Which scopes a client holds: the patterns of its options (`global`, `tier:*`, `tenant:acme`), or all.
 * `global` is always among them, because every context asks it. A context that asks a scope which is not held is not
 * answered for: an answer without one of its layers could be a wrong one.
 */
import type { Context, Scope } from '../domain/scope.ts';
import { scopeFilter } from '../domain/scope-filter.ts';
import { Failure } from '../failure.ts';

export interface HeldScopes {
  /** As the server is asked for them; undefined for all. */
  readonly query: string | undefined;
  covers(scope: Scope): boolean;
  /** Throws Failure invalid (`scope_not_held`) for a context that asks more than is held. */
  check(context: Context): void;
}

/** Patterns are checked already; all scopes when they are absent. */
export function heldScopes(patterns: readonly string[] | undefined): HeldScopes {
  if (patterns === undefined) return { query: undefined, covers: () => true, check: () => undefined };
  const filter = scopeFilter(['global', ...patterns]);
  return {
    query: filter.name.replaceAll('\n', ','),
    covers: (scope) => filter.covers(scope),
    check: (context) => {
      for (const kind of ['user', 'tenant', 'tier'] as const) {
        const id = context[kind];
        if (id === undefined || filter.covers(`${kind}:${id}`)) continue;
        const message = `this client does not hold ${kind}:${id}; its option scopes would have to name it`;
        throw new Failure('invalid', message, {
          reason: 'scope_not_held',
          details: [{ path: `context.${kind}`, message }],
        });
      }
    },
  };
}
