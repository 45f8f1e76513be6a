/**
 * Scopes (whom an override is for) and contexts (who is asking).
 * A scope is a string at every edge: `global`, `tier:3`, `tenant:acme`, `user:u-17`.
 * Pure; shared by server, SDK and browser.
 */

export type Scope = 'global' | `${'tier' | 'tenant' | 'user'}:${string}`;
export type ScopeKind = 'user' | 'tenant' | 'tier' | 'global';

/** Who is asking: any of user, tenant, tier. Ids are 1–200 characters without control characters. */
export interface Context {
  readonly user?: string;
  readonly tenant?: string;
  readonly tier?: string;
}

/** The layers in the order in which they are asked; the first that answers wins. */
export const scopeKinds = ['user', 'tenant', 'tier', 'global'] as const satisfies readonly ScopeKind[];

/** The longest id of a user, tenant or tier, in UTF-16 units. */
export const maxScopeIdLength = 200;

/**
 * A scope from its spelling; undefined when it is none.
 * The id is all that follows the first colon, further colons included.
 */
export function parseScope(text: string): Scope | undefined {
  if (text === 'global') return 'global';
  const colon = text.indexOf(':');
  const kind = text.slice(0, colon);
  if (kind !== 'tier' && kind !== 'tenant' && kind !== 'user') return undefined;
  const id = text.slice(colon + 1);
  return isScopeId(id) ? `${kind}:${id}` : undefined;
}

/** Whether a text can be the id of a user, tenant or tier. */
export function isScopeId(id: string): boolean {
  return id.length >= 1 && id.length <= maxScopeIdLength && isPrintable(id);
}

/** The two halves of a scope; the id of `global` is empty. */
export function splitScope(scope: Scope): { readonly kind: ScopeKind; readonly id: string } {
  if (scope === 'global') return { kind: 'global', id: '' };
  const colon = scope.indexOf(':');
  return { kind: scope.slice(0, colon) as ScopeKind, id: scope.slice(colon + 1) };
}

/** The scopes that a context is asked in, narrowest first; always ends with `global`. */
export function scopesOf(context: Context): readonly Scope[] {
  const scopes: Scope[] = [];
  if (context.user !== undefined) scopes.push(`user:${context.user}`);
  if (context.tenant !== undefined) scopes.push(`tenant:${context.tenant}`);
  if (context.tier !== undefined) scopes.push(`tier:${context.tier}`);
  scopes.push('global');
  return scopes;
}

/** Whoever asks for this scope alone. */
export function contextOfScope(scope: Scope): Context {
  const { kind, id } = splitScope(scope);
  return kind === 'global' ? {} : { [kind]: id };
}

/** Whether a text is well-formed Unicode without control characters (C0, DEL, C1). */
export function isPrintable(text: string): boolean {
  return text.isWellFormed() && !/\p{Cc}/u.test(text);
}
