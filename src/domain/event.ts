/**
 * Events: what happened. Each is about one subject, is never changed, and carries who, when, why and how.
 * Drafts come out of decide; the ledger's writer adds the envelope; evolve folds them.
 * A draft without `effectiveFrom` means its own recorded time, so previews do not depend on the clock.
 */
import type { Allocation } from './allocation.ts';
import type { JsonValue } from './json.ts';
import type { Pricing } from './pricing.ts';
import type { Scope, ScopeKind } from './scope.ts';

export type ValueType = 'model' | 'string' | 'number' | 'integer' | 'boolean' | 'object' | 'secret';
export type Role = 'admin' | 'operator' | 'auditor' | 'service';
export type Source = 'api' | 'console' | 'cli' | 'import' | 'rollback' | 'system';

/** What a key is: its type, its fallback, and the rules for its values. */
export interface KeyDefinition {
  readonly key: string;
  readonly valueType: ValueType;
  readonly fallback: JsonValue;
  readonly description?: string;
  /** Provider of model values that are spelled without one. */
  readonly defaultProvider?: string;
  /** JSON Schema (2020-12) that every value satisfies. */
  readonly schema?: JsonValue;
  /** The kinds of scope that may override the key; absent means all. */
  readonly scopes?: readonly ScopeKind[];
}

/** The interval in which an assertion is in force, RFC 3339; an absent start is the recorded time, an absent end is never. */
export interface EffectiveInterval {
  readonly effectiveFrom?: string;
  readonly effectiveUntil?: string;
}

/** The descriptive fields of a model, without status and prices. */
export interface ModelFields {
  readonly name: string;
  readonly family?: string;
  readonly description?: string;
  /** Tokens. */
  readonly contextWindow?: number;
  /** Tokens. */
  readonly outputLimit?: number;
  readonly modalities?: { readonly input?: readonly string[]; readonly output?: readonly string[] };
  readonly capabilities?: readonly string[];
  /** Whatever else is known, by name. */
  readonly extra?: { readonly [name: string]: JsonValue };
}

export type ModelStatus = 'active' | 'beta' | 'deprecated' | 'retired';

/** Fields that an update names; null removes one. `extra` is merged name by name. */
export type ModelUpdates = {
  readonly [F in keyof ModelFields]?: Exclude<ModelFields[F], undefined> | null;
} & { readonly status?: 'active' | 'beta' };

interface Observed {
  /** When the source says that it happened, RFC 3339; told by imports, for people only. */
  readonly observedAt?: string;
}

export type EventBody =
  | { readonly type: 'KeyDefined'; readonly data: KeyDefinition }
  | { readonly type: 'KeyRetired'; readonly data: { readonly key: string } }
  | {
      readonly type: 'OverrideSet';
      readonly data: EffectiveInterval & {
        readonly key: string;
        readonly scope: Scope;
        /** Exactly one of value and allocation is there. */
        readonly value?: JsonValue;
        readonly allocation?: Allocation;
      };
    }
  | {
      readonly type: 'OverrideCleared';
      readonly data: EffectiveInterval & { readonly key: string; readonly scope: Scope };
    }
  | {
      readonly type: 'OverrideWithdrawn';
      /** `revision` is that of the assertion that is taken back. */
      readonly data: { readonly key: string; readonly scope: Scope; readonly revision: number };
    }
  | {
      readonly type: 'ModelAdded';
      readonly data: Observed & {
        readonly id: string;
        readonly model: ModelFields & { readonly status: ModelStatus };
        /** Prices in force from the recorded time on. */
        readonly pricing?: Pricing;
      };
    }
  | {
      readonly type: 'ModelUpdated';
      readonly data: Observed & { readonly id: string; readonly updates: ModelUpdates };
    }
  | {
      readonly type: 'ModelPriceChanged';
      /** `pricing` is whole: what stays is written out. */
      readonly data: Observed & {
        readonly id: string;
        readonly pricing: Pricing;
        readonly effectiveFrom?: string;
        readonly source?: string;
      };
    }
  | {
      readonly type: 'ModelPriceCorrected';
      readonly data: Observed & {
        readonly id: string;
        readonly pricing: Pricing;
        readonly effectiveFrom: string;
        readonly effectiveUntil?: string;
        readonly source?: string;
        /** The revision of the price that was wrong. */
        readonly corrects: number;
      };
    }
  | {
      readonly type: 'ModelDeprecated';
      readonly data: Observed & {
        readonly id: string;
        readonly successor?: string;
        readonly sunsetAt?: string;
      };
    }
  | { readonly type: 'ModelReinstated'; readonly data: Observed & { readonly id: string } }
  | { readonly type: 'ModelRemoved'; readonly data: Observed & { readonly id: string } }
  | { readonly type: 'RevisionTagged'; readonly data: { readonly name: string; readonly revision: number } }
  | {
      readonly type: 'ApiKeyCreated';
      readonly data: {
        readonly id: string;
        readonly name: string;
        readonly role: Role;
        readonly trusted: boolean;
      };
    }
  | { readonly type: 'ApiKeyRevoked'; readonly data: { readonly id: string } }
  | {
      readonly type: 'WebhookCreated';
      readonly data: {
        readonly id: string;
        readonly url: string;
        /** Sorted; `*` stands alone and means everything. */
        readonly types: readonly WebhookType[];
        readonly description?: string;
      };
    }
  | { readonly type: 'WebhookRemoved'; readonly data: { readonly id: string } }
  | {
      readonly type: 'LedgerCreated';
      readonly data: { readonly name: string; readonly description?: string };
    };

