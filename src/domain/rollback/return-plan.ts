/**
 * Back to a point: what each subject that was touched since is to be again, from now on.
 * In: the subjects as they stand and as they were at the point; out: a plan. What was not there then is to be gone.
 */
import type { KeyDefinition } from '../event.ts';
import type { OverrideAssertion } from '../subject-state.ts';
import type { ModelTarget, RestoreTarget } from './restore.ts';
import type { ModelThen, StandingSubject } from './restore-questions.ts';
import { type Covered, partsOf, type Resolution, type RollbackPlan, restingOn } from './rollback-plan.ts';

export interface ReturnMaterial {
  /** The revision of the point. */
  readonly to: number;
  readonly subjects: readonly StandingSubject[];
  /** By subject, what may hold from now on of what was known then. */
  readonly assertions: ReadonlyMap<string, readonly OverrideAssertion[]>;
  readonly definitions: ReadonlyMap<
    string,
    { readonly definition: KeyDefinition; readonly retired: boolean }
  >;
  readonly models: ReadonlyMap<string, ModelThen>;
}

/** `keep` in `resolve` leaves a subject as it is. */
export function planReturn(
  material: ReturnMaterial,
  include: readonly Covered[],
  resolve: Readonly<Record<string, Resolution>>,
): RollbackPlan {
  const subjects = material.subjects.filter(({ subject }) => resolve[subject] !== 'keep');
  return {
    targets: subjects.flatMap((standing) => targetsOf(material, standing, include)),
    undoes: new Map(subjects.map(({ subject, changesetId }) => [subject, changesetId])),
    conflicts: [],
    notes: [],
  };
}

/** What a model is, without the place of its last event. */
function withoutPlace(model: ModelThen | undefined): ModelTarget['wanted'] {
  if (model === undefined) return undefined;
  const { version: _version, revision: _revision, ...wanted } = model;
  return wanted;
}

function targetsOf(
  { to, assertions, definitions, models }: ReturnMaterial,
  standing: StandingSubject,
  include: readonly Covered[],
): readonly RestoreTarget[] {
  const base = restingOn(standing);
  const parts = partsOf(standing.subject);
  switch (parts.kind) {
    case 'override':
      return [{ ...base, ...parts, wanted: assertions.get(standing.subject) ?? [] }];
    case 'key':
      return [{ ...base, ...parts, wanted: definitions.get(parts.key) }];
    case 'model': {
      const { id } = parts;
      const model: RestoreTarget = { ...base, kind: 'model', id, wanted: withoutPlace(models.get(id)) };
      const prices = 'prices' in standing.state ? standing.state.prices : [];
      const wanted = prices.filter(({ revision }) => revision <= to);
      const price: RestoreTarget = { ...base, kind: 'prices', id, wanted };
      return [...(include.includes('models') ? [model] : []), ...(include.includes('prices') ? [price] : [])];
    }
    case 'other':
      return [];
    default:
      return parts satisfies never;
  }
}
