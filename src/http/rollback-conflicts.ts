/**
 * Conflicts of an undo as they are told: with who made the later change, when and why.
 * In: conflicts that know a revision; out: conflicts that stand in the answer and, with an idempotent request, in the
 * ledger: so their number and the length of what they show are bounded.
 */
import type { RecordedEvent } from '../domain/event.ts';
import type { FieldChange } from '../domain/field-changes.ts';
import { formatInstant } from '../domain/instant.ts';
import type { JsonValue } from '../domain/json.ts';
import type { Reads } from '../domain/reads.ts';
import type { Conflict } from '../domain/rollback/restore.ts';
import type { OpenConflict, RollbackPlan } from '../domain/rollback/rollback-plan.ts';
import type { Planned } from './rollback-plan-call.ts';

const maxConflicts = 1_000;
/** Characters of a value's JSON that are shown. */
const maxShown = 1_000;

/** The conflicts as they are told; past the first 1,000 only how many there are. */
export async function toldConflicts(
  reads: Reads,
  ledger: string,
  { conflicts, notes }: RollbackPlan,
): Promise<Pick<Planned, 'conflicts' | 'notes'>> {
  const shown = conflicts.slice(0, maxConflicts);
  const events = await reads.events(ledger, [...new Set(shown.map(({ revision }) => revision))]);
  const left = conflicts.length - shown.length;
  const cut = { code: 'conflicts_left_out', message: `${left} more conflicts are not listed`, path: 'undo' };
  return {
    conflicts: shown.map((conflict) => conflictOf(conflict, events.get(conflict.revision))),
    notes: left > 0 ? [...notes, cut] : notes,
  };
}

function conflictOf(
  { subject, field, current, wanted, revision, from, until }: OpenConflict,
  by: (RecordedEvent & { readonly changes: readonly FieldChange[] }) | undefined,
): Conflict {
  const who = by?.actor.id ?? 'somebody';
  return {
    subject,
    message: `${who} changed ${field} later, at revision ${revision}: it is left; resolve the subject to undo it too`,
    detail: {
      subject,
      field,
      current: cut(current),
      wanted: cut(wanted),
      ...(from === undefined ? {} : { effectiveFrom: formatInstant(from) }),
      ...(until === undefined ? {} : { effectiveUntil: formatInstant(until) }),
      by: byWhom(by, revision),
    },
  };
}

function byWhom(event: RecordedEvent | undefined, revision: number): JsonValue {
  if (event === undefined) return { revision };
  const { actor, recordedAt, reason, changesetId } = event;
  return { revision, actor: { ...actor }, recordedAt, reason, changesetId };
}

/** A long value by its beginning, as text. */
function cut(value: JsonValue): JsonValue {
  const text = JSON.stringify(value);
  return text.length <= maxShown ? value : `${text.slice(0, maxShown)}…`;
}
