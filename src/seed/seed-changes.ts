/**
 * What a fresh ledger is told first, as changes of one changeset: the catalogue, then the eleven model keys.
 * In: whether the catalogue is wanted; out: changes in an order in which each one can be decided. Pure.
 */
import type { Change } from '../domain/change.ts';
import { seedKeys } from './keys.ts';
import { type SeedModel, seedCatalogue } from './seed-catalogue.ts';

export interface SeedOptions {
  /** Without it the keys still get their fallbacks, as models that no catalogue lists. */
  readonly catalogue: boolean;
}

/** The changes of the first changeset: every model before its deprecation, so that successors exist, then the keys. */
export function seedChanges(options: SeedOptions): Change[] {
  const models = options.catalogue ? seedCatalogue : [];
  const unlisted = options.catalogue ? {} : { allowUnlisted: true };
  return [
    ...models.map(addition),
    ...models.flatMap(deprecation),
    ...seedKeys.map((key): Change => ({ type: 'defineKey', ...key, ...unlisted })),
  ];
}

function addition({ deprecated: _, ...model }: SeedModel): Change {
  return { type: 'addModel', model };
}

function deprecation({ id, deprecated }: SeedModel): Change[] {
  return deprecated === undefined ? [] : [{ type: 'deprecateModel', id, ...deprecated }];
}
