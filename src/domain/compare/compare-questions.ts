/**
 * Questions about a world of the past and their answers, as types; bound to a pool with the others (questions.ts).
 */
import type { Moment } from '../questions.ts';
import type { SubjectState } from '../subject-state.ts';

export interface CompareReads {
  /**
   * These subjects at a moment, for resolving and looking at from that moment on: overrides have version 0 and only what
   * may hold then or later, models only such prices. What was not there is left out.
   */
  subjectsAt(
    ledger: string,
    moment: Moment,
    subjects: readonly string[],
  ): Promise<ReadonlyMap<string, SubjectState>>;
}
