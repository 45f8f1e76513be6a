/**
 * The questions of the time machine, for an assembly without a database: there is none to ask. Their routes are tested on
 * the whole product; here they only have to be there, so that bad requests and roles are tested with the others.
 */
import type { DiffReads } from '../../src/domain/diff-questions.ts';
import type { RestoreReads } from '../../src/domain/restore-questions.ts';
import type { ScheduleReads } from '../../src/domain/schedule-questions.ts';
import type { UsageReads } from '../../src/domain/usage-questions.ts';

export function timeMachineReads(): DiffReads & RestoreReads & UsageReads & ScheduleReads {
  return {};
}
