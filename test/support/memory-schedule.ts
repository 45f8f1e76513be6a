/**
 * The schedule, from what a log told: every boundary of every statement, one after the other. For tests of http/ that
 * need no database.
 */
import { type Assertion, forever, inForce } from '../../src/domain/assertion.ts';
import { parseInstant } from '../../src/domain/instant.ts';
import { splitOverride } from '../../src/domain/live-state.ts';
import type { HistoryItem } from '../../src/domain/questions.ts';
import type { ScheduledTurn, ScheduleFilter, Stretch } from '../../src/domain/schedule-questions.ts';
import type { ModelState, OverrideAssertion, SubjectState } from '../../src/domain/subject-state.ts';
import { isShadowed } from '../../src/domain/turns.ts';

interface Told {
  readonly items: readonly HistoryItem[];
  readonly states: ReadonlyMap<string, SubjectState>;
  /** By subject, also those that are over. */
  readonly assertions: ReadonlyMap<string, readonly OverrideAssertion[]>;
}

/** Of each kind of turn, without its event. */
type Bare<T> = T extends ScheduledTurn ? Omit<T, 'event'> : never;

/** All that turns in a stretch of time, by time, then revision. */
export function scheduleOf(told: Told, stretch: Stretch, filter: ScheduleFilter): readonly ScheduledTurn[] {
  const recordedAt = (revision: number) => parseInstant(told.items[revision - 1]?.recordedAt ?? '') ?? 0;
  return [...turnsOf(told)]
    .filter(({ at, revision }) => stretch.after < at && at <= stretch.until && recordedAt(revision) < at)
    .filter((turn) => filter.kind === undefined || turn.kind === filter.kind)
    .filter((turn) => filter.key === undefined || ('key' in turn && turn.key === filter.key))
    .filter((turn) => filter.scope === undefined || ('scope' in turn && turn.scope === filter.scope))
    .filter((turn) => filter.model === undefined || ('model' in turn && turn.model === filter.model))
    .sort((one, other) => one.at - other.at || one.revision - other.revision)
    .flatMap((turn) => {
      const event = told.items[turn.revision - 1];
      return event === undefined ? [] : [{ ...turn, event }];
    });
}

function* turnsOf({ items, states, assertions }: Told): Iterable<Bare<ScheduledTurn>> {
  for (const [subject, said] of assertions) {
    const [key, scope] = splitOverride(subject.slice('override:'.length));
    for (const { at, ...statement } of boundaries(said)) {
      const kind = at === statement.from ? 'activation' : 'expiry';
      yield { at, ...statement, kind, key, scope };
    }
  }
  for (const state of states.values()) {
    if (!('prices' in state)) continue;
    for (const price of boundaries(state.prices)) yield { ...price, kind: 'price', model: state.id };
    yield* sunsetOf(state, items);
  }
}

function* sunsetOf({ id, status, sunsetAt, successor }: ModelState, items: readonly HistoryItem[]) {
  const said = items.findLast((item) => item.type === 'ModelDeprecated' && item.data.id === id);
  if (status !== 'deprecated' || sunsetAt === undefined || said === undefined) return;
  const { revision } = said;
  yield {
    kind: 'sunset' as const,
    at: sunsetAt,
    revision,
    model: id,
    ...(successor === undefined ? {} : { successor }),
  };
}

function* boundaries<A extends Assertion>(list: readonly A[]) {
  const sorted = list.toSorted((one, other) => one.from - other.from || one.revision - other.revision);
  for (const { revision, from, until } of sorted) {
    for (const at of until === forever ? [from] : [from, until]) {
      const before = inForce(sorted, at - 1);
      const after = inForce(sorted, at);
      yield {
        at,
        revision,
        from,
        until,
        isShadowed: isShadowed({ revision, from, until }, at, before, after),
        ...(before === undefined ? {} : { before }),
        ...(after === undefined ? {} : { after }),
      };
    }
  }
}
