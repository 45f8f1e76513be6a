/** The cells of the status table: what one change comes to, and how a record is walked with its names' types. */
import { expect, test } from 'vitest';
import type { AnyChange } from '../../src/domain/change.ts';
import { decideAll } from '../../src/domain/decide.ts';
import type { EventBody, EventType } from '../../src/domain/event.ts';
import type { View } from '../../src/domain/live-state.ts';
import { Failure } from '../../src/failure.ts';
import { fold, now } from './specification.ts';

/** What a change comes to, and the status of the subject after it; a refusal and nothing leave it as it is. */
export type Cell<Status> = readonly [event: EventType, after: Status] | 'nothing' | `refused ${string}`;

function outcomeOf<Status>(view: View, change: AnyChange, statusIn: (view: View) => Status): Cell<Status> {
  try {
    const { events, overlay } = decideAll(view, [change], now, 'api');
    const [first, ...others] = events;
    expect(others).toStrictEqual([]);
    return first === undefined ? 'nothing' : [first.body.type, statusIn(overlay)];
  } catch (error) {
    if (error instanceof Failure && error.code === 'refused') return `refused ${error.reason ?? ''}`;
    throw error;
  }
}

function entriesOf<Name extends string, Value>(
  record: Readonly<Record<Name, Value>>,
): readonly (readonly [Name, Value])[] {
  return (Object.keys(record) as Name[]).map((name) => [name, record[name]]);
}

type AnyChangeType = AnyChange['type'];
export type Subject = 'model' | 'key' | 'tag' | 'apiKey' | 'webhook' | 'ledger';

/** Which subjects' status a change depends on. */
const subjects = {
  defineKey: ['key', 'model'],
  retireKey: ['key'],
  setOverride: ['key', 'model'],
  clearOverride: ['key'],
  withdrawOverride: ['key'],
  addModel: ['model'],
  updateModel: ['model'],
  changePrice: ['model'],
  correctPrice: ['model'],
  deprecateModel: ['model'],
  reinstateModel: ['model'],
  removeModel: ['model'],
  tagRevision: ['tag'],
  createApiKey: ['apiKey'],
  revokeApiKey: ['apiKey'],
  createWebhook: ['webhook'],
  removeWebhook: ['webhook'],
  createLedger: ['ledger'],
  // About many subjects at once, each brought to a state: decide-restore.test.ts.
  restore: [],
} as const satisfies Readonly<Record<AnyChangeType, readonly Subject[]>>;

type About<S extends Subject> = {
  [T in AnyChangeType]: S extends (typeof subjects)[T][number] ? T : never;
}[AnyChangeType];

export interface Table<S extends Subject, Status extends string> {
  readonly given: Readonly<Record<Status, readonly EventBody[]>>;
  readonly when: Readonly<Record<About<S>, AnyChange>>;
  readonly outcomes: Readonly<Record<Status, Readonly<Record<About<S>, Cell<Status>>>>>;
  readonly statusIn: (view: View) => Status;
}

/** One test a cell. */
export function run<S extends Subject, Status extends string>(
  { given, when, outcomes, statusIn }: Table<S, Status>,
  around: readonly EventBody[] = [],
): void {
  for (const [status, row] of entriesOf(outcomes)) {
    for (const [type, cell] of entriesOf(row)) {
      const change: AnyChange = when[type];
      test(`${status}: ${type} → ${[cell].flat().join(', then ')}`, () => {
        const view = fold(...given[status], ...around);
        expect(statusIn(view)).toBe(status);
        expect(change.type).toBe(type);
        expect(outcomeOf(view, change, statusIn)).toStrictEqual(cell);
      });
    }
  }
}
