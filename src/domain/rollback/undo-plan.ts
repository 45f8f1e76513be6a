/**
 * Undo: the selected events taken out of the history, from now on.
 * In: the selected events, and for each subject that they touch what it would be without them; out: a plan. Where a later
 * change by somebody else speaks of the same interval or field, that one's value is left and told as a conflict;
 * `resolve` says otherwise for a subject: `keep` leaves it as it is, `undo` takes the later changes out as well.
 */
import type { RecordedEvent } from '../event.ts';
import type { JsonValue } from '../json.ts';
import type { OverrideAssertion } from '../subject-state.ts';
import type { RestoreTarget } from './restore.ts';
import type { StandingSubject } from './restore-questions.ts';
import {
  bySubject,
  type Covered,
  isCovered,
  type OpenConflict,
  partsOf,
  type Resolution,
  type RollbackPlan,
  restingOn,
  typesOf,
} from './rollback-plan.ts';
import { type Fields, undoFields } from './undo-fields.ts';
import { undoOverride } from './undo-overrides.ts';
import { undoPrices } from './undo-prices.ts';
import {
  keyFields,
  keyOf,
  keySpeaksOf,
  modelFields,
  modelOf,
  modelSpeaksOf,
  stageField,
} from './undo-subjects.ts';

export interface UndoMaterial {
  /** All that were selected, covered or not, in order of revision. */
  readonly selected: readonly RecordedEvent[];
  readonly standing: ReadonlyMap<string, StandingSubject>;
  /** By revision, the events that selected withdrawals took back. */
  readonly withdrawn: ReadonlyMap<number, RecordedEvent>;
  /** Of overrides, by subject. */
  readonly assertions: ReadonlyMap<
    string,
    { readonly without: readonly OverrideAssertion[]; readonly before: readonly OverrideAssertion[] }
  >;
  /** Of keys and models, by subject: all their events in order of revision. */
  readonly events: ReadonlyMap<string, readonly RecordedEvent[]>;
  /** Epoch milliseconds. */
  readonly now: number;
}

interface Piece {
  readonly targets: readonly RestoreTarget[];
  readonly conflicts: readonly OpenConflict[];
}

export function planUndo(
  material: UndoMaterial,
  include: readonly Covered[],
  resolve: Readonly<Record<string, Resolution>>,
): RollbackPlan {
  const covered = bySubject(material.selected.filter((event) => isCovered(event, include)));
  const pieces = [...covered].flatMap(([subject, selected]) => {
    const standing = material.standing.get(subject);
    if (standing === undefined || resolve[subject] === 'keep') return [];
    return [pieceOf(material, standing, selected, include, resolve[subject])];
  });
  return {
    targets: pieces.flatMap(({ targets }) => targets),
    conflicts: pieces.flatMap(({ conflicts }) => conflicts),
    undoes: new Map([...covered].map(([subject, events]) => [subject, events.at(-1)?.changesetId ?? ''])),
    notes: leftOut(material.selected, include),
  };
}

function pieceOf(
  material: UndoMaterial,
  standing: StandingSubject,
  selected: readonly RecordedEvent[],
  include: readonly Covered[],
  resolution: Resolution | undefined,
): Piece {
  const { subject } = standing;
  const parts = partsOf(subject);
  const base = restingOn(standing);
  switch (parts.kind) {
    case 'override': {
      const { without = [], before = [] } = material.assertions.get(subject) ?? {};
      const undone = undoOverride(
        { subject, selected, without, before, withdrawn: material.withdrawn },
        material.now,
        resolution,
      );
      return { targets: [{ ...base, ...parts, wanted: undone.wanted }], conflicts: undone.conflicts };
    }
    case 'key':
      return undoKey(material, standing, parts.key, selected, resolution);
    case 'model': {
      const pieces = [
        ...(include.includes('models')
          ? [undoModel(material, standing, parts.id, selected, resolution)]
          : []),
        ...(include.includes('prices')
          ? [undoModelPrices(material, standing, parts.id, selected, resolution)]
          : []),
      ];
      return {
        targets: pieces.flatMap(({ targets }) => targets),
        conflicts: pieces.flatMap(({ conflicts }) => conflicts),
      };
    }
    case 'other':
      return { targets: [], conflicts: [] };
    default:
      return parts satisfies never;
  }
}

