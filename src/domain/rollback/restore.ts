/**
 * Restoring: what a rollback wishes, subject by subject, as it was planned over the read models.
 * Plans come in from undo-plan.ts and return-plan.ts; decide-restore.ts turns them into events. A plan names the version
 * of each subject that it rests on, so that it is refused as a conflict when somebody was faster.
 */
import type { KeyDefinition } from '../event.ts';
import type { JsonValue } from '../json.ts';
import type { Scope } from '../scope.ts';
import type { ModelState, OverrideAssertion, PriceAssertion } from '../subject-state.ts';

interface Planned {
  readonly subject: string;
  /** The subject's version that the plan was made on; 0 when it was not there. */
  readonly version: number;
}

/** All that an override is to say from now on: what may still hold then, sorted by start and revision. */
export interface OverrideTarget extends Planned {
  readonly kind: 'override';
  readonly key: string;
  readonly scope: Scope;
  readonly wanted: readonly OverrideAssertion[];
}

/** Undefined: the key is not to be asked any more. */
export interface KeyTarget extends Planned {
  readonly kind: 'key';
  readonly key: string;
  readonly wanted: { readonly definition: KeyDefinition; readonly retired: boolean } | undefined;
}

/** Undefined: the model is not to be in the catalogue. */
export interface ModelTarget extends Planned {
  readonly kind: 'model';
  readonly id: string;
  readonly wanted: Omit<ModelState, 'prices' | 'version' | 'revision'> | undefined;
}

/** What a model's price is to be. */
export interface PriceTarget extends Planned {
  readonly kind: 'prices';
  readonly id: string;
  /** For every moment from now on. */
  readonly wanted: readonly PriceAssertion[];
  /** For the moments before, where a correction is undone; absent: the past stays. */
  readonly past?: readonly PriceAssertion[];
}

export type RestoreTarget = OverrideTarget | KeyTarget | ModelTarget | PriceTarget;

/** The change that a rollback is made of; it has a door of its own. */
export interface RestoreChange {
  readonly type: 'restore';
  readonly targets: readonly RestoreTarget[];
  /** Values whose model the catalogue does not offer any more are restored with a warning instead of refused. */
  readonly allowUnlisted: boolean;
  /** Told with the answer, also when it is given again. */
  readonly conflicts: readonly Conflict[];
  readonly notes: readonly { readonly code: string; readonly message: string; readonly path: string }[];
}

/**
 * A later change stands on what is to be undone: its value is left, unless the wish resolves the subject otherwise.
 * `detail` holds it for programs: { subject, field, current, wanted, by, effectiveFrom?, effectiveUntil? }.
 */
export interface Conflict {
  readonly subject: string;
  readonly message: string;
  readonly detail: { readonly [name: string]: JsonValue };
}
