/**
 * Changesets on their way in and their answers: what the writer takes and gives back.
 */

import type { AnyChange } from '../domain/change.ts';
import type { Warning } from '../domain/decision.ts';
import type { Actor, RecordedEvent, Source } from '../domain/event.ts';
import type { FieldChange } from '../domain/field-changes.ts';
import type { BlastRadius } from '../domain/preview/blast-radius.ts';
import type { Failure } from '../failure.ts';
import { type IdempotencyId, idOf } from './idempotency.ts';

/** Changes made together: one actor, one reason, all or nothing. */
export interface ChangesetRequest {
  readonly changes: readonly AnyChange[];
  readonly actor: Actor;
  readonly reason: string;
  readonly source: Source;
  readonly requestId: string;
  /** Conflict unless this revision precedes the changeset. */
  readonly expectedRevision?: number;
  /** Conflict unless the subject stands at this version (If-Match); 0 means that it must not be there. */
  readonly expectedVersion?: { readonly subject: string; readonly version: number };
  /** Conflict unless what a preview with this fingerprint rested on stands still (fingerprint.ts). */
  readonly fingerprint?: string;
  /** By subject, the changeset whose effect on it is taken back. */
  readonly undoes?: ReadonlyMap<string, string>;
  /** Why no changes could be made of what was asked; thrown in place of deciding, after the first answer was looked for. */
  readonly refusal?: Failure;
  /** `bodyHash` is the hex sha256 of the canonical request. */
  readonly idempotency?: { readonly key: string; readonly bodyHash: string };
}

/** Who asks with which idempotency key; undefined without one. */
export function idempotencyOf({ actor, idempotency }: ChangesetRequest): IdempotencyId | undefined {
  return idempotency === undefined ? undefined : { actor: actor.id, key: idempotency.key };
}

/** The same as one text. */
export function idempotencyIdOf(request: ChangesetRequest): string | undefined {
  const id = idempotencyOf(request);
  return id === undefined ? undefined : idOf(id);
}

/** An event as the writer answers it. */
export type AnsweredEvent = RecordedEvent & { readonly changes: readonly FieldChange[] };

export interface ChangesetResult {
  /** Null when nothing changed, so that there is no changeset. */
  readonly changesetId: string | null;
  readonly events: readonly AnsweredEvent[];
  readonly warnings: readonly Warning[];
  /** The head that the answer reflects. */
  readonly revision: number;
  /** Whether this is the first answer given again. */
  readonly replayed: boolean;
}

/** What a changeset would do: its events without a promise. */
export interface PreviewResult {
  readonly events: readonly AnsweredEvent[];
  readonly warnings: readonly Warning[];
  readonly revision: number;
  readonly blastRadius: BlastRadius;
  /** To be applied with, so that it is applied only if what the preview rests on still stands (fingerprint.ts). */
  readonly fingerprint: string;
  /** Canonical bytes that the events would take, and the most that the log takes at once. */
  readonly bytes: number;
  readonly maxBytes: number;
}
