/**
 * The projections that run. A new read model is a migration, a file here and a line below.
 * The cheap ones come first: what stops at an event stops before the work of the others is done in vain.
 */
import type { Projection } from '../src/projector/projection.ts';
import { assertions } from './assertions.ts';
import { catalogue } from './catalogue.ts';
import { changesets } from './changesets.ts';
import { history } from './history.ts';
import { keys } from './keys.ts';
import { prices } from './prices.ts';
import { tags } from './tags.ts';

/** `history` writes `subjects` as well, from the same fold. */
export const projections: readonly Projection[] = [
  tags,
  keys,
  catalogue,
  prices,
  assertions,
  changesets,
  history,
];
