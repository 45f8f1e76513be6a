/** The live state: contiguous, found again by every name, the same whether folded event by event or loaded. */
import { describe, expect, test } from 'vitest';
import { formatInstant } from '../../src/domain/instant.ts';
import { LiveState, splitOverride } from '../../src/domain/live-state.ts';
import type { SubjectState } from '../../src/domain/subject-state.ts';
import { Failure } from '../../src/failure.ts';
import {
  apiKeyCreated,
  keyDefined,
  modelAdded,
  modelDeprecated,
  modelKeyDefined,
  modelRemoved,
  overrideCleared,
  overrideSet,
  overrideWithdrawn,
  webhookCreated,
} from '../support/drafts.ts';
import { day, dayAt, firstRecordedAt, fold } from '../support/specification.ts';

const key = 'app.greeting';

describe('folding', () => {
  test('takes only the next revision', () => {
    const state = fold(keyDefined(key));
    for (const revision of [0, 1, 3]) {
      const event = { ...keyDefined(key), revision, recordedAt: day(0) };
      expect(() => state.apply(event)).toThrow(Failure);
    }
    expect(state.revision).toBe(1);
    expect(state.key(key)?.version).toBe(1);
  });

  test('an event that does not fit leaves the state as it was', () => {
    const state = fold(keyDefined(key));
    expect(() => state.apply({ ...modelRemoved('openai/a'), revision: 2, recordedAt: day(0) })).toThrow(
      Failure,
    );
    expect({ revision: state.revision, recordedAt: state.recordedAt }).toStrictEqual({
      revision: 1,
      recordedAt: firstRecordedAt,
    });
  });

  test('keeps the recorded time of the head', () => {
    expect(new LiveState().recordedAt).toBe(0);
    expect(fold(keyDefined(key), keyDefined('b')).recordedAt).toBe(firstRecordedAt + 60_000);
  });
});

describe('looking up', () => {
  const state = fold(
    keyDefined(key),
    modelAdded('openai/a'),
    overrideSet(key, 'global', 'g'),
    overrideSet(key, 'tier:1', 't'),
    overrideSet(key, 'tenant:1', 'n'),
    overrideSet(key, 'user:1', 'u'),
    overrideSet(key, 'user:x:y@z', 'v'),
    { type: 'RevisionTagged', data: { name: 'v1', revision: 1 } },
    apiKeyCreated('k'),
    { type: 'LedgerCreated', data: { name: 'staging' } },
  );

  test('every subject is found by its name', () => {
    const found: readonly (readonly [string, SubjectState | undefined])[] = [
      [`key:${key}`, state.key(key)],
      ['model:openai/a', state.model('openai/a')],
      [`override:${key}@global`, state.override(key, 'global')],
      [`override:${key}@tier:1`, state.override(key, 'tier:1')],
      [`override:${key}@tenant:1`, state.override(key, 'tenant:1')],
      [`override:${key}@user:1`, state.override(key, 'user:1')],
      [`override:${key}@user:x:y@z`, state.override(key, 'user:x:y@z')],
      ['tag:v1', state.tag('v1')],
      ['api-key:k', state.apiKey('k')],
      ['ledger:staging', state.ledger('staging')],
    ];
    for (const [subject, expected] of found) {
      expect(expected).toBeDefined();
      expect(state.subject(subject)).toBe(expected);
    }
  });

  test('what is not there is not found', () => {
    for (const subject of [
      `key:x`,
      'model:x',
      `override:${key}@user:9`,
      'override:x@global',
      'tag:x',
      'api-key:x',
      'ledger:x',
      'x:y',
      'x',
      '',
    ]) {
      expect(state.subject(subject)).toBeUndefined();
    }
  });

  test('the overrides of a key come with their scopes', () => {
    expect([...state.overridesOf(key)].map(([scope]) => scope)).toStrictEqual([
      'global',
      'tier:1',
      'tenant:1',
      'user:1',
      'user:x:y@z',
    ]);
    expect([...state.overridesOf('x')]).toStrictEqual([]);
    expect(state.overrideCount).toBe(5);
  });

  test('names of overrides split at the first @', () => {
    expect(splitOverride(`${key}@user:x:y@z`)).toStrictEqual([key, 'user:x:y@z']);
  });

  test('overrides under a key that is not defined define no key', () => {
    const early = new LiveState();
    early.put(`override:${key}@global`, { version: 1, assertions: [] });
    expect([...early.keys()]).toStrictEqual([]);
    expect(early.key(key)).toBeUndefined();
  });

  test('a subject of no kind is corrupt', () => {
    expect(() => new LiveState().put('wish:x', { version: 1, name: 'x', createdAt: 0 })).toThrow(Failure);
  });
});

