/**
 * Undo as a plan: what of a key or a model goes with the selected events, what a later change keeps, and whose it is.
 */
import { describe, expect, test } from 'vitest';
import type { EventBody, RecordedEvent } from '../../../src/domain/event.ts';
import { subjectOf } from '../../../src/domain/event.ts';
import type { RestoreTarget } from '../../../src/domain/rollback/restore.ts';
import {
  type Covered,
  coveredByDefault,
  type Resolution,
} from '../../../src/domain/rollback/rollback-plan.ts';
import { planUndo } from '../../../src/domain/rollback/undo-plan.ts';
import {
  keyDefined,
  keyRetired,
  modelAdded,
  modelDeprecated,
  modelRemoved,
  priceChanged,
} from '../../support/drafts.ts';
import { day, fold, now } from '../../support/specification.ts';

type Actor = 'alice' | 'bob';
const key = 'app.text';
const id = 'acme/one';

interface Options {
  readonly include?: readonly Covered[];
  readonly resolution?: Resolution;
}

/** Undoes all that alice did, to the only subject of the story. */
function undone(story: readonly (readonly [Actor, EventBody])[], options: Options = {}) {
  const { include = coveredByDefault, resolution } = options;
  const events = story.map(([actor, body], index): RecordedEvent => recorded(actor, body, index + 1));
  const last = events.at(-1);
  if (last === undefined) throw new Error('a story has events');
  const { subject } = last;
  const live = fold(...story.map(([, body]) => body));
  const state = live.subject(subject);
  if (state === undefined) throw new Error('the subject is not there');
  const standing = { subject, version: events.length, revision: events.length, changesetId: 'last', state };
  const plan = planUndo(
    {
      selected: events.filter(({ actor }) => actor.id === 'alice'),
      standing: new Map([[subject, standing]]),
      withdrawn: new Map(),
      assertions: new Map(),
      events: new Map([[subject, events]]),
      now,
    },
    include,
    resolution === undefined ? {} : { [subject]: resolution },
  );
  return {
    targets: plan.targets.map(wantedOf),
    pasts: plan.targets.flatMap((target) => ('past' in target ? [target.past] : [])),
    conflicts: plan.conflicts.map(({ field, current, wanted, revision }) => ({
      field,
      current,
      wanted,
      revision,
    })),
    notes: plan.notes.map(({ code }) => code),
  };
}

function recorded(actor: Actor, body: EventBody, revision: number): RecordedEvent {
  return {
    ...body,
    ledger: 'default',
    revision,
    schemaVersion: 1,
    subject: subjectOf(body),
    version: revision,
    recordedAt: '2026-01-01T00:00:00.000Z',
    actor: { id: actor, kind: 'api_key' },
    reason: 'a story',
    source: 'api',
    changesetId: `changeset-${revision}`,
    last: true,
    requestId: 'request',
  };
}

const wantedOf = (target: RestoreTarget) => target.wanted;
const definition = { key, valueType: 'string', fallback: 'fallback' };

describe('a key', () => {
  test('loses what she set and keeps what he set beside it, though his definition repeats hers', () => {
    const hers = { fallback: 'hers' };
    const plan = undone([
      ['bob', keyDefined(key)],
      ['alice', keyDefined(key, hers)],
      ['bob', keyDefined(key, { ...hers, description: 'his' })],
    ]);
    expect(plan.targets).toEqual([{ definition: { ...definition, description: 'his' }, retired: false }]);
    expect(plan.conflicts).toEqual([]);
  });

  test('keeps what he set over hers, and tells both values', () => {
    const story = [
      ['bob', keyDefined(key)],
      ['alice', keyDefined(key, { fallback: 'hers' })],
      ['bob', keyDefined(key, { fallback: 'his' })],
    ] as const;
    const { targets, conflicts } = undone(story);
    expect(targets).toEqual([{ definition: { ...definition, fallback: 'his' }, retired: false }]);
    expect(conflicts).toContainEqual({ field: 'fallback', current: 'his', wanted: 'fallback', revision: 3 });
    expect(undone(story, { resolution: 'undo' })).toMatchObject({
      targets: [{ definition: { fallback: 'fallback' } }],
      conflicts: [],
    });
    expect(undone(story, { resolution: 'keep' }).targets).toEqual([]);
  });

  test('is asked again when she retired it, and gone when she defined it', () => {
    expect(
      undone([
        ['bob', keyDefined(key)],
        ['alice', keyRetired(key)],
      ]).targets,
    ).toEqual([{ definition, retired: false }]);
    expect(undone([['alice', keyDefined(key)]]).targets).toEqual([undefined]);
  });

  test('that she defined and he defined anew stays, as a conflict', () => {
    const story = [
      ['alice', keyDefined(key)],
      ['bob', keyDefined(key, { description: 'his' })],
    ] as const;
    const { targets, conflicts } = undone(story);
    expect(targets).toEqual([]);
    expect(conflicts).toEqual([expect.objectContaining({ field: 'definition', wanted: null, revision: 2 })]);
    expect(undone(story, { resolution: 'undo' }).targets).toEqual([undefined]);
  });
});

