/**
 * What a draft on an old point is decided on: of the ledger as it was, what these changes look at.
 * A moment and changes come in, a state for decideAll goes out: the catalogue, the keys and overrides that the changes
 * name, and all overrides where a rule asks for all, up to a bound. On the head nothing of this is needed.
 */
import type { Change } from '../../domain/change.ts';
import { modelSubject, overrideSubject } from '../../domain/event.ts';
import type { LiveState } from '../../domain/live-state.ts';
import { canonicalModelId } from '../../domain/model-reference.ts';
import type { Moment, OverrideFilter, Page, PageRequest } from '../../domain/questions.ts';
import type { Reads } from '../../domain/reads.ts';
import { contextOfScope, type Scope } from '../../domain/scope.ts';
import type { OverrideAssertion } from '../../domain/subject-state.ts';
import { Failure } from '../../failure.ts';

const projections = ['assertions', 'keys', 'catalogue', 'prices', 'history'];
const pageSize = 1_000;
/** The most models, and the most overrides of a rule that asks for all, that are loaded for a draft. */
const maxLoaded = 10_000;

type DraftReads = Pick<
  Reads,
  'waitFor' | 'stateAt' | 'models' | 'modelsThen' | 'overrides' | 'pricesOfModels' | 'events'
>;

/** Failures: `limited` when the changes look at more than 10,000 overrides or models; `unavailable`. */
export async function draftBase(
  reads: DraftReads,
  ledger: string,
  moment: Moment,
  changes: readonly Change[],
): Promise<LiveState> {
  await reads.waitFor(ledger, moment.asOf, projections);
  const targets = await targetsOf(reads, ledger, changes);
  const asksForAll = changes.some(({ type }) => type === 'removeModel');
  const keys = asksForAll ? undefined : [...new Set(targets.map(({ key }) => key))];
  const contexts = targets.flatMap(({ scope }) => (scope === undefined ? [] : [contextOfScope(scope)]));
  const state = await reads.stateAt(ledger, moment, keys, contexts);
  await putModels(reads, ledger, moment, state, changes);
  const redefined = changes.flatMap((change) =>
    change.type === 'defineKey' && state.key(change.key) !== undefined ? [{ key: change.key }] : [],
  );
  for (const filter of asksForAll ? [{}] : redefined)
    await putOverrides(reads, ledger, moment, state, filter);
  return state;
}

interface Target {
  readonly key: string;
  readonly scope?: Scope;
}

async function targetsOf(
  reads: DraftReads,
  ledger: string,
  changes: readonly Change[],
): Promise<readonly Target[]> {
  const targets: Target[] = changes.filter((change) => 'key' in change);
  const revisions = changes.flatMap((change) =>
    change.type === 'withdrawOverride' ? [change.revision] : [],
  );
  if (revisions.length === 0) return targets;
  const events = await reads.events(ledger, revisions);
  for (const { type, data } of events.values()) {
    if (type === 'OverrideSet' || type === 'OverrideCleared') targets.push(data);
  }
  return targets;
}

/** The whole catalogue, for whose providers are known; with their prices those that the changes name. */
async function putModels(
  reads: DraftReads,
  ledger: string,
  moment: Moment,
  state: LiveState,
  changes: readonly Change[],
): Promise<void> {
  const all = await allPages((page) => reads.models(ledger, moment, {}, page));
  for (const { state: model } of all) state.put(modelSubject(model.id), { ...model, prices: [] });
  const ids = new Set<string>();
  for (const spelling of changes.flatMap(modelsNamedBy)) {
    ids.add(canonicalModelId(spelling, (provider) => state.knowsProvider(provider)));
  }
  const models = await reads.modelsThen(ledger, moment.asOf, [...ids]);
  const prices = await reads.pricesOfModels(ledger, moment.asOf, [...models.keys()]);
  for (const [id, model] of models) state.put(modelSubject(id), { ...model, prices: prices.get(id) ?? [] });
}

function modelsNamedBy(change: Change): readonly string[] {
  if (change.type !== 'addModel') return 'id' in change ? [change.id] : [];
  const { id, provider } = change.model;
  return provider === undefined || id.startsWith(`${provider}/`) ? [id] : [id, `${provider}/${id}`];
}

async function putOverrides(
  reads: DraftReads,
  ledger: string,
  moment: Moment,
  state: LiveState,
  filter: OverrideFilter,
): Promise<void> {
  const records = await allPages((page) => reads.overrides(ledger, moment, filter, page));
  const found = new Map<string, OverrideAssertion[]>();
  for (const { key, scope, assertion } of records) {
    const subject = overrideSubject(key, scope);
    const assertions = found.get(subject);
    if (assertions === undefined) found.set(subject, [assertion]);
    else assertions.push(assertion);
  }
  for (const [subject, assertions] of found) {
    if (state.subject(subject) === undefined) state.put(subject, { version: 0, assertions });
  }
}

async function allPages<T>(ask: (page: PageRequest) => Promise<Page<T>>): Promise<readonly T[]> {
  const items: T[] = [];
  let cursor: string | null = null;
  do {
    const page: Page<T> = await ask({ limit: pageSize, ...(cursor === null ? {} : { cursor }) });
    items.push(...page.items);
    cursor = page.nextCursor;
    if (items.length <= maxLoaded && (cursor === null || items.length < maxLoaded)) continue;
    throw new Failure(
      'limited',
      `on an old point a draft looks at ${maxLoaded} models and overrides at most; make it on the head`,
      { reason: 'draft_too_wide' },
    );
  } while (cursor !== null);
  return items;
}
