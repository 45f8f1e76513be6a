/**
 * Whom a change is told. A browser's ticket carries marks of its user, tenant and tier instead of their names, because
 * URLs end up in the logs of everything in between; a change concerns those who have the mark of its scope, or everybody.
 */
import { hash } from 'node:crypto';
import type { RecordedEvent } from '../../domain/event.ts';
import { splitOverride } from '../../domain/live-state.ts';
import { type Context, type Scope, scopesOf } from '../../domain/scope.ts';
import type { LiveTurn } from '../../domain/turns.ts';
import { valuesView } from '../../domain/values-view.ts';

/** In place of a mark: what concerns everybody. */
export const everybody = '*';

/** 72 bits. Two scopes of one mark cost a question too many. */
const markLength = 12;

const overridePrefix = 'override:';

/** The marks of a context; none of `global`, which concerns everybody. */
export function marksOf(context: Context): readonly string[] {
  return scopesOf(context)
    .filter((scope) => scope !== 'global')
    .map(markOf);
}

/** Whom an event concerns: the mark of a scope, or `everybody`; undefined for what nobody resolves with. */
export function concernedBy(event: RecordedEvent): string | undefined {
  if (valuesView(event) === undefined) return undefined;
  if (!event.subject.startsWith(overridePrefix)) return everybody;
  const [, scope] = splitOverride(event.subject.slice(overridePrefix.length));
  return concernedByScope(scope);
}

/** The same of what turns by itself. */
export function concernedByTurn(turn: LiveTurn): string | undefined {
  switch (turn.kind) {
    case 'activation':
    case 'expiry':
      return concernedByScope(turn.scope);
    case 'sunset':
      return everybody;
    case 'price':
      return undefined;
    default:
      return turn satisfies never;
  }
}

function concernedByScope(scope: Scope): string {
  return scope === 'global' ? everybody : markOf(scope);
}

function markOf(scope: Scope): string {
  return hash('sha256', scope, 'base64url').slice(0, markLength);
}
