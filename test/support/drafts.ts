/**
 * Drafts of events with the fields that a specification does not care about filled in.
 * What a test is about stands in the test; nothing here is asserted.
 */
import type { Allocation } from '../../src/domain/allocation.ts';
import type {
  DataOf,
  EffectiveInterval,
  EventBody,
  KeyDefinition,
  ModelStatus,
} from '../../src/domain/event.ts';
import type { JsonValue } from '../../src/domain/json.ts';
import type { Pricing } from '../../src/domain/pricing.ts';
import type { Scope } from '../../src/domain/scope.ts';

/** A key of type string, unless said otherwise. */
export function keyDefined(key: string, definition: Partial<KeyDefinition> = {}): EventBody {
  return { type: 'KeyDefined', data: { key, valueType: 'string', fallback: 'fallback', ...definition } };
}

/** A key of type model whose fallback is `openai/gpt-4o`. */
export function modelKeyDefined(key: string, definition: Partial<KeyDefinition> = {}): EventBody {
  return keyDefined(key, { valueType: 'model', fallback: 'openai/gpt-4o', ...definition });
}

export function keyRetired(key: string): EventBody {
  return { type: 'KeyRetired', data: { key } };
}

export function overrideSet(
  key: string,
  scope: Scope,
  value: JsonValue,
  interval: EffectiveInterval = {},
): EventBody {
  return { type: 'OverrideSet', data: { key, scope, ...interval, value } };
}

export function allocationSet(
  key: string,
  scope: Scope,
  allocation: Allocation,
  interval: EffectiveInterval = {},
): EventBody {
  return { type: 'OverrideSet', data: { key, scope, ...interval, allocation } };
}

export function overrideCleared(key: string, scope: Scope, interval: EffectiveInterval = {}): EventBody {
  return { type: 'OverrideCleared', data: { key, scope, ...interval } };
}

export function overrideWithdrawn(key: string, scope: Scope, revision: number): EventBody {
  return { type: 'OverrideWithdrawn', data: { key, scope, revision } };
}

export interface ModelOptions {
  readonly status?: ModelStatus;
  readonly pricing?: Pricing;
}

/** A model with a context window of 128,000 tokens whose name is its id. */
export function modelAdded(id: string, { status = 'active', pricing }: ModelOptions = {}): EventBody {
  const model = { name: id, contextWindow: 128_000, status };
  return { type: 'ModelAdded', data: { id, model, ...(pricing === undefined ? {} : { pricing }) } };
}

export function modelDeprecated(id: string, data: Omit<DataOf<'ModelDeprecated'>, 'id'> = {}): EventBody {
  return { type: 'ModelDeprecated', data: { id, ...data } };
}

export function modelReinstated(id: string): EventBody {
  return { type: 'ModelReinstated', data: { id } };
}

export function modelRemoved(id: string): EventBody {
  return { type: 'ModelRemoved', data: { id } };
}

export function priceChanged(id: string, pricing: Pricing, effectiveFrom?: string): EventBody {
  const start = effectiveFrom === undefined ? {} : { effectiveFrom };
  return { type: 'ModelPriceChanged', data: { id, pricing, ...start } };
}

export function webhookCreated(id: string, data: Partial<DataOf<'WebhookCreated'>> = {}): EventBody {
  return { type: 'WebhookCreated', data: { id, url: 'https://example.com/hook', types: ['*'], ...data } };
}

export function apiKeyCreated(id: string, data: Partial<DataOf<'ApiKeyCreated'>> = {}): EventBody {
  return { type: 'ApiKeyCreated', data: { id, name: id, role: 'operator', trusted: false, ...data } };
}
