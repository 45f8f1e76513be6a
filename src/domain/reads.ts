/**
 * Every question that the HTTP side asks of the read models, as one type. Bound to a pool by the composition root.
 */
import type { ArrivalReads } from './arrival.ts';
import type { DeliveryReads } from './background-questions.ts';
import type { BlameReads } from './blame-questions.ts';
import type { CompareReads } from './compare/compare-questions.ts';
import type { DiffReads } from './diff-questions.ts';
import type { LedgerReads } from './questions.ts';
import type { ReplayReads } from './replay-questions.ts';
import type { RestoreReads } from './rollback/restore-questions.ts';
import type { ScheduleReads } from './schedule-questions.ts';
import type { UsageReads } from './usage/usage-questions.ts';

export interface Reads
  extends LedgerReads,
    ArrivalReads,
    BlameReads,
    CompareReads,
    DeliveryReads,
    DiffReads,
    ReplayReads,
    RestoreReads,
    ScheduleReads,
    UsageReads {}
