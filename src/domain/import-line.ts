/**
 * One line of an import: a changeset with the key under which it acts once. Parsed when it is handed over, and again
 * when it is worked off.
 */
import { z } from 'zod';
import { changeSchema, maxChanges } from './change.ts';
import { reasonSchema } from './reason.ts';

/** What is said of a changeset in an import. */
export const importedChangesetSchema = z.strictObject({
  reason: reasonSchema,
  changes: z.array(changeSchema).min(1).max(maxChanges),
});

export const importLineSchema = importedChangesetSchema.extend({
  idempotencyKey: z
    .string()
    .regex(/^[\x20-\x7e]{1,200}$/, { error: '1 to 200 printable ASCII characters' })
    .meta({ description: 'Acts once, also across imports and with POST /v1/changesets' }),
});

export type ImportedChangeset = z.output<typeof importedChangesetSchema>;
