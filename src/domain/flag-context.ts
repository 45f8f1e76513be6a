/**
 * An OpenFeature evaluation context as Varve understands it, the same for OFREP on the server and the provider in the SDK.
 * Contexts are open there: Varve reads who is asking (targetingKey, tenant, tier) and nothing else, because it targets by these
 * and never by other attributes.
 */
import { z } from 'zod';
import { type Context, isScopeId, maxScopeIdLength } from './scope.ts';

const idRule = `1 to ${maxScopeIdLength} characters, without control characters`;

/** Not the one of change.ts: that brings what only changes need into the SDK. */
const idSchema = z.string().refine(isScopeId, { error: idRule });

/** An id of a tenant or tier; a whole number counts as it is written: tier 3 is `3`. */
const attributeSchema = z
  .union([idSchema, z.number().int().transform(String)], { error: `${idRule}, or a whole number` })
  .nullish();

export const flagContextSchema = z
  .looseObject({
    targetingKey: idSchema.nullish().meta({ description: `The user: ${idRule}` }),
    tenant: attributeSchema.meta({ description: `${idRule}, or a whole number` }),
    tier: attributeSchema.meta({ description: `${idRule}, or a whole number: tier 3 is "3"` }),
  })
  .meta({
    id: 'OfrepContext',
    description:
      'Who is asking. Other attributes are legal, as OpenFeature contexts are open; resolution does not look at them.',
  });

/** Who is asking, of a context that was checked. Null says as little as nothing at all. */
export function contextOfFlag({
  targetingKey,
  tenant,
  tier,
}: Partial<z.output<typeof flagContextSchema>>): Context {
  return {
    ...(isTold(targetingKey) ? { user: targetingKey } : {}),
    ...(isTold(tenant) ? { tenant } : {}),
    ...(isTold(tier) ? { tier } : {}),
  };
}

function isTold(id: string | null | undefined): id is string {
  return id !== null && id !== undefined;
}
