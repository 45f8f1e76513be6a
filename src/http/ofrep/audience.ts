/**
 * Whom a change concerns: those who have its scope, or everybody. A browser's ticket carries marks of its user, tenant and tier
 * instead of their names (composition/event-tickets.ts), because URLs end up in the logs of everything in between.
 */
import type { RecordedEvent } from '../../domain/event.ts';
import type { Scope } from '../../domain/scope.ts';
import { scopeOfEvent } from '../../domain/scope-filter.ts';
import type { LiveTurn } from '../../domain/turns.ts';
import { valuesView } from '../../domain/values-view.ts';

/** In place of a scope: what concerns everybody. */
export const everybody = '*';

/** Whom something concerns. */
export type Concerned = Scope | typeof everybody;

/** Whom an event concerns; undefined for what nobody resolves with. */
export function concernedBy(event: RecordedEvent): Concerned | undefined {
  if (valuesView(event) === undefined) return undefined;
  const scope = scopeOfEvent(event);
  return scope === undefined ? everybody : concernedByScope(scope);
}

/** The same of what turns by itself. */
export function concernedByTurn(turn: LiveTurn): Concerned | undefined {
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

function concernedByScope(scope: Scope): Concerned {
  return scope === 'global' ? everybody : scope;
}
