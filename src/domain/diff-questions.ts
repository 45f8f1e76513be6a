/**
 * Questions about differences between two points and their answers, as types; bound to a pool with the others (questions.ts).
 */
import type { FieldChange } from './diff.ts';
import type { Moment, Page, PageRequest } from './questions.ts';
import type { SubjectFilter } from './rollback/restore-questions.ts';

/** One subject, or those of a filter; nothing given is all of them. */
export interface DiffFilter extends SubjectFilter {
  readonly subject?: string;
}

/** Two points in any order; swapped, they swap `before` and `after`. Each `at` is its revision's recorded time or later. */
export interface DiffQuestion {
  readonly from: Moment;
  readonly to: Moment;
  /** Nobody named `to`, it is the head of the moment: the pages of one list then keep that of the first. */
  readonly isOpen: boolean;
  readonly filter: DiffFilter;
}

/** A field of a subject that says something else at the two points (pointViewOf in subject-view.ts tells which there are). */
export interface Difference extends FieldChange {
  readonly subject: string;
  /** Revisions of the subject's events between the points, newest first, at most 100; none where only time has passed. */
  readonly events: readonly number[];
  /** Whether there are older ones between the points. */
  readonly hasMoreEvents: boolean;
}

export interface DifferencePage extends Page<Difference> {
  /** Where the difference ends: as it was asked, or as the first page had it. */
  readonly to: Moment;
}

export interface DiffReads {
  /**
   * What differs, in the order of subjects (by code points) and fields. A page may hold less than its limit, even
   * nothing, and go on. Failure `invalid` for a bad cursor.
   */
  differences(ledger: string, question: DiffQuestion, page: PageRequest): Promise<DifferencePage>;
}
