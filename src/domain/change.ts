/**
 * Changes: what somebody wishes, as parsed from outside input. Deciders turn them into events or refuse.
 * The schemas are the only door: what they let through is well-formed, and the OpenAPI document is made of them.
 */
import { z } from 'zod';
import type { WebhookType } from './event.ts';
import { formatInstant, parseInstant } from './instant.ts';
import type { JsonValue } from './json.ts';
import { describeBadKey, isKey, maxKeyLength } from './key.ts';
import { isProvider, maxModelIdLength } from './model-reference.ts';
import { pricingPatchSchema } from './pricing.ts';
import type { RestoreChange } from './rollback/restore.ts';
import { isPrintable, isScopeId, parseScope, type Scope, scopeKinds } from './scope.ts';

/** The most changes in one changeset. */
export const maxChanges = 10_000;

const named = (name: string, description: string) => ({ id: name, description });

export const keySchema = z
  .string()
  .refine(isKey, { error: (issue) => describeBadKey(String(issue.input)) })
  .meta(named('Key', `Dotted snake_case, at most ${maxKeyLength} characters: ai.planner.model`));

export const scopeSchema = z
  .string()
  .refine((text) => parseScope(text) !== undefined, {
    error: 'a scope is global, tier:<id>, tenant:<id> or user:<id>, the id 1 to 200 printable characters',
  })
  .transform((text) => text as Scope)
  .meta(named('Scope', 'global, tier:<id>, tenant:<id> or user:<id>'));

/** An RFC 3339 time, brought to UTC with milliseconds. */
export const instantSchema = z
  .string()
  .refine((text) => parseInstant(text) !== undefined, {
    error: 'a time is RFC 3339 with at most milliseconds, like 2026-03-01T09:30:00.000Z',
  })
  .transform((text) => formatInstant(parseInstant(text) ?? 0))
  .meta(named('Time', 'RFC 3339, at most milliseconds; answered in UTC'));

/** Any JSON value; the parser has checked already that it is one. */
export const jsonSchema = z
  .custom<JsonValue>((value) => value !== undefined, 'a value is missing')
  .meta(named('Json', 'Any JSON value'));

export const modelIdSchema = text(maxModelIdLength).meta(
  named('ModelId', 'provider/model; provider:model is understood too where the catalogue knows the provider'),
);

/** A name that people read and programs compare: printable, 1 to `max` characters. */
export function text(max: number) {
  return z
    .string()
    .min(1)
    .max(max)
    .refine(isPrintable, { error: 'control characters and broken Unicode are not allowed' });
}

/** Prose: as `text`, with line breaks and tabs. */
export function prose(max: number) {
  return z
    .string()
    .max(max)
    .refine((value) => isPrintable(value.replace(/[\n\r\t]/g, ' ')), {
      error: 'control characters and broken Unicode are not allowed',
    });
}

const nonNegativeInteger = z.number().int().nonnegative();
const interval = {
  effectiveFrom: instantSchema.exactOptional(),
  effectiveUntil: instantSchema.exactOptional(),
};
const observed = { observedAt: instantSchema.exactOptional() };

const revisionSchema = z.number().int().positive();

export const allocationSchema = z
  .strictObject({
    unit: z.enum(['user', 'tenant']),
    share: z.number().int().min(0).max(10_000),
    salt: text(200).exactOptional(),
    arms: z
      .array(
        z.strictObject({ name: text(100), value: jsonSchema, weight: z.number().int().min(1).max(10_000) }),
      )
      .min(1)
      .max(100)
      .refine((arms) => new Set(arms.map((arm) => arm.name)).size === arms.length, {
        error: 'the names of the arms must differ',
      }),
  })
  .meta(named('Allocation', 'A share of the units, in hundredths of a percent, split over arms by weight'));

export const valueTypes = ['model', 'string', 'number', 'integer', 'boolean', 'object', 'secret'] as const;

const words = z.array(text(64)).max(50);
const extraSchema = z.record(text(100), jsonSchema).refine((extra) => Object.keys(extra).length <= 200, {
  error: 'at most 200 extra fields',
});

const modelFieldSchemas = {
  name: text(200),
  family: text(200),
  description: prose(4_000),
  contextWindow: nonNegativeInteger,
  outputLimit: nonNegativeInteger,
  modalities: z.strictObject({ input: words.exactOptional(), output: words.exactOptional() }),
  capabilities: words,
};

export const modelInputSchema = z
  .strictObject({
    id: modelIdSchema,
    provider: z
      .string()
      .refine(isProvider, { error: 'a provider is lower case letters, digits, . _ -, at most 64' })
      .exactOptional(),
    name: modelFieldSchemas.name,
    family: modelFieldSchemas.family.exactOptional(),
    description: modelFieldSchemas.description.exactOptional(),
    contextWindow: modelFieldSchemas.contextWindow,
    outputLimit: modelFieldSchemas.outputLimit.exactOptional(),
    modalities: modelFieldSchemas.modalities.exactOptional(),
    capabilities: modelFieldSchemas.capabilities.exactOptional(),
    pricing: pricingPatchSchema.exactOptional(),
    status: z.enum(['active', 'beta', 'deprecated', 'retired']).exactOptional(),
    extra: extraSchema.exactOptional(),
  })
  .meta(named('ModelInput', 'A model as it is added'));

