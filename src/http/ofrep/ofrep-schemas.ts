/** What OFREP 0.3 asks and answers, as schemas. */
import { z } from 'zod';
import { jsonSchema } from '../../domain/change.ts';
import { flagContextSchema } from '../../domain/flag-context.ts';
import { maxRevision, wholeNumber } from '../query-schemas.ts';
import { ofrepErrorCodes } from './ofrep-failure.ts';

export const evaluationRequestSchema = z
  .strictObject({ context: flagContextSchema.exactOptional() })
  .meta({ id: 'OfrepEvaluationRequest' });

export const flagParams = z.strictObject({
  key: z.string().meta({ description: 'A key; a name that can be none is a flag that is not found' }),
});

export const bulkQuery = z.strictObject({
  flagConfigEtag: wholeNumber(0, maxRevision)
    .meta({ description: 'As a notice told it: a revision. This server answers when it has it (bounded).' })
    .exactOptional(),
  flagConfigLastModified: z
    .string()
    .max(100)
    .meta({ description: 'As a notice told it; nothing depends on it' })
    .exactOptional(),
});

const metadataSchema = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));

const evaluationShape = {
  key: z.string(),
  value: jsonSchema,
  reason: z.enum(['STATIC', 'TARGETING_MATCH', 'SPLIT', 'DEFAULT']),
  variant: z.string().meta({
    description:
      'The name of the arm, else the kind of the winning scope: user, tenant, tier, global, fallback',
  }),
  metadata: metadataSchema.meta({
    description:
      'revision, scope, and where there is one validUntil, modelStatus, modelSuccessor, modelSunsetAt',
  }),
};

export const evaluationSchema = z.strictObject(evaluationShape).meta({ id: 'OfrepEvaluation' });

export const bulkSchema = z
  .strictObject({
    flags: z.array(z.strictObject(evaluationShape)).meta({ description: 'All keys, sorted' }),
    metadata: metadataSchema,
    eventStreams: z.array(
      z.strictObject({
        type: z.literal('sse'),
        endpoint: z.strictObject({ requestUri: z.string() }),
        inactivityDelaySec: z.number().int(),
      }),
    ),
  })
  .meta({ id: 'OfrepBulkEvaluation' });

/** In place of a problem. */
export const ofrepFailureAnswer = {
  description: 'A failure, as OFREP tells it',
  content: {
    'application/json': {
      schema: z
        .strictObject({
          key: z.string().exactOptional(),
          errorCode: z.enum(ofrepErrorCodes),
          errorDetails: z.string(),
        })
        .meta({ id: 'OfrepFailure' }),
    },
  },
};
