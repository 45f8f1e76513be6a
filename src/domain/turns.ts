/**
 * Turns: what changes by itself at a moment, because a statement starts or ends or a deprecated model retires.
 * In: the state of a subject; out: its next boundary, and what turns there. Nothing has to fire for the right value to
 * be resolved; this only tells. The same rule as inForce (assertion.ts), asked just before a moment and at it.
 */
import { type Assertion, forever, inForce, nextBoundary } from './assertion.ts';
import { splitOverride } from './live-state.ts';
import type { Scope } from './scope.ts';
import type { SubjectState } from './subject-state.ts';

/**
 * An override starts (`activation`) or ends (`expiry`), a deprecated model retires (`sunset`), or a `price` starts or
 * ends.
 */
export const turnKinds = ['activation', 'expiry', 'sunset', 'price'] as const;
export type TurnKind = (typeof turnKinds)[number];

/** What turns in one subject. */
export type LiveTurn =
  | {
      readonly kind: 'activation' | 'expiry';
      readonly subject: string;
      readonly key: string;
      readonly scope: Scope;
      /** Of the statement that starts or ends. */
      readonly revision: number;
    }
  | {
      readonly kind: 'sunset';
      readonly subject: string;
      readonly model: string;
      readonly successor?: string;
    }
  | { readonly kind: 'price'; readonly subject: string; readonly model: string; readonly revision: number };

/** Whether the statement of that revision is not what a boundary turns: another one holds there. */
export function isShadowed(
  { revision, from }: Assertion,
  at: number,
  before: Assertion | undefined,
  after: Assertion | undefined,
): boolean {
  return (from === at ? after : before)?.revision !== revision;
}

/** The first moment after `after` at which something of a subject starts, ends or retires; `forever` when there is none. */
export function nextTurn(state: SubjectState | undefined, after: number): number {
  if (state === undefined) return forever;
  if ('assertions' in state) return nextBoundary(state.assertions, after);
  if (!('prices' in state)) return forever;
  const price = nextBoundary(state.prices, after);
  const { status, sunsetAt } = state;
  const retires = status === 'deprecated' && sunsetAt !== undefined && sunsetAt > after;
  return retires && sunsetAt < price ? sunsetAt : price;
}

/** What turns in a subject at a moment; nothing where other statements cover it. */
export function turnsAt(subject: string, state: SubjectState | undefined, at: number): readonly LiveTurn[] {
  if (state === undefined) return [];
  const name = subject.slice(subject.indexOf(':') + 1);
  if ('assertions' in state) {
    const turning = turningAt(state.assertions, at);
    if (turning === undefined) return [];
    const [key, scope] = splitOverride(name);
    const kind = turning.from === at ? 'activation' : 'expiry';
    return [{ kind, subject, key, scope, revision: turning.revision }];
  }
  if (!('prices' in state)) return [];
  const turns: LiveTurn[] = [];
  const { status, sunsetAt, successor } = state;
  if (status === 'deprecated' && sunsetAt === at) {
    turns.push({
      kind: 'sunset',
      subject,
      model: name,
      ...(successor === undefined ? {} : { successor }),
    });
  }
  const price = turningAt(state.prices, at);
  if (price !== undefined) turns.push({ kind: 'price', subject, model: name, revision: price.revision });
  return turns;
}

/** The statement that takes over at a moment, or else the one that ends there; undefined when the same one goes on. */
function turningAt(assertions: readonly Assertion[], at: number): Assertion | undefined {
  const before = inForce(assertions, at - 1);
  const after = inForce(assertions, at);
  if (before?.revision === after?.revision) return undefined;
  return after?.from === at ? after : before;
}
