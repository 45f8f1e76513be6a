/**
 * Undo of what was said about a key in a scope: its assertions as if the selected events had not been.
 * In: the selected events of one override, its assertions without them, and those of before them; out: what is wanted
 * from now on, and the later changes of the same intervals, whose values are left.
 */
import { type Assertion, forever, inForce, withoutPast } from '../assertion.ts';
import type { RecordedEvent } from '../event.ts';
import { assertionOf } from '../evolve.ts';
import type { JsonValue } from '../json.ts';
import type { OverrideAssertion } from '../subject-state.ts';
import type { OpenConflict, Resolution } from './rollback-plan.ts';

export interface OverrideUndo {
  readonly subject: string;
  readonly selected: readonly RecordedEvent[];
  /** By revision, the events that selected withdrawals took back. */
  readonly withdrawn: ReadonlyMap<number, RecordedEvent>;
  /** What may hold from now on without the selected events, sorted by start and revision. */
  readonly without: readonly OverrideAssertion[];
  /** The same of what was known before the first of them that speaks of now or later. */
  readonly before: readonly OverrideAssertion[];
}

export interface Undone<A extends Assertion> {
  readonly wanted: readonly A[];
  readonly conflicts: readonly OpenConflict[];
}

/** `now` in epoch milliseconds. */
export function undoOverride(
  { subject, selected, withdrawn, without, before }: OverrideUndo,
  now: number,
  resolution: Resolution | undefined,
): Undone<OverrideAssertion> {
  const taken = selected.flatMap((event) => spokenTime(event, withdrawn));
  const later = laterOver(taken, without, now);
  const standing = new Set(withoutPast(without, now));
  const earlier = sorted([
    ...without.filter((assertion) => !later.has(assertion)),
    ...before.filter(({ revision }) => without.every((known) => known.revision !== revision)),
  ]);
  if (resolution === 'undo') return { wanted: earlier, conflicts: [] };
  const open = [...later].filter(([assertion]) => standing.has(assertion));
  const conflicts = open.map(([assertion, from]): OpenConflict => {
    const wanted = inForce(earlier, from);
    return {
      subject,
      field: assertion.kind === 'allocation' ? 'allocation' : 'value',
      current: asJson(assertion.value),
      wanted: asJson(wanted?.value ?? null),
      revision: assertion.revision,
      ...endsOf(from, assertion.until, now),
    };
  });
  return { wanted: without, conflicts };
}

/** The interval that an event of an override speaks of, with its revision; a withdrawal of the one that it took back. */
export function spokenTime(event: RecordedEvent, withdrawn: OverrideUndo['withdrawn']): readonly Assertion[] {
  const { revision } = event;
  if (event.type === 'OverrideSet' || event.type === 'OverrideCleared') {
    const { from, until } = assertionOf(event);
    return [{ revision, from, until }];
  }
  if (event.type !== 'OverrideWithdrawn') return [];
  const back = withdrawn.get(event.data.revision);
  return back === undefined
    ? []
    : spokenTime(back, withdrawn).map(({ from, until }) => ({ revision, from, until }));
}

/** The assertions that were made after something that is taken out and speak of its time, from now on; with the first such moment. */
export function laterOver<A extends Assertion>(
  taken: readonly Assertion[],
  without: readonly A[],
  now: number,
): ReadonlyMap<A, number> {
  const later = new Map<A, number>();
  for (const assertion of without) {
    let start = forever;
    for (const one of taken) {
      if (one.revision > assertion.revision) continue;
      const from = Math.max(one.from, assertion.from, now);
      if (from < one.until && from < assertion.until && from < start) start = from;
    }
    if (start < forever) later.set(assertion, start);
  }
  return later;
}

/** Where a conflict begins, unless it is now, and ends, unless it does not. */
export function endsOf(from: number, until: number, now: number): Pick<OpenConflict, 'from' | 'until'> {
  return { ...(from === now ? {} : { from }), ...(until < forever ? { until } : {}) };
}

function sorted<A extends Assertion>(assertions: readonly A[]): readonly A[] {
  return assertions.toSorted((one, other) => one.from - other.from || one.revision - other.revision);
}

const asJson = (value: OverrideAssertion['value']) => value as JsonValue;
