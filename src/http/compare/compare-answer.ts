/**
 * A comparison as clients read it: times as RFC 3339, null for what is not there.
 */
import { z } from 'zod';
import { jsonSchema } from '../../domain/change.ts';
import { formatInstant } from '../../domain/instant.ts';
import type { Resolution } from '../../domain/resolve.ts';
import type { Context } from '../../domain/scope.ts';
import { valueAnswer, valueShape } from '../resolution-answer.ts';
import type { Comparison } from './compare-call.ts';
import type { OpenWorld } from './open-world.ts';

export function comparisonAnswer({ left, right, diff, resolutions, cost, ...rest }: Comparison) {
  return {
    left: pointAnswer(left),
    right: pointAnswer(right),
    diff,
    resolutions: resolutions.map(({ context, key, ...values }) => ({
      context: contextAnswer(context),
      key,
      left: valueOrNull(values.left),
      right: valueOrNull(values.right),
    })),
    resolutionsLeftOut: rest.resolutionsLeftOut,
    contexts: rest.contexts,
    ...(cost === undefined ? {} : { cost }),
    notes: rest.notes,
  };
}

function pointAnswer({ world }: OpenWorld) {
  return { revision: world.asOf, at: formatInstant(world.at) };
}

function contextAnswer({ user, tenant, tier }: Context): Context {
  return {
    ...(user === undefined ? {} : { user }),
    ...(tenant === undefined ? {} : { tenant }),
    ...(tier === undefined ? {} : { tier }),
  };
}

function valueOrNull(resolution: Resolution | undefined) {
  return resolution === undefined ? null : valueAnswer(resolution);
}

const count = z.number().int().nonnegative();
const sidesOf = <S extends z.ZodType>(side: S) => ({ left: side, right: side });
const pointSchema = z
  .strictObject({ revision: count, at: z.string() })
  .meta({ id: 'WorldPoint', description: 'Which moment of which ledger a world came to' });

const dollars = z.string().meta({ description: 'US dollars, a plain decimal, exact' });
const costShape = { ...sidesOf(dollars), difference: dollars.meta({ description: 'Right minus left' }) };
const costsOfNames = z.array(
  z.strictObject({ name: z.string().nullable(), isRest: z.literal(true).optional(), ...costShape }).meta({
    id: 'CostPairOfName',
    description: 'name is null for records that name nothing; isRest marks the sum of all not listed',
  }),
);

const differenceSchema = z.strictObject({
  subject: z.string(),
  field: z.string(),
  before: jsonSchema,
  after: jsonSchema,
  events: z.array(count),
  hasMoreEvents: z.boolean(),
});

const costSchema = z
  .strictObject({
    ...costShape,
    records: count,
    unpriced: z.strictObject(sidesOf(count)),
    byModel: costsOfNames,
    byTenant: costsOfNames,
    byKey: costsOfNames,
    modelDiffers: count.meta({ description: 'Records that use another model on the right than on the left' }),
    modelNotRecorded: z
      .strictObject(sidesOf(count))
      .meta({ description: 'Records that use another model than the one that counted their tokens' }),
  })
  .meta({
    id: 'CostComparison',
    description: 'Each list adds up to the whole, to the last digit; the largest differences first',
  });

const side = z.strictObject(valueShape).nullable().meta({ description: 'null where the key is not defined' });

export const comparisonSchema = z
  .strictObject({
    ...sidesOf(pointSchema),
    diff: z.strictObject({
      items: z.array(differenceSchema),
      isComplete: z.boolean().meta({ description: 'Whether these are all; GET /v1/diff pages through them' }),
    }),
    resolutions: z.array(
      z.strictObject({
        context: z.strictObject({
          user: z.string().optional(),
          tenant: z.string().optional(),
          tier: z.string().optional(),
        }),
        key: z.string(),
        ...sidesOf(side),
      }),
    ),
    resolutionsLeftOut: count,
    contexts: z.strictObject({ known: count.optional(), checked: count }),
    cost: costSchema.optional(),
    notes: z.array(z.strictObject({ code: z.string(), message: z.string() })),
  })
  .meta({ id: 'Comparison', description: 'Swapping the worlds swaps every side and turns every sign' });
