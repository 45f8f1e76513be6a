/**
 * Questions about what will change when, by itself, and their answers, as types; bound to a pool with the others
 * (questions.ts). Times are epoch milliseconds.
 */
import type { HistoryItem, Moment, Page, PageRequest } from './questions.ts';
import type { Scope } from './scope.ts';
import type { OverrideAssertion, PriceAssertion } from './subject-state.ts';
import type { TurnKind } from './turns.ts';

/** A stretch of time: after one moment, up to another (included). What changes in it leads from the one to the other. */
export interface Stretch {
  readonly after: number;
  readonly until: number;
}

/** A turn is about an override or about a model; asking for both asks for nothing. */
export interface ScheduleFilter {
  readonly kind?: TurnKind;
  readonly key?: string;
  readonly scope?: Scope;
  readonly model?: string;
}

interface Turn {
  readonly at: number;
  /** Of the event that said it; no other turn of the same time has it. */
  readonly revision: number;
  readonly event: HistoryItem;
}

/** What a statement turns in its layer: what held just before, and what holds from then on. */
interface StatementTurn<A> extends Turn {
  readonly from: number;
  /** `forever` when it has no end. */
  readonly until: number;
  readonly before?: A;
  readonly after?: A;
  /** Another statement, that starts later or was said later, covers the moment: nothing changes. */
  readonly isShadowed: boolean;
}

export interface OverrideTurn extends StatementTurn<OverrideAssertion> {
  readonly kind: 'activation' | 'expiry';
  readonly key: string;
  readonly scope: Scope;
}

export interface PriceTurn extends StatementTurn<PriceAssertion> {
  readonly kind: 'price';
  readonly model: string;
}

export interface SunsetTurn extends Turn {
  readonly kind: 'sunset';
  readonly model: string;
  readonly successor?: string;
}

export type ScheduledTurn = OverrideTurn | PriceTurn | SunsetTurn;

export interface ScheduleReads {
  /**
   * What changes by itself in a stretch of time, as known at `moment.asOf`, by time, then revision. Only what was said
   * before it happens; what was taken back is left out. Failure `invalid` for a bad cursor.
   */
  schedule(
    ledger: string,
    asOf: Moment['asOf'],
    stretch: Stretch,
    filter: ScheduleFilter,
    page: PageRequest,
  ): Promise<Page<ScheduledTurn>>;
}
