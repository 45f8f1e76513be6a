/**
 * Histories to order, where a random one (histories.ts) would not do: so many events, in changesets of such a size.
 * Revisions come in, whole changesets of RecordedEvents go out.
 */
import type { EventBody, RecordedEvent } from '../../src/domain/event.ts';
import { subjectOf } from '../../src/domain/event.ts';
import { formatInstant } from '../../src/domain/instant.ts';
import { schemaVersionOf } from '../../src/domain/upcast.ts';
import type { History } from './histories.ts';

const start = Date.UTC(2026, 0, 1);

/** Overrides of different users, `size` to a changeset, from a revision on. */
export function overridesOf(count: number, size = 1, from = 1): History {
  const history: RecordedEvent[][] = [];
  for (let revision = from; revision < from + count; revision += 1) {
    const isFirst = (revision - from) % size === 0;
    const last = (revision - from + 1) % size === 0 || revision === from + count - 1;
    const data = {
      key: 'ai.planner.model',
      scope: `user:u-${revision}`,
      value: `value ${revision % 7}`,
    } as const;
    const event = recorded(
      { type: 'OverrideSet', data },
      { revision, last, changeset: from + Math.floor((revision - from) / size) },
    );
    if (isFirst) history.push([event]);
    else history.at(-1)?.push(event);
  }
  return history;
}

/** A changeset that names a revision (1 when absent); `version` above 1 for a name that is given again. */
export function tagged(revision: number, name: string, of = 1, version = 1): History[number] {
  return [
    recorded(
      { type: 'RevisionTagged', data: { name, revision: of } },
      { revision, version, changeset: revision },
    ),
  ];
}

function recorded(
  body: EventBody,
  place: {
    readonly revision: number;
    readonly changeset: number;
    readonly last?: boolean;
    readonly version?: number;
  },
): RecordedEvent {
  return {
    ...body,
    ledger: 'default',
    revision: place.revision,
    schemaVersion: schemaVersionOf(body.type),
    subject: subjectOf(body),
    version: place.version ?? 1,
    recordedAt: formatInstant(start + place.revision * 1000),
    actor: { id: 'ci', kind: 'api_key' },
    reason: 'Because of a test',
    source: 'api',
    changesetId: `0198c0de-0000-7000-8000-${String(place.changeset).padStart(12, '0')}`,
    last: place.last ?? true,
    requestId: `request-${place.changeset}`,
  };
}
