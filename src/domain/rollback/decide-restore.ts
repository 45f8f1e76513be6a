/**
 * Decider of rollbacks: brings each subject of a plan to what it is wanted to be, all of them in one changeset.
 * In: a view, and a plan that names the versions it rests on; out: events in an order in which none refers to what
 * is not there yet. What comes of it is held against today's rules as a whole, because the parts lean on each other:
 * what does not fit is refused, all of it named at once, and never restored in silence.
 */
import { Failure, type FailureDetail } from '../../failure.ts';
import { type Circumstances, type Decision, unchanged } from '../decision.ts';
import type { EventBody } from '../event.ts';
import { equal } from '../field-changes.ts';
import type { JsonValue } from '../json.ts';
import type { View } from '../live-state.ts';
import type { KeyState } from '../subject-state.ts';
import type { KeyTarget, ModelTarget, RestoreChange, RestoreTarget } from './restore.ts';
import { type Finding, misfitsOf } from './restore-misfits.ts';
import { standingEvents } from './restore-model.ts';
import { overrideEvents } from './restore-override.ts';
import { priceEvents } from './restore-price.ts';

export function decideRestore(view: View, change: RestoreChange, circumstances: Circumstances): Decision {
  refuseMoved(view, change.targets);
  const { now } = circumstances;
  const events = phases.flatMap((phase) => change.targets.flatMap((target) => phase(view, target, now)));
  const before = keysOf(view, events);
  const told = change.conflicts.map(({ subject, message, detail }) => ({
    code: 'conflict',
    message,
    path: subject,
    detail,
  }));
  const left = change.notes.map(({ code, message, path }) => ({ code, message, path }));
  if (events.length === 0) {
    return { events, warnings: [...nothingToDo(change), ...left, ...told] };
  }
  return {
    events,
    warnings: [...left, ...told],
    check(after) {
      const { refused, warned } = misfitsOf({ before, after }, events, now, change.allowUnlisted);
      if (refused.length > 0) throw refusal(refused);
      return warned.map(asWarning);
    },
  };
}

/** What the check needs of the view as it was: it goes on with the events. */
function keysOf(view: View, events: readonly EventBody[]): ReadonlyMap<string, KeyState> {
  const keys = events.flatMap((event) => (event.type === 'KeyDefined' ? [event.data.key] : []));
  return new Map(
    keys.flatMap((key) => {
      const state = view.key(key);
      return state === undefined ? [] : [[key, state] as const];
    }),
  );
}

/** A typing error in a selection must not look like something done. */
function nothingToDo({ targets }: RestoreChange): Decision['warnings'] {
  return targets.length === 0
    ? [{ code: 'nothing_selected', message: 'nothing is selected that can be brought back' }]
    : unchanged('everything that is selected is so already').warnings;
}

/** A phase names the events of a target that may come now. */
type Phase = (view: View, target: RestoreTarget, now: number) => readonly EventBody[];

/** Models before the values that name them, definitions before the values that they judge, removals last. */
const phases: readonly Phase[] = [
  (view, target, now) =>
    target.kind === 'model' && stands(target.wanted)
      ? standingEvents(view.model(target.id), target.wanted, now)
      : [],
  (view, target) => (target.kind === 'key' ? definitionEvents(view, target) : []),
  (view, target, now) =>
    target.kind === 'override'
      ? overrideEvents(
          { key: target.key, scope: target.scope },
          view.override(target.key, target.scope)?.assertions ?? [],
          target.wanted,
          now,
        )
      : [],
  (view, target, now) =>
    target.kind === 'prices' ? priceEvents(target, view.model(target.id)?.prices ?? [], now) : [],
  (view, target) => (target.kind === 'key' ? retirementEvents(view, target) : []),
  (view, target) => (target.kind === 'model' ? removalEvents(view, target) : []),
];

function refuseMoved(view: View, targets: readonly RestoreTarget[]): void {
  const moved = targets.filter(({ subject, version }) => (view.subject(subject)?.version ?? 0) !== version);
  if (moved.length === 0) return;
  const [first] = moved;
  throw new Failure(
    'conflict',
    `${first?.subject ?? ''} was changed while the rollback was made${moved.length > 1 ? `, and ${moved.length - 1} more` : ''}; look at it again`,
    {
      reason: 'subject_moved',
      details: moved.slice(0, maxDetails).map(({ subject }) => ({
        path: subject,
        message: `is at version ${view.subject(subject)?.version ?? 0} by now`,
      })),
    },
  );
}

/** As many places as one problem names. */
const maxDetails = 50;

function stands(wanted: ModelTarget['wanted']): wanted is NonNullable<ModelTarget['wanted']> {
  return wanted !== undefined && wanted.status !== 'removed';
}

function definitionEvents(view: View, { key, wanted }: KeyTarget): readonly EventBody[] {
  if (wanted === undefined || wanted.retired) return [];
  const current = view.key(key);
  const isSo =
    current !== undefined && !current.retired && equal(asJson(current.definition), asJson(wanted.definition));
  return isSo ? [] : [{ type: 'KeyDefined', data: wanted.definition }];
}

function retirementEvents(view: View, { key, wanted }: KeyTarget): readonly EventBody[] {
  const current = view.key(key);
  const isOut = wanted === undefined || wanted.retired;
  return isOut && current !== undefined && !current.retired ? [{ type: 'KeyRetired', data: { key } }] : [];
}

function removalEvents(view: View, { id, wanted }: ModelTarget): readonly EventBody[] {
  const current = view.model(id);
  const isThere = current !== undefined && current.status !== 'removed';
  return isThere && !stands(wanted) ? [{ type: 'ModelRemoved', data: { id } }] : [];
}

function refusal(findings: readonly Finding[]): Failure {
  const [first] = findings;
  const details: readonly FailureDetail[] = findings
    .slice(0, maxDetails)
    .map(({ subject, message }) => ({ path: subject, message }));
  const more = findings.length > 1 ? ` (and ${findings.length - 1} more)` : '';
  return new Failure(
    'refused',
    `what would be restored does not fit today: ${first?.message ?? ''}${more}; leave it out by resolve or where`,
    { reason: first?.code ?? 'does_not_fit', details },
  );
}

function asWarning({ code, message, subject }: Finding) {
  return { code, message, path: subject };
}

const asJson = (value: object) => value as JsonValue;
