/**
 * Compares two worlds: what they hold, what resolves differently, and what recorded usage costs in each.
 * In: a checked request; out: the comparison as values of the domain. It reads and appends nothing.
 */
import type { CostComparison } from '../../domain/compare/compare-cost.ts';
import type { ValueDifference } from '../../domain/compare/compare-values.ts';
import { isBeforeDraft, type Sides } from '../../domain/compare/world.ts';
import type { Context } from '../../domain/scope.ts';
import type { LiveLedger } from '../../ledger/live-ledger.ts';
import type { HttpDependencies } from '../dependencies.ts';
import { knownContexts } from './compare-contexts.ts';
import { type WorldsDiff, worldsDiff } from './compare-diff.ts';
import { compareResolutions, keysOfWorlds } from './compare-resolutions.ts';
import { weighUsage } from './compare-usage.ts';
import type { OpenWorld } from './open-world.ts';
import { openWorlds, type WorldWish } from './worlds.ts';

export interface ComparisonWish extends Sides<WorldWish> {
  /** Those that are known when it is left out. */
  readonly contexts?: readonly Context[];
  /** Epoch milliseconds: usage at or after `from` and before `to`. */
  readonly usage?: { readonly from: number; readonly to: number };
}

/** Something that a person should know about a comparison. */
export interface Note {
  /** A stable snake_case word. */
  readonly code: string;
  readonly message: string;
}

export interface Comparison extends Sides<OpenWorld> {
  readonly diff: WorldsDiff;
  readonly resolutions: readonly ValueDifference[];
  readonly resolutionsLeftOut: number;
  readonly contexts: { readonly known?: number; readonly checked: number };
  readonly cost?: CostComparison;
  readonly notes: readonly Note[];
}

/** Names in each list of costs; those beyond are one more entry. */
const maxNames = 1_000;

const sides = ['left', 'right'] as const;

/** Failures: invalid, refused (a draft), limited (too much usage, too wide a draft), unavailable. */
export async function compareWorlds(
  dependencies: HttpDependencies,
  ledger: LiveLedger,
  { left, right, contexts, usage }: ComparisonWish,
): Promise<Comparison> {
  const { reads } = dependencies;
  const worlds = await openWorlds(dependencies, ledger, { left, right });
  const diff = await worldsDiff(reads, ledger.name, worlds);
  const differing = diff.items.map(({ subject }) => subject);
  const asked = contexts ?? (await knownContexts(reads, ledger.name, worlds, differing));
  const values = await compareResolutions(worlds, keysOfWorlds(ledger.state, worlds), asked);
  const scale = usage === undefined ? undefined : await weighUsage(reads, ledger.name, worlds, usage);
  const cost = scale?.answer(maxNames);
  return {
    ...worlds,
    diff,
    resolutions: values.differences,
    resolutionsLeftOut: values.leftOut,
    contexts: { ...(contexts === undefined ? { known: asked.length } : {}), checked: values.checked },
    ...(cost === undefined ? {} : { cost }),
    notes: [...sides.flatMap((side) => notesOfWorld(side, worlds[side])), ...notesOfCost(cost)],
  };
}

function notesOfWorld(side: 'left' | 'right', open: OpenWorld): readonly Note[] {
  const { world } = open;
  const notes: Note[] = [];
  if (world.arm !== undefined && open.armsFound() === 0) {
    notes.push({
      code: 'arm_not_found',
      message: `no allocation that was asked in the ${side} world has an arm ${world.arm}`,
    });
  }
  if (isBeforeDraft(world)) {
    notes.push({
      code: 'before_draft',
      message: `the ${side} world is seen before its draft: overrides and prices that start with it are not in force there`,
    });
  }
  return notes;
}

function notesOfCost(cost: CostComparison | undefined): readonly Note[] {
  if (cost === undefined) return [];
  const notes: Note[] = [];
  const { records, modelDiffers, modelNotRecorded, unpriced } = cost;
  if (modelDiffers > 0) {
    notes.push({
      code: 'models_differ',
      message: `${modelDiffers} of ${records} records use another model on the right than on the left; tokens do not carry over between models, so read their cost as an estimate`,
    });
  }
  for (const side of sides) {
    if (modelNotRecorded[side] > 0) {
      notes.push({
        code: 'model_not_recorded',
        message: `${modelNotRecorded[side]} of ${records} records use another model in the ${side} world than the one that counted their tokens; tokens do not carry over between models`,
      });
    }
    if (unpriced[side] > 0) {
      notes.push({
        code: 'unpriced',
        message: `${unpriced[side]} of ${records} records have no known price in the ${side} world and count nothing there`,
      });
    }
  }
  return notes;
}
