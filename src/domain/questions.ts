/**
 * Questions to the read models and their answers, as types: what queries/ answers and http/ asks.
 * Times are epoch milliseconds; revisions are numbers; everything is about one ledger.
 */
import type { EventType, KeyDefinition, RecordedEvent } from './event.ts';
import type { FieldChange } from './field-changes.ts';
import type { LiveState } from './live-state.ts';
import type { Pricing } from './pricing.ts';
import type { Context, Scope, ScopeKind } from './scope.ts';
import type { ModelState, OverrideAssertion } from './subject-state.ts';

/** A point on both clocks: what the ledger held at a revision, asked about a time. */
export interface Moment {
  readonly asOf: number;
  readonly at: number;
}

export interface PageRequest {
  /** 1–1000. */
  readonly limit: number;
  /** From the answer before; a bad one is Failure `invalid`. */
  readonly cursor?: string;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | null;
}

/** An event with the fields that it changed. */
export type HistoryItem = RecordedEvent & { readonly changes: readonly FieldChange[] };

export interface HistoryFilter {
  readonly subject?: string;
  readonly key?: string;
  readonly scope?: Scope;
  readonly model?: string;
  readonly actor?: string;
  readonly type?: EventType;
  readonly changeset?: string;
  /** Recorded at or after. */
  readonly from?: number;
  /** Recorded before. */
  readonly to?: number;
  /** Words of the changeset's reason, actor and subjects. */
  readonly q?: string;
  /** Only events up to this revision. */
  readonly asOf?: number;
}

export interface KeyRecord extends KeyDefinition {
  readonly version: number;
  readonly revision: number;
  readonly retired: boolean;
}

export interface OverrideRecord {
  readonly key: string;
  readonly scope: Scope;
  readonly assertion: OverrideAssertion;
  /** `in_force` at the asked moment, or `scheduled` to start after it. */
  readonly state: 'in_force' | 'scheduled';
  /** The subject's version, for If-Match. */
  readonly version: number;
}

export interface OverrideFilter {
  readonly key?: string;
  readonly scope?: Scope;
  readonly kind?: ScopeKind;
}

export interface ModelFilter {
  readonly status?: string;
  readonly provider?: string;
  readonly capability?: string;
  readonly q?: string;
}

/** A model as it was known, with the price in force at the asked moment. */
export interface ModelRecord {
  readonly state: Omit<ModelState, 'prices'>;
  readonly pricing: Pricing | null;
}

export interface PriceRecord {
  readonly revision: number;
  readonly kind: 'added' | 'changed' | 'corrected';
  readonly pricing: Pricing;
  readonly effectiveFrom: number;
  readonly effectiveUntil: number | null;
  readonly recordedAt: number;
  readonly source: string | null;
  readonly corrects: number | null;
}

export interface ChangesetRecord {
  readonly changesetId: string;
  readonly firstRevision: number;
  readonly lastRevision: number;
  readonly recordedAt: number;
  readonly actor: string;
  readonly via: string | null;
  readonly reason: string;
  readonly source: string;
  readonly requestId: string;
  readonly undoes: string | null;
}

export interface TagRecord {
  readonly name: string;
  readonly revision: number;
  readonly taggedAt: number;
}

export interface ProjectionStatus {
  readonly name: string;
  readonly version: number;
  readonly revision: number;
  readonly state: 'running' | 'stopped' | 'rebuilding';
  readonly error: string | null;
}

/** Questions about one ledger: what it holds, held and did. */
export interface LedgerReads {
  /** Waits (bounded) until the named tables hold the revision; Failure `unavailable` when they do not get there. */
  waitFor(ledger: string, revision: number, projections: readonly string[]): Promise<void>;
  /** The last revision recorded at or before a time; 0 when there is none. */
  revisionAt(ledger: string, time: number): Promise<number>;
  /** When a revision was recorded; undefined when there is no such revision. */
  recordedAt(ledger: string, revision: number): Promise<number | undefined>;
  /** Just enough of the past, as a state that resolve() takes: these keys (all when absent) for these contexts. */
  stateAt(
    ledger: string,
    moment: Moment,
    keys: readonly string[] | undefined,
    contexts: readonly Context[],
  ): Promise<LiveState>;
  /** Every layer of one key for explaining: up to 100 assertions a scope, the withdrawn ones left out, newest start first. */
  layersAt(
    ledger: string,
    asOf: number,
    key: string,
    scopes: readonly Scope[],
  ): Promise<ReadonlyMap<Scope, readonly OverrideAssertion[]>>;
  /** The events behind revisions; unknown ones are left out. */
  events(ledger: string, revisions: readonly number[]): Promise<ReadonlyMap<number, HistoryItem>>;
  history(ledger: string, filter: HistoryFilter, page: PageRequest): Promise<Page<HistoryItem>>;
  /** All of it, newest first, in bounded memory. */
  historyStream(ledger: string, filter: HistoryFilter): AsyncIterable<HistoryItem>;
  changeset(
    ledger: string,
    id: string,
  ): Promise<{ record: ChangesetRecord; events: readonly HistoryItem[] } | undefined>;
  keys(ledger: string, asOf: number, page: PageRequest): Promise<Page<KeyRecord>>;
  key(ledger: string, asOf: number, key: string): Promise<KeyRecord | undefined>;
  overrides(
    ledger: string,
    moment: Moment,
    filter: OverrideFilter,
    page: PageRequest,
  ): Promise<Page<OverrideRecord>>;
  models(ledger: string, moment: Moment, filter: ModelFilter, page: PageRequest): Promise<Page<ModelRecord>>;
  model(ledger: string, moment: Moment, id: string): Promise<ModelRecord | undefined>;
  modelHistory(ledger: string, asOf: number, id: string, page: PageRequest): Promise<Page<HistoryItem>>;
  prices(ledger: string, asOf: number, id: string): Promise<readonly PriceRecord[]>;
  tags(ledger: string, asOf: number, page: PageRequest): Promise<Page<TagRecord>>;
  projections(ledger: string): Promise<readonly ProjectionStatus[]>;
}
