/**
 * What both ways of rolling back share: which kinds of facts are covered, and what a plan is.
 * A plan says for each subject what it is to be from now on; decide-restore.ts makes events of it.
 */
import type { EventType, RecordedEvent } from '../event.ts';
import type { JsonValue } from '../json.ts';
import { splitOverride } from '../live-state.ts';
import type { Scope } from '../scope.ts';
import type { RestoreChange, RestoreTarget } from './restore.ts';
import type { StandingSubject } from './restore-questions.ts';

/** What a rollback covers; prices only when they are named. API keys, webhooks, ledgers and tags never. */
export const covered = ['overrides', 'keys', 'models', 'settings', 'schemas', 'prices'] as const;
export type Covered = (typeof covered)[number];
export const coveredByDefault: readonly Covered[] = covered.filter((kind) => kind !== 'prices');

/** What is to become of a subject: as it is, or taken back with the later changes that stand on it. */
export type Resolution = 'keep' | 'undo';

export interface RollbackPlan extends Omit<RestoreChange, 'type' | 'allowUnlisted' | 'conflicts'> {
  /** By subject, the changeset that is taken back. */
  readonly undoes: ReadonlyMap<string, string>;
  readonly conflicts: readonly OpenConflict[];
}

/** A conflict whose later change is known by its revision only. */
export interface OpenConflict {
  readonly subject: string;
  readonly field: string;
  readonly current: JsonValue;
  readonly wanted: JsonValue;
  readonly revision: number;
  /** Of an interval that begins later than now, epoch milliseconds. */
  readonly from?: number;
  /** Of an interval that ends, epoch milliseconds. */
  readonly until?: number;
}

/** The types of events that a kind of facts is told by. Settings and their schemas have none yet. */
export const typesOf: Readonly<Record<Covered, readonly EventType[]>> = {
  overrides: ['OverrideSet', 'OverrideCleared', 'OverrideWithdrawn'],
  keys: ['KeyDefined', 'KeyRetired'],
  models: ['ModelAdded', 'ModelUpdated', 'ModelDeprecated', 'ModelReinstated', 'ModelRemoved'],
  prices: ['ModelAdded', 'ModelPriceChanged', 'ModelPriceCorrected'],
  settings: [],
  schemas: [],
};

/** Whether an event tells of a covered kind. */
export function isCovered(event: RecordedEvent, include: readonly Covered[]): boolean {
  return include.some((kind) => typesOf[kind].includes(event.type));
}

/** The events of each subject, in the order in which they come. */
export function bySubject(events: readonly RecordedEvent[]): ReadonlyMap<string, readonly RecordedEvent[]> {
  const groups = new Map<string, RecordedEvent[]>();
  for (const event of events) {
    const group = groups.get(event.subject);
    if (group === undefined) groups.set(event.subject, [event]);
    else group.push(event);
  }
  return groups;
}

/** The parts of a subject's name. */
export function partsOf(
  subject: string,
):
  | { readonly kind: 'override'; readonly key: string; readonly scope: Scope }
  | { readonly kind: 'key'; readonly key: string }
  | { readonly kind: 'model'; readonly id: string }
  | { readonly kind: 'other' } {
  const colon = subject.indexOf(':');
  const name = subject.slice(colon + 1);
  switch (subject.slice(0, colon)) {
    case 'override': {
      const [key, scope] = splitOverride(name);
      return { kind: 'override', key, scope };
    }
    case 'key':
      return { kind: 'key', key: name };
    case 'model':
      return { kind: 'model', id: name };
    default:
      return { kind: 'other' };
  }
}

/** What every target names of the subject that it rests on. */
export function restingOn({ subject, version }: StandingSubject): Pick<RestoreTarget, 'subject' | 'version'> {
  return { subject, version };
}
