/**
 * The catalogue that a fresh ledger starts with: catalogue.json, checked when it is loaded.
 * Where its facts come from is in SOURCES.md. Read-only; what becomes of it in a ledger is the ledger's affair.
 */
import { z } from 'zod';
import { instantSchema, modelIdSchema, modelInputSchema } from '../domain/change.ts';
import { isModelId } from '../domain/model-reference.ts';
import fixture from './catalogue.json' with { type: 'json' };

const seedModelSchema = z
  .strictObject({
    ...modelInputSchema.shape,
    provider: z.string(),
    status: z.enum(['active', 'beta']).exactOptional(),
    deprecated: z
      .strictObject({ successor: modelIdSchema.exactOptional(), sunsetAt: instantSchema.exactOptional() })
      .exactOptional(),
  })
  .refine((model) => isModelId(model.id) && model.id.startsWith(`${model.provider}/`), {
    error: 'an id is provider/model, with the provider that is named',
  });

const seedCatalogueSchema = z.array(seedModelSchema).superRefine((models, context) => {
  const ids = new Set(models.map((model) => model.id));
  if (ids.size < models.length) context.addIssue({ code: 'custom', message: 'an id stands there twice' });
  for (const { id, deprecated } of models) {
    const successor = deprecated?.successor;
    if (successor !== undefined && !ids.has(successor)) {
      context.addIssue({ code: 'custom', message: `the successor of ${id} is not in the catalogue` });
    }
  }
});

/** A model as `addModel` takes it, and its deprecation where one is known. */
export type SeedModel = z.output<typeof seedModelSchema>;

/** Every model of the fixture. A fixture that breaks its schema ends the start. */
export const seedCatalogue: readonly SeedModel[] = seedCatalogueSchema.parse(fixture);