describe('a key that is gone already', () => {
  test('is no conflict: there is nothing that anybody would lose', () => {
    const { targets, conflicts } = undone([
      ['alice', keyDefined(key)],
      ['bob', keyRetired(key)],
    ]);
    expect(targets).toEqual([undefined]);
    expect(conflicts).toEqual([{ field: 'retired', current: true, wanted: null, revision: 2 }]);
  });
});

describe('fields', () => {
  test('a conflict is told where his value is left, and shows it as his', () => {
    const story = [
      ['bob', keyDefined(key, { fallback: '1' })],
      ['alice', keyDefined(key, { fallback: '2' })],
      ['bob', keyDefined(key, { fallback: '3' })],
      ['alice', keyDefined(key, { fallback: '1' })],
    ] as const;
    const { targets, conflicts } = undone(story);
    expect(targets).toMatchObject([{ definition: { fallback: '3' } }]);
    expect(conflicts).toEqual([{ field: 'fallback', current: '3', wanted: '1', revision: 3 }]);
  });
});

describe('a model', () => {
  const updated = (updates: object): EventBody => ({ type: 'ModelUpdated', data: { id, updates } });

  test('loses her fields, each by itself, and keeps his', () => {
    const plan = undone([
      ['bob', modelAdded(id)],
      ['alice', updated({ name: 'Hers', family: 'hers', extra: { a: 1, b: 1 } })],
      ['bob', updated({ family: 'his', extra: { b: 2 } })],
    ]);
    expect(plan.targets).toEqual([
      expect.objectContaining({ name: id, family: 'his', extra: { b: 2 }, status: 'active' }),
    ]);
    expect(plan.conflicts).toEqual([
      { field: 'family', current: 'his', wanted: null, revision: 3 },
      { field: 'extra.b', current: 2, wanted: null, revision: 3 },
    ]);
  });

  test('has one stage of life: his successor is not left on a model that is active again', () => {
    const { targets, conflicts } = undone([
      ['bob', modelAdded(id)],
      ['alice', modelDeprecated(id, { successor: 'acme/two' })],
      ['bob', modelDeprecated(id, { successor: 'acme/three' })],
    ]);
    expect(targets).toEqual([expect.objectContaining({ status: 'deprecated', successor: 'acme/three' })]);
    expect(conflicts).toEqual([
      {
        field: 'status',
        current: { status: 'deprecated', successor: 'acme/three' },
        wanted: { status: 'active' },
        revision: 3,
      },
    ]);
  });

  test('that she added and he deprecated keeps its fields', () => {
    const { targets, conflicts } = undone([
      ['alice', modelAdded(id)],
      ['bob', modelDeprecated(id)],
    ]);
    expect(targets).toEqual([]);
    expect(conflicts).toMatchObject([{ field: 'status', current: { status: 'deprecated' }, revision: 2 }]);
  });

  test('that was corrected again later is told; resolved, both corrections go', () => {
    const corrected = (input: string): EventBody => ({
      type: 'ModelPriceCorrected',
      data: { id, pricing: { input }, effectiveFrom: day(-59), effectiveUntil: day(-50), corrects: 1 },
    });
    const story = [
      ['bob', modelAdded(id, { pricing: { input: '1' } })],
      ['alice', corrected('2')],
      ['bob', corrected('3')],
    ] as const;
    const told = undone(story, { include: ['prices'] });
    expect(told.conflicts).toMatchObject([
      { field: 'pricing', current: { input: '3' }, wanted: { input: '1' }, revision: 3 },
    ]);
    expect(undone(story, { include: ['prices'], resolution: 'undo' })).toMatchObject({
      targets: [[{ pricing: { input: '1' } }]],
      pasts: [[{ pricing: { input: '1' } }]],
      conflicts: [],
    });
  });

  test('that she added and he changed stays, as a conflict; that nobody changed goes', () => {
    expect(undone([['alice', modelAdded(id)]]).targets).toEqual([undefined]);
    const story = [
      ['alice', modelAdded(id)],
      ['bob', updated({ name: 'His' })],
    ] as const;
    expect(undone(story)).toMatchObject({
      targets: [],
      conflicts: [{ field: 'status', wanted: null, revision: 2 }],
    });
    expect(undone(story, { resolution: 'undo' }).targets).toEqual([undefined]);
  });

  test('comes back with its fields when she removed it', () => {
    const { targets } = undone([
      ['bob', modelAdded(id)],
      ['alice', modelRemoved(id)],
    ]);
    expect(targets).toEqual([
      expect.objectContaining({ id, name: id, contextWindow: 128_000, status: 'active' }),
    ]);
  });

  test('keeps her prices unless they are named, and says so', () => {
    const story = [
      ['bob', modelAdded(id, { pricing: { input: '1' } })],
      ['alice', priceChanged(id, { input: '2' })],
    ] as const;
    expect(undone(story)).toEqual({ targets: [], pasts: [], conflicts: [], notes: ['left_out'] });
    const named = undone(story, { include: ['prices'] });
    expect(named.targets).toEqual([[expect.objectContaining({ pricing: { input: '1' } })]]);
    expect(named.notes).toEqual([]);
  });
});
