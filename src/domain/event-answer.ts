/**
 * An event as clients read it, in answers and in notices: without what only the log needs.
 */
import type { RecordedEvent } from './event.ts';
import type { FieldChange } from './field-changes.ts';

/** Leaves out the ledger (the request names it) and the idempotency key (it is its sender's). */
export function eventAnswer(event: RecordedEvent & { readonly changes: readonly FieldChange[] }) {
  const { revision, type, schemaVersion, subject, version, data, recordedAt, actor, reason, source } = event;
  const { changesetId, last, requestId, undoes, changes } = event;
  return {
    revision,
    type,
    schemaVersion,
    subject,
    version,
    data,
    recordedAt,
    actor,
    reason,
    source,
    changesetId,
    last,
    requestId,
    ...(undoes === undefined ? {} : { undoes }),
    changes,
  };
}
