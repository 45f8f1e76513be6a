/**
 * A models.dev history as changes: a fold over its records from the first line on, one changeset a commit.
 * In: the state of the fold and the records of one commit; out: changes, and what was left out and why.
 * It must never ask what a ledger holds: the changes are a function of the file alone (`upsert`, `orRetireAt`), so that
 * a repeated import sends the same bytes under the same idempotency key and gets its first answers.
 */
import type { Change, ChangeOf } from '../domain/change.ts';
import type { JsonValue } from '../domain/json.ts';
import { isModelId } from '../domain/model-reference.ts';
import {
  type DescribedModel,
  describeModel,
  misplacedIn,
  type PricedModel,
  partOf,
  priceModel,
  priceParts,
  standingOf,
} from './catalogue-facts.ts';
import type { Facts, ImportRecord } from './history-record.ts';

/** What the fold knows at a point of the file. Changed by `changesOf`. */
export interface ImportState {
  /** The facts of every model that stands, by id. */
  readonly standing: Map<string, Facts>;
  /** Ids that ever had a price: when one is added again, what it does not name is taken off. */
  readonly priced: Set<string>;
}

/** Something of the file that went nowhere. */
export interface LeftOut {
  readonly line: number;
  readonly id: string;
  /** Absent when it is the record as a whole. */
  readonly field?: string;
  readonly why: string;
}

export interface MappedRecords {
  readonly changes: Change[];
  readonly leftOut: LeftOut[];
}

type Updates = ChangeOf<'updateModel'>['updates'];

/** The state before the first line. */
export function createImportState(): ImportState {
  return { standing: new Map(), priced: new Set() };
}

/**
 * The changes that some records mean, in their order. Moves the state on; every record of the file must pass through
 * once and in order, also those that a server has taken already.
 */
export function changesOf(state: ImportState, records: readonly ImportRecord[]): MappedRecords {
  const mapped = records.map((record) => mapRecord(state, record));
  return {
    changes: mapped.flatMap(({ changes }) => changes),
    leftOut: mapped.flatMap(({ leftOut }) => leftOut),
  };
}

function mapRecord(state: ImportState, record: ImportRecord): MappedRecords {
  const { line, id, kind, facts } = record;
  if (!isModelId(id)) return { changes: [], leftOut: [{ line, id, why: 'no model can have this id' }] };
  const before = state.standing.get(id);
  if (kind !== 'added' && before === undefined) {
    return { changes: [], leftOut: [{ line, id, why: `${kind}, but no line before has added it` }] };
  }
  const misplaced = misplacedIn(facts).map((item): LeftOut => ({ line, id, ...item }));
  const trimmed = { line, id, field: 'id', why: 'spaces around the id are not part of it' };
  const leftOut = record.isTrimmed ? [trimmed, ...misplaced] : misplaced;
  switch (kind) {
    case 'added':
      return { changes: added(state, record), leftOut };
    case 'changed':
      return { changes: changed(state, record, before ?? new Map()), leftOut };
    case 'removed':
      state.standing.delete(id);
      return { changes: [{ type: 'removeModel', id, orRetireAt: record.at, ...observed(record) }], leftOut };
    default:
      return kind satisfies never;
  }
}

function added(state: ImportState, record: ImportRecord): Change[] {
  const { id, facts } = record;
  const wasPriced = state.priced.has(id);
  remember(state, id, facts);
  const { isDeprecated, status } = standingOf(facts);
  const model = { id, ...describeModel(facts), ...(status === 'beta' ? { status } : {}) };
  const isPriced = wasPriced || state.priced.has(id);
  return [
    { type: 'addModel', model, upsert: true, ...observed(record) },
    ...(isPriced ? [priceChange(record, priceModel(facts), priceParts)] : []),
    ...(isDeprecated ? [deprecation(record)] : []),
  ];
}

function changed(state: ImportState, record: ImportRecord, before: Facts): Change[] {
  const { id } = record;
  const merged = new Map(before);
  for (const [path, value] of record.facts) {
    if (value === null) merged.delete(path);
    else merged.set(path, value);
  }
  remember(state, id, merged);
  const was = standingOf(before);
  const is = standingOf(merged);
  const updates = updatesBetween(describeModel(before), describeModel(merged));
  // A deprecation says nothing about how finished the model is, and its end makes it active.
  const statusBefore = was.isDeprecated ? 'active' : was.status;
  if (!is.isDeprecated && is.status !== statusBefore) updates.status = is.status;
  const named = new Set([...record.facts.keys()].map(partOf));
  const parts = priceParts.filter((part) => named.has(part));
  return [
    ...(was.isDeprecated && !is.isDeprecated ? [reinstatement(record)] : []),
    ...(Object.keys(updates).length > 0
      ? [{ type: 'updateModel', id, updates, ...observed(record) } satisfies Change]
      : []),
    ...(parts.length > 0 ? [priceChange(record, priceModel(merged), parts)] : []),
    ...(is.isDeprecated && !was.isDeprecated ? [deprecation(record)] : []),
  ];
}

function remember(state: ImportState, id: string, facts: Facts): void {
  state.standing.set(id, facts);
  if ([...facts.keys()].some((path) => partOf(path) !== undefined)) state.priced.add(id);
}

/** A price from the moment on at which the source had it; parts that it has no longer become null. */
function priceChange(
  record: ImportRecord,
  price: PricedModel,
  parts: readonly (keyof PricedModel)[],
): Change {
  const pricing: PricedModel = Object.fromEntries(parts.map((part) => [part, price[part] ?? null]));
  return {
    type: 'changePrice',
    id: record.id,
    pricing,
    effectiveFrom: record.at,
    source: `models.dev ${record.commit}`,
    ...observed(record),
  };
}

function deprecation(record: ImportRecord): Change {
  return { type: 'deprecateModel', id: record.id, ...observed(record) };
}

function reinstatement(record: ImportRecord): Change {
  return { type: 'reinstateModel', id: record.id, ...observed(record) };
}

function observed(record: ImportRecord): { observedAt: string } {
  return { observedAt: record.at };
}

/** What an update must name to make one model the other; null removes, and `extra` is named field by field. */
function updatesBetween(before: DescribedModel, after: DescribedModel): Updates {
  const updates: Updates = {};
  if (before.name !== after.name) updates.name = after.name;
  if (before.contextWindow !== after.contextWindow) updates.contextWindow = after.contextWindow;
  if (before.family !== after.family) updates.family = after.family ?? null;
  if (before.outputLimit !== after.outputLimit) updates.outputLimit = after.outputLimit ?? null;
  if (!same(before.modalities, after.modalities)) updates.modalities = after.modalities ?? null;
  if (!same(before.capabilities, after.capabilities)) updates.capabilities = after.capabilities ?? null;
  const extra = extraBetween(before.extra ?? {}, after.extra ?? {});
  if (Object.keys(extra).length > 0) updates.extra = extra;
  return updates;
}

type Extra = NonNullable<DescribedModel['extra']>;

function extraBetween(before: Extra, after: Extra): Record<string, JsonValue> {
  const gone = Object.keys(before).filter((name) => !(name in after));
  const changedOrNew = Object.entries(after).filter(([name, value]) => !same(before[name], value));
  return Object.fromEntries([...gone.map((name) => [name, null] as const), ...changedOrNew]);
}

/** Whether two values of one file are the same; their members keep the order of the file. */
function same(a: JsonValue | object | undefined, b: JsonValue | object | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
