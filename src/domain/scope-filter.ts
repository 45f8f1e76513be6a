/**
 * Which overrides somebody wants: `global`, `tier:3`, `user:*`. In: patterns as the edges spell them; out: whether a scope
 * is among them. Snapshot, stream and SDK share it; definitions and models are nobody's own and always wanted.
 */
import type { EventBody } from './event.ts';
import { type Scope, splitScope } from './scope.ts';

export interface ScopeFilter {
  /** The same for filters that want the same; at most as long as their patterns. */
  readonly name: string;
  covers(scope: Scope): boolean;
}

/** `patterns` are scopes, or `user:*`, `tenant:*`, `tier:*` for all of a kind. */
export function scopeFilter(patterns: readonly string[]): ScopeFilter {
  const wanted = new Set(patterns);
  for (const pattern of patterns) {
    const { kind, id } = splitScope(pattern as Scope);
    if (id !== '*' && wanted.has(`${kind}:*`)) wanted.delete(pattern);
  }
  return {
    // A scope holds no control characters, so that this cannot be spelled in two ways.
    name: [...wanted].sort().join('\n'),
    covers: (scope) => wanted.has(scope) || wanted.has(`${splitScope(scope).kind}:*`),
  };
}

/** The scope whose override an event is about; undefined for events about anything else. */
export function scopeOfEvent(event: EventBody): Scope | undefined {
  switch (event.type) {
    case 'OverrideSet':
    case 'OverrideCleared':
    case 'OverrideWithdrawn':
      return event.data.scope;
    default:
      return undefined;
  }
}