function undoKey(
  { events }: UndoMaterial,
  standing: StandingSubject,
  key: string,
  selected: readonly RecordedEvent[],
  resolution: Resolution | undefined,
): Piece {
  const { subject } = standing;
  const all = events.get(subject) ?? [];
  const revisions = revisionsOf(selected);
  const undo = { subject, events: all, selected: revisions, fieldsOf: keyFields, speaksOf: keySpeaksOf };
  const { wanted, conflicts } = undoFields(undo, resolution);
  const definition = keyOf(key, wanted);
  const target: RestoreTarget = { ...restingOn(standing), kind: 'key', key, wanted: definition };
  const later = lastLater(all, revisions);
  const now = keyOf(key, keyFields(standing.state));
  const isLost = definition === undefined && now?.retired === false;
  if (!isLost || later === undefined || resolution === 'undo') {
    return { targets: [target], conflicts };
  }
  return lost(subject, 'definition', asJson(keyFields(standing.state)), later);
}

function undoModel(
  { events }: UndoMaterial,
  standing: StandingSubject,
  id: string,
  selected: readonly RecordedEvent[],
  resolution: Resolution | undefined,
): Piece {
  const { subject } = standing;
  const all = (events.get(subject) ?? []).filter(({ type }) => !isPriceType(type));
  const revisions = revisionsOf(selected.filter(({ type }) => typesOf.models.includes(type)));
  if (revisions.size === 0) return { targets: [], conflicts: [] };
  const undo = { subject, events: all, selected: revisions, fieldsOf: modelFields, speaksOf: modelSpeaksOf };
  const { wanted, conflicts } = undoFields(undo, resolution);
  const model = modelOf(id, wanted);
  const target: RestoreTarget = { ...restingOn(standing), kind: 'model', id, wanted: model };
  const now = modelFields(standing.state);
  const isLost = model === undefined && modelOf(id, now) !== undefined;
  const later = lastLater(all, revisions);
  if (!isLost || later === undefined || resolution === 'undo') return { targets: [target], conflicts };
  return lost(subject, stageField, now.get(stageField) ?? null, later);
}

/** The last event that is not selected and came after one that is. */
function lastLater(
  events: readonly RecordedEvent[],
  selected: ReadonlySet<number>,
): RecordedEvent | undefined {
  const first = Math.min(...selected);
  return events.findLast(({ revision }) => revision > first && !selected.has(revision));
}

/** Whoever changed the subject later would lose it altogether: then it stays as it is. */
function lost(subject: string, field: string, current: JsonValue, later: RecordedEvent): Piece {
  return { targets: [], conflicts: [{ subject, field, current, wanted: null, revision: later.revision }] };
}

function undoModelPrices(
  { now }: UndoMaterial,
  standing: StandingSubject,
  id: string,
  selected: readonly RecordedEvent[],
  resolution: Resolution | undefined,
): Piece {
  const prices = 'prices' in standing.state ? standing.state.prices : [];
  const { wanted, past, conflicts } = undoPrices(
    { subject: standing.subject, selected, prices },
    now,
    resolution,
  );
  const base = restingOn(standing);
  const target = { ...base, kind: 'prices' as const, id, wanted };
  return { targets: [past === undefined ? target : { ...target, past }], conflicts };
}

function isPriceType(type: string): boolean {
  return type === 'ModelPriceChanged' || type === 'ModelPriceCorrected';
}

function revisionsOf(events: readonly RecordedEvent[]): ReadonlySet<number> {
  return new Set(events.map(({ revision }) => revision));
}

/** What was selected and is not touched, told by type. */
function leftOut(selected: readonly RecordedEvent[], include: readonly Covered[]): RollbackPlan['notes'] {
  const counts = new Map<string, number>();
  for (const event of selected) {
    if (!isCovered(event, include)) counts.set(event.type, (counts.get(event.type) ?? 0) + 1);
  }
  return [...counts].map(([type, count]) => ({
    code: 'left_out',
    message: `${count} selected ${type} left as they are${isPriceType(type) ? '; name prices in include to undo them' : ''}`,
    path: 'undo',
  }));
}

const asJson = (fields: Fields): JsonValue => Object.fromEntries(fields);
