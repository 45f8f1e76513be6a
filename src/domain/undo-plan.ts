/**
 * Undo: the selected events taken out of the history, from now on.
 * In: the selected events, and for each subject that they touch what it would be without them; out: a plan. Where a later
 * change by somebody else speaks of the same interval or field, that one's value is left and told as a conflict;
 * `resolve` says otherwise for a subject: `keep` leaves it as it is, `undo` takes the later changes out as well.
 */
import type { RecordedEvent } from './event.ts';
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
import type { OverrideAssertion } from './subject-state.ts';
import { undoFields } from './undo-fields.ts';
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
    case 'key': {
      const undone = undoFields(
        {
          subject,
          events: material.events.get(subject) ?? [],
          selected: revisionsOf(selected),
          fieldsOf: keyFields,
          speaksOf: keySpeaksOf,
        },
        resolution,
      );
      return {
        targets: [{ ...base, ...parts, wanted: keyOf(parts.key, undone.wanted) }],
        conflicts: undone.conflicts,
      };
    }
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
  const { wanted, conflicts } = undoFields(
    { subject, events: all, selected: revisions, fieldsOf: modelFields, speaksOf: modelSpeaksOf },
    resolution,
  );
  const model = modelOf(id, wanted);
  const target: RestoreTarget = { ...restingOn(standing), kind: 'model', id, wanted: model };
  // Whoever changed the model later would lose it altogether: then it stays as it is.
  const first = Math.min(...revisions);
  const isLost = model === undefined && modelOf(id, modelFields(standing.state)) !== undefined;
  const later = all.findLast(({ revision }) => revision > first && !revisions.has(revision));
  if (!isLost || later === undefined || resolution === 'undo') return { targets: [target], conflicts };
  const stage = modelFields(standing.state).get(stageField) ?? null;
  const lost = { subject, field: stageField, current: stage, wanted: null, revision: later.revision };
  return { targets: [], conflicts: [lost] };
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
