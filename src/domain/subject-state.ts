/**
 * What a subject has become: one small immutable record a subject, folded from its events by evolve.
 * Plain JSON, so that a read model keeps the very same record and the live state starts from it.
 */
import type { Allocation } from './allocation.ts';
import type { Assertion } from './assertion.ts';
import type { KeyDefinition, ModelFields, ModelStatus, Role, WebhookType } from './event.ts';
import type { JsonValue } from './json.ts';
import type { Pricing } from './pricing.ts';

/** What a scope says about a key in an interval. */
export type OverrideAssertion = Assertion &
  (
    | { readonly kind: 'value'; readonly value: JsonValue }
    | { readonly kind: 'allocation'; readonly value: Allocation }
    | { readonly kind: 'cleared'; readonly value: null }
  );

/** An override: what one scope says about one key, now and later (what is over is left to the read models). */
export interface OverrideState {
  readonly version: number;
  readonly assertions: readonly OverrideAssertion[];
  /** Of its newest allocation, which may be over: the next one keeps it. */
  readonly salt?: string;
}

export interface KeyState {
  readonly version: number;
  /** Revision of the event that defined it last. */
  readonly revision: number;
  readonly definition: KeyDefinition;
  readonly retired: boolean;
}

/** A price in an interval, whole, in US dollars per million tokens. */
export interface PriceAssertion extends Assertion {
  readonly pricing: Pricing;
}

export interface ModelState extends ModelFields {
  readonly version: number;
  /** Revision of the event that touched it last. */
  readonly revision: number;
  readonly id: string;
  readonly provider: string;
  /** The part of the id after the provider. */
  readonly model: string;
  /** `retired` here is said by somebody; a sunset that has passed retires a deprecated model by itself (statusAt). */
  readonly status: ModelStatus | 'removed';
  readonly successor?: string;
  /** Epoch milliseconds. */
  readonly sunsetAt?: number;
  readonly prices: readonly PriceAssertion[];
}

export interface TagState {
  readonly version: number;
  readonly name: string;
  readonly revision: number;
  /** Epoch milliseconds at which the tag was given. */
  readonly taggedAt: number;
}

export interface ApiKeyState {
  readonly version: number;
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly trusted: boolean;
  readonly revoked: boolean;
  /** Epoch milliseconds. */
  readonly createdAt: number;
}

export interface WebhookState {
  readonly version: number;
  readonly id: string;
  readonly url: string;
  readonly types: readonly WebhookType[];
  readonly description?: string;
  readonly removed: boolean;
  /** Epoch milliseconds. */
  readonly createdAt: number;
}

export interface LedgerState {
  readonly version: number;
  readonly name: string;
  readonly description?: string;
  /** Epoch milliseconds. */
  readonly createdAt: number;
}

export interface SubjectStates {
  readonly override: OverrideState;
  readonly key: KeyState;
  readonly model: ModelState;
  readonly tag: TagState;
  readonly 'api-key': ApiKeyState;
  readonly webhook: WebhookState;
  readonly ledger: LedgerState;
}

export type SubjectKind = keyof SubjectStates;
export type SubjectState = SubjectStates[SubjectKind];

/** A model's status at a moment (epoch milliseconds): from its sunset on a deprecated model is retired. */
export function statusAt(model: ModelState, at: number): ModelStatus | 'removed' {
  const isOver = model.status === 'deprecated' && model.sunsetAt !== undefined && model.sunsetAt <= at;
  return isOver ? 'retired' : model.status;
}