export const modelUpdatesSchema = z
  .strictObject({
    name: modelFieldSchemas.name.exactOptional(),
    family: modelFieldSchemas.family.nullable().exactOptional(),
    description: modelFieldSchemas.description.nullable().exactOptional(),
    contextWindow: modelFieldSchemas.contextWindow.exactOptional(),
    outputLimit: modelFieldSchemas.outputLimit.nullable().exactOptional(),
    modalities: modelFieldSchemas.modalities.nullable().exactOptional(),
    capabilities: modelFieldSchemas.capabilities.nullable().exactOptional(),
    status: z.enum(['active', 'beta']).exactOptional(),
    extra: extraSchema.nullable().exactOptional(),
    pricing: pricingPatchSchema.exactOptional(),
  })
  .meta(named('ModelUpdates', 'Fields to replace; null removes one; extra is merged name by name'));

const keyDefinitionShape = {
  key: keySchema,
  valueType: z.enum(valueTypes),
  fallback: jsonSchema,
  description: prose(4_000).exactOptional(),
  defaultProvider: z.string().refine(isProvider, { error: 'not the name of a provider' }).exactOptional(),
  schema: jsonSchema.exactOptional(),
  scopes: z.array(z.enum(scopeKinds)).min(1).max(scopeKinds.length).exactOptional(),
};

const overrideTarget = { key: keySchema, scope: scopeSchema };
const overrideOptions = { ...interval, replaceScheduled: z.boolean().exactOptional() };

/** Every change that `POST /v1/changesets` takes. */
export const changeSchema = z
  .discriminatedUnion('type', [
    z.strictObject({
      type: z.literal('defineKey'),
      ...keyDefinitionShape,
      allowUnlisted: z.boolean().exactOptional(),
    }),
    z.strictObject({ type: z.literal('retireKey'), key: keySchema }),
    z.strictObject({
      type: z.literal('setOverride'),
      ...overrideTarget,
      value: jsonSchema.exactOptional(),
      allocation: allocationSchema.exactOptional(),
      ...overrideOptions,
      allowUnlisted: z.boolean().exactOptional(),
    }),
    z.strictObject({ type: z.literal('clearOverride'), ...overrideTarget, ...overrideOptions }),
    z.strictObject({ type: z.literal('withdrawOverride'), revision: revisionSchema }),
    z.strictObject({
      type: z.literal('addModel'),
      model: modelInputSchema,
      upsert: z.boolean().exactOptional(),
      ...observed,
    }),
    z.strictObject({
      type: z.literal('updateModel'),
      id: modelIdSchema,
      updates: modelUpdatesSchema,
      ...observed,
    }),
    z.strictObject({
      type: z.literal('changePrice'),
      id: modelIdSchema,
      pricing: pricingPatchSchema,
      effectiveFrom: instantSchema.exactOptional(),
      source: text(500).exactOptional(),
      ...observed,
    }),
    z.strictObject({
      type: z.literal('correctPrice'),
      id: modelIdSchema,
      pricing: pricingPatchSchema,
      effectiveFrom: instantSchema,
      effectiveUntil: instantSchema.exactOptional(),
      source: text(500).exactOptional(),
      ...observed,
    }),
    z.strictObject({
      type: z.literal('deprecateModel'),
      id: modelIdSchema,
      successor: modelIdSchema.exactOptional(),
      sunsetAt: instantSchema.exactOptional(),
      ...observed,
    }),
    z.strictObject({ type: z.literal('reinstateModel'), id: modelIdSchema, ...observed }),
    z.strictObject({
      type: z.literal('removeModel'),
      id: modelIdSchema,
      orRetireAt: instantSchema.exactOptional(),
      ...observed,
    }),
    z.strictObject({
      type: z.literal('tagRevision'),
      name: text(100).refine((name) => /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name), {
        error: 'a tag is letters, digits, dots, dashes and underscores',
      }),
      revision: z.number().int().nonnegative().exactOptional(),
    }),
  ])
  .meta(named('Change', 'One change; a changeset holds 1 to 10,000'));

export type Change = z.output<typeof changeSchema>;
export type ChangeType = Change['type'];
export type ChangeOf<T extends ChangeType> = Extract<Change, { type: T }>;

/** Changes that have doors of their own (API keys, webhooks, ledgers) and are not taken in a changeset. */
export type AdministrativeChange =
  | {
      readonly type: 'createApiKey';
      readonly id: string;
      readonly name: string;
      readonly role: 'admin' | 'operator' | 'auditor' | 'service';
      readonly trusted: boolean;
    }
  | { readonly type: 'revokeApiKey'; readonly id: string }
  | {
      readonly type: 'createWebhook';
      readonly id: string;
      readonly url: string;
      readonly types: readonly WebhookType[];
      readonly description?: string;
    }
  | { readonly type: 'removeWebhook'; readonly id: string }
  | { readonly type: 'createLedger'; readonly name: string; readonly description?: string };

export type AnyChange = Change | AdministrativeChange | RestoreChange;

/** Whether a text may be a user, tenant or tier in a context; re-exported for the schemas of requests. */
export const scopeIdSchema = z.string().refine(isScopeId, {
  error: 'an id is 1 to 200 characters without control characters',
});
