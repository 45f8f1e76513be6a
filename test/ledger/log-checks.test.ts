/**
 * What is looked at in a log in passing: nothing is found in random good histories, and each kind of fault is named where
 * it is.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeEvent } from '../../src/ledger/event-codec.ts';
import type { StoredEvent } from '../../src/ledger/ledger.ts';
import { createLogChecker } from '../../src/ledger/log-checks.ts';
import { histories } from '../support/histories.ts';
import { overridesOf } from '../support/told-events.ts';

/** Revisions 1–3, 4–6, 7–9, 10: four changesets, each of one moment. */
const good = overridesOf(10, 3).flatMap((changeset) => {
  const { recordedAt = '' } = changeset[0] ?? {};
  return changeset.map((event) => encodeEvent({ ...event, recordedAt }));
});

function check(events: readonly StoredEvent[], head = events.at(-1)?.revision ?? 0): readonly string[] {
  const told: string[] = [];
  const checker = createLogChecker('default', (name, revision, what) =>
    told.push(`${name} ${revision}: ${what}`),
  );
  for (const event of events) checker.take(event);
  checker.end({ revision: head, recordedAt: 0 });
  return told;
}

/** The good log with one event changed. */
function changed(revision: number, change: (event: StoredEvent) => StoredEvent): readonly StoredEvent[] {
  return good.map((event) => (event.revision === revision ? change(event) : event));
}

const said = (revision: number, from: string | RegExp, to: string) =>
  changed(revision, (event) => {
    const bytes = event.bytes.replace(from, to);
    if (bytes === event.bytes) throw new Error(`nothing of ${event.bytes} is changed`);
    return { ...event, bytes };
  });

test('nothing is found in good histories', () => {
  expect(check(good)).toEqual([]);
  fc.assert(
    fc.property(histories(), (history) => {
      expect(check(history.flat().map((event) => encodeEvent(event)))).toEqual([]);
    }),
    { numRuns: 30 },
  );
});

test.each<[string, readonly StoredEvent[], readonly string[]]>([
  [
    'an event that is gone',
    good.filter(({ revision }) => revision !== 5),
    ['gapless revisions 6: comes after revision 4'],
  ],
  [
    'an event that is there twice',
    good.flatMap((event) => (event.revision === 10 ? [event, event] : [event])),
    [
      'gapless revisions 10: comes after revision 10',
      'whole changesets 10: goes on in a changeset that had ended',
    ],
  ],
  [
    'a time that runs back',
    [...good.slice(0, 9), ...changed(10, (event) => ({ ...event, recordedAt: 5 })).slice(9)],
    [
      'recorded time 10: is recorded before the event in front of it',
      'recorded time 10: says another time than its row',
    ],
  ],
  ['a space', said(2, '{', '{ '), ['canonical bytes 2: is not written canonically']],
  [
    'half an event',
    changed(10, (event) => ({ ...event, bytes: event.bytes.slice(0, 40) })),
    ['canonical bytes 10: is no JSON', 'known events 10: cannot be read: not_an_event'],
  ],
  [
    'an unknown type',
    said(10, 'OverrideSet', 'FromTheFuture'),
    ['known events 10: cannot be read: unknown_event_type'],
  ],
  [
    'another revision inside',
    said(10, '"revision":10', '"revision":11'),
    ['own place 10: says that it is another revision'],
  ],
  [
    'another ledger inside',
    said(10, '"ledger":"default"', '"ledger":"other"'),
    ['own place 10: says that it is of another ledger'],
  ],
  [
    'an end in the middle of a changeset',
    said(4, '"last":false', '"last":true'),
    ['whole changesets 5: goes on in a changeset that had ended'],
  ],
  [
    'a changeset without an end',
    said(6, '"last":true', '"last":false'),
    ['whole changesets 7: begins while another changeset had not ended'],
  ],
  [
    'a last changeset without an end',
    said(10, '"last":true', '"last":false'),
    ['whole changesets 10: is the last and not the end of its changeset'],
  ],
  [
    'another actor in a changeset',
    said(5, '"id":"ci"', '"id":"cj"'),
    [5, 6].map(
      (revision) => `whole changesets ${revision}: says another actor, reason or time than its changeset`,
    ),
  ],
])('%s is named', (_, events, expected) => {
  expect(check(events)).toEqual(expected);
});

test('a head that says more than there is', () => {
  expect(check(good, 12)).toEqual(["gapless revisions 10: is the last, and the ledger's head says 12"]);
});
