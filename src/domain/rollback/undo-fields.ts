/**
 * Undo of what was said about a key's definition or a model, field by field: a three-way merge.
 * In: all events of one subject, and which of them are selected; out: its fields as if those had not been, and the fields
 * that somebody touched later, whose values are left. A model's stage of life (status, successor, sunset) is one field.
 */
import type { RecordedEvent } from '../event.ts';
import { evolve } from '../evolve.ts';
import { equal } from '../field-changes.ts';
import type { JsonValue } from '../json.ts';
import type { SubjectState } from '../subject-state.ts';
import type { OpenConflict, Resolution } from './rollback-plan.ts';

/** A state as independent fields; the empty one is a subject that is not there. */
export type Fields = ReadonlyMap<string, JsonValue>;

export interface FieldUndo {
  readonly subject: string;
  /** All of the subject, in order of revision. */
  readonly events: readonly RecordedEvent[];
  readonly selected: ReadonlySet<number>;
  readonly fieldsOf: (state: SubjectState | undefined) => Fields;
  /** A field that an event speaks of even where it changes nothing. */
  readonly speaksOf: (event: RecordedEvent) => string | undefined;
}

export interface UndoneFields {
  readonly wanted: Fields;
  readonly conflicts: readonly OpenConflict[];
}

/** How one field came to its value. */
interface Course {
  /** Before the first selected event that touches it; undefined until there was one. */
  before: { readonly value: JsonValue | undefined } | undefined;
  /** After the last event that touches it and is not selected. */
  left: { readonly value: JsonValue | undefined; readonly revision: number } | undefined;
  /** Whether that one came after a selected one. */
  isLater: boolean;
}

export function undoFields(undo: FieldUndo, resolution: Resolution | undefined): UndoneFields {
  const { current, courses } = coursesOf(undo);
  const wanted = new Map(current);
  const conflicts: OpenConflict[] = [];
  for (const [field, { before, left, isLater }] of courses) {
    if (before === undefined) continue;
    const without = left ?? before;
    const to = resolution === 'undo' ? before : without;
    if (to.value === undefined) wanted.delete(field);
    else wanted.set(field, to.value);
    if (!isLater || left === undefined || resolution === 'undo') continue;
    // Where both come to the same there is nothing to choose.
    if (equal(left.value, before.value)) continue;
    conflicts.push({
      subject: undo.subject,
      field,
      current: left.value ?? null,
      wanted: before.value ?? null,
      revision: left.revision,
    });
  }
  return { wanted, conflicts };
}

function coursesOf({ events, selected, fieldsOf, speaksOf }: FieldUndo): {
  readonly current: Fields;
  readonly courses: ReadonlyMap<string, Course>;
} {
  const courses = new Map<string, Course>();
  let state: SubjectState | undefined;
  let current = fieldsOf(undefined);
  for (const event of events) {
    const next = evolve(state, event);
    const after = fieldsOf(next);
    for (const field of touched(current, after, speaksOf(event))) {
      const course = courses.get(field) ?? { before: undefined, left: undefined, isLater: false };
      courses.set(field, course);
      if (selected.has(event.revision)) course.before ??= { value: current.get(field) };
      else {
        course.left = { value: after.get(field), revision: event.revision };
        course.isLater = course.before !== undefined;
      }
    }
    state = next;
    current = after;
  }
  return { current, courses };
}

function touched(before: Fields, after: Fields, spokenOf: string | undefined): ReadonlySet<string> {
  const fields = new Set(spokenOf === undefined ? [] : [spokenOf]);
  for (const field of [...before.keys(), ...after.keys()]) {
    if (!equal(before.get(field), after.get(field))) fields.add(field);
  }
  return fields;
}