export type EventType = EventBody['type'];
/** What a webhook is called for: an event of a type, what changes by itself (`activation`), or all of it. */
export type WebhookType = EventType | 'activation' | '*';
export type DataOf<T extends EventType> = Extract<EventBody, { type: T }>['data'];

/** Who did it: a key by its name, or the person for whom a trusted key (`via`) acted. */
export interface Actor {
  readonly id: string;
  readonly kind: 'api_key' | 'person' | 'system';
  readonly via?: string;
}

/** What surrounds every event (product.md, rule 2). */
export interface Envelope {
  readonly ledger: string;
  /** 1, 2, 3 … without gaps in its ledger. */
  readonly revision: number;
  readonly schemaVersion: number;
  readonly subject: string;
  /** The number of this event among those of its subject: 1, 2, 3 … */
  readonly version: number;
  /** RFC 3339 UTC with milliseconds; never before that of the event before. */
  readonly recordedAt: string;
  readonly actor: Actor;
  readonly reason: string;
  readonly source: Source;
  readonly changesetId: string;
  /** Whether it is the last event of its changeset. */
  readonly last: boolean;
  readonly requestId: string;
  /** The changeset that this one undoes. */
  readonly undoes?: string;
  readonly idempotency?: Idempotency;
}

/** Of an idempotent request: its key and the hash of its body; the last event keeps the warnings for a replay. */
export interface Idempotency {
  readonly key: string;
  /** Hex sha256 of the canonical request. */
  readonly bodyHash: string;
  readonly warnings?: readonly {
    readonly code: string;
    readonly message: string;
    readonly path: string;
    readonly detail?: JsonValue;
  }[];
}

export type RecordedEvent = EventBody & Envelope;

/** The subject of an event: the one thing that it is about. */
export function subjectOf(event: EventBody): string {
  switch (event.type) {
    case 'KeyDefined':
    case 'KeyRetired':
      return keySubject(event.data.key);
    case 'OverrideSet':
    case 'OverrideCleared':
    case 'OverrideWithdrawn':
      return overrideSubject(event.data.key, event.data.scope);
    case 'ModelAdded':
    case 'ModelUpdated':
    case 'ModelPriceChanged':
    case 'ModelPriceCorrected':
    case 'ModelDeprecated':
    case 'ModelReinstated':
    case 'ModelRemoved':
      return modelSubject(event.data.id);
    case 'RevisionTagged':
      return tagSubject(event.data.name);
    case 'ApiKeyCreated':
    case 'ApiKeyRevoked':
      return apiKeySubject(event.data.id);
    case 'WebhookCreated':
    case 'WebhookRemoved':
      return webhookSubject(event.data.id);
    case 'LedgerCreated':
      return ledgerSubject(event.data.name);
    default:
      return event satisfies never;
  }
}

export const keySubject = (key: string): string => `key:${key}`;
export const overrideSubject = (key: string, scope: Scope): string => `override:${key}@${scope}`;
export const modelSubject = (id: string): string => `model:${id}`;
export const tagSubject = (name: string): string => `tag:${name}`;
export const apiKeySubject = (id: string): string => `api-key:${id}`;
export const webhookSubject = (id: string): string => `webhook:${id}`;
export const ledgerSubject = (name: string): string => `ledger:${name}`;
