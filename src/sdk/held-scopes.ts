/**
 * Which scopes a client holds: the patterns of its options (`global`, `tier:*`, `tenant:acme`), or all.
 * `global` is always among them, because every context asks it. A context that asks a scope which is not held is not
 * answered for: an answer without one of its layers could be a wrong one.
 */
import type { Context, Scope, ScopeKind } from '../domain/scope.ts';
import { splitScope } from '../domain/scope.ts';
import { Failure } from '../failure.ts';

export interface HeldScopes {
  /** As the server is asked for them; undefined for all. */
  readonly query: string | undefined;
  holds(scope: Scope): boolean;
  /** Throws Failure invalid (`scope_not_held`) for a context that asks more than is held. */
  check(context: Context): void;
}

/** Patterns are checked already; all scopes when they are absent. */
export function heldScopes(patterns: readonly string[] | undefined): HeldScopes {
  if (patterns === undefined) return { query: undefined, holds: () => true, check: () => undefined };
  const held = new Set(['global', ...patterns]);
  const has = (kind: ScopeKind, id: string) => held.has(`${kind}:*`) || held.has(`${kind}:${id}`);
  return {
    query: [...held].sort().join(','),
    holds: (scope) => {
      const { kind, id } = splitScope(scope);
      return kind === 'global' || has(kind, id);
    },
    check: (context) => {
      for (const kind of ['user', 'tenant', 'tier'] as const) {
        const id = context[kind];
        if (id === undefined || has(kind, id)) continue;
        const message = `this client does not hold ${kind}:${id}; its option scopes would have to name it`;
        throw new Failure('invalid', message, {
          reason: 'scope_not_held',
          details: [{ path: `context.${kind}`, message }],
        });
      }
    },
  };
}
