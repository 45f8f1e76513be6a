/**
 * Undo of what was said in one scope: a later change of the same time stands on it, and is its author's.
 */
import { expect, test } from 'vitest';
import { forever } from '../../../src/domain/assertion.ts';
import type { RecordedEvent } from '../../../src/domain/event.ts';
import type { Resolution } from '../../../src/domain/rollback/rollback-plan.ts';
import { undoOverride } from '../../../src/domain/rollback/undo-overrides.ts';
import type { OverrideAssertion } from '../../../src/domain/subject-state.ts';

const now = Date.UTC(2026, 5, 10);
const subject = 'override:app.text@global';

const says = (revision: number, value: string): OverrideAssertion => ({
  revision,
  from: now - 1000 + revision,
  until: forever,
  kind: 'value',
  value,
});
const mine = says(1, 'mine');
const hers = says(2, 'hers');
const his = says(3, 'his');

const herEvent: RecordedEvent = {
  ledger: 'default',
  revision: 2,
  schemaVersion: 1,
  subject,
  version: 2,
  recordedAt: new Date(hers.from).toISOString(),
  actor: { id: 'her', kind: 'person' },
  reason: 'x',
  source: 'api',
  changesetId: '2',
  last: true,
  requestId: 'x',
  type: 'OverrideSet',
  data: { key: 'app.text', scope: 'global', value: 'hers' },
};

const undone = (without: readonly OverrideAssertion[], resolution?: Resolution) =>
  undoOverride(
    { subject, selected: [herEvent], withdrawn: new Map(), without, before: [mine] },
    now,
    resolution,
  );

test.each([undefined, 'keep'] as const)(
  'a later change is left and told as a conflict (resolved: %s)',
  (resolution) => {
    const { wanted, conflicts } = undone([mine, his], resolution);
    expect(wanted).toEqual([mine, his]);
    expect(conflicts).toEqual([{ subject, field: 'value', current: 'his', wanted: 'mine', revision: 3 }]);
  },
);

test('resolved as undo, it goes as well', () => {
  expect(undone([mine, his], 'undo')).toEqual({ wanted: [mine], conflicts: [] });
});

test('without one, what stood before holds again', () => {
  expect(undone([mine])).toEqual({ wanted: [mine], conflicts: [] });
});
