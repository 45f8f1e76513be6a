/**
 * The eleven model keys that every fresh ledger defines, with their fallbacks.
 * Facts of the design note on runtime configuration (hierarchy user > tenant > tier > global > fallback); data only.
 */
import type { ChangeOf } from '../domain/change.ts';
import { modelKeys } from '../domain/model-keys.ts';

/** A model key as a fresh ledger defines it. */
export type SeedKey = Omit<ChangeOf<'defineKey'>, 'type'>;

/** The eleven keys, in the order of the note. */
export const seedKeys: readonly SeedKey[] = Object.entries(modelKeys).map(
  ([key, { provider, model, description }]) => ({
    key,
    valueType: 'model',
    fallback: `${provider}/${model}`,
    defaultProvider: provider,
    description,
  }),
);