describe('what is scheduled', () => {
  const later = overrideSet(key, 'tier:1', 'later', { effectiveFrom: day(1) });

  test('is known by its revision until it is taken back', () => {
    const state = fold(keyDefined(key), later, overrideCleared(key, 'global', { effectiveFrom: day(2) }));
    expect(state.scheduled(2)).toMatchObject({ key, scope: 'tier:1' });
    expect(state.scheduled(3)).toMatchObject({ key, scope: 'global' });
    expect(state.scheduled(1)).toBeUndefined();
    expect(state.scheduledCount).toBe(2);
    state.apply({ ...overrideWithdrawn(key, 'tier:1', 2), revision: 4, recordedAt: day(0) });
    expect(state.scheduled(2)).toBeUndefined();
    expect(state.scheduledCount).toBe(1);
  });

  test('has started once its scope is touched after its start', () => {
    const state = fold(keyDefined(key), later);
    state.apply({ ...overrideSet(key, 'tier:1', 'now'), revision: 3, recordedAt: formatInstant(dayAt(1)) });
    expect(state.scheduledCount).toBe(0);
  });
});

describe('providers', () => {
  test('are known as long as a model of theirs stands', () => {
    const state = fold(modelAdded('openai/a'), modelAdded('openai/b'));
    const knows = () => state.knowsProvider('openai');
    expect(knows()).toBe(true);
    state.apply({ ...modelRemoved('openai/a'), revision: 3, recordedAt: day(0) });
    expect(knows()).toBe(true);
    state.apply({ ...modelRemoved('openai/b'), revision: 4, recordedAt: day(0) });
    expect(knows()).toBe(false);
    state.apply({ ...modelAdded('openai/b'), revision: 5, recordedAt: day(0) });
    expect(knows()).toBe(true);
  });
});

describe('how many name a model', () => {
  test('counts successors, fallbacks and values, in and out', () => {
    const state = fold(
      modelAdded('openai/a'),
      modelAdded('openai/b'),
      modelKeyDefined(key, { fallback: 'openai/a' }),
      overrideSet(key, 'user:1', 'openai/a'),
      modelDeprecated('openai/b', { successor: 'openai/a' }),
    );
    expect(state.namesOf('openai/a')).toBe(3);
    expect(state.namesOf('openai/b')).toBe(0);
    const next = [
      modelRemoved('openai/b'),
      overrideSet(key, 'user:1', 'openai/b'),
      modelKeyDefined(key, { fallback: 'openai/b' }),
    ];
    for (const [index, body] of next.entries()) {
      state.apply({ ...body, revision: 6 + index, recordedAt: day(0) });
      expect(state.namesOf('openai/a')).toBe(2 - index);
    }
    expect(state.namesOf('openai/b')).toBe(2);
  });
});

describe('loading', () => {
  test('the states of a folded one makes the same', () => {
    const events = [
      modelAdded('openai/a'),
      modelKeyDefined(key, { fallback: 'openai/a' }),
      overrideSet(key, 'user:1', 'openai/a'),
      overrideSet(key, 'global', 'openai/a', { effectiveFrom: day(1) }),
      apiKeyCreated('k'),
      webhookCreated('w'),
    ];
    const folded = fold(...events);
    const loaded = new LiveState();
    loaded.recordedAt = folded.recordedAt;
    for (const subject of [
      'model:openai/a',
      `key:${key}`,
      `override:${key}@user:1`,
      `override:${key}@global`,
      'api-key:k',
      'webhook:w',
    ]) {
      const state: SubjectState = JSON.parse(JSON.stringify(folded.subject(subject)));
      loaded.put(subject, state);
    }
    loaded.revision = folded.revision;
    expect(loaded.slots).toStrictEqual(folded.slots);
    expect([...loaded.models()]).toStrictEqual([...folded.models()]);
    expect([...loaded.apiKeys()]).toStrictEqual([...folded.apiKeys()]);
    expect([...loaded.webhooks()]).toStrictEqual([...folded.webhooks()]);
    expect(loaded.webhook('w')).toMatchObject({ removed: false });
    expect(loaded.scheduled(4)).toStrictEqual(folded.scheduled(4));
    expect(loaded.namesOf('openai/a')).toBe(3);
    expect(loaded.overrideCount).toBe(2);
  });
});
