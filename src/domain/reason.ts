/**
 * The reason of a changeset: every event says why.
 */
import { prose } from './change.ts';

/** Why: 1–1000 characters that say something. */
export const reasonSchema = prose(1_000)
  .refine((reason) => reason.trim() !== '', { error: 'a reason of 1 to 1000 characters is required' })
  .meta({ minLength: 1, maxLength: 1_000, description: 'Why; kept for ever' });
