/** The cells of the status table: what one change comes to, and how a record is walked with its names' types. */
import { expect } from 'vitest';
import type { AnyChange } from '../../src/domain/change.ts';
import { decideAll } from '../../src/domain/decide.ts';
import type { EventType } from '../../src/domain/event.ts';
import type { View } from '../../src/domain/live-state.ts';
import { Failure } from '../../src/failure.ts';
import { now } from './specification.ts';

/** What a change comes to, and the status of the subject after it; a refusal and nothing leave it as it is. */
export type Cell<Status> = readonly [event: EventType, after: Status] | 'nothing' | `refused ${string}`;

export function outcomeOf<Status>(
  view: View,
  change: AnyChange,
  statusIn: (view: View) => Status,
): Cell<Status> {
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

export function entriesOf<Name extends string, Value>(
  record: Readonly<Record<Name, Value>>,
): readonly (readonly [Name, Value])[] {
  return (Object.keys(record) as Name[]).map((name) => [name, record[name]]);
}
