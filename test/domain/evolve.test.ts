/** What each event means for its subject, and that an event which does not fit is a corrupt ledger. */
import { describe, expect, test } from 'vitest';
import { forever } from '../../src/domain/assertion.ts';
import { type EventBody, subjectOf } from '../../src/domain/event.ts';
import { evolve, type Placed } from '../../src/domain/evolve.ts';
import { formatInstant } from '../../src/domain/instant.ts';
import type { SubjectState } from '../../src/domain/subject-state.ts';
import { Failure } from '../../src/failure.ts';
import {
  allocationSet,
  apiKeyCreated,
  keyDefined,
  keyRetired,
  modelAdded,
  modelDeprecated,
  modelReinstated,
  modelRemoved,
  overrideCleared,
  overrideSet,
  overrideWithdrawn,
  priceChanged,
  webhookCreated,
} from '../support/drafts.ts';

const recorded = (revision: number) => 1_000_000 + revision * 1_000;
const place = (body: EventBody, revision: number): Placed => ({
  ...body,
  revision,
  recordedAt: formatInstant(recorded(revision)),
});

/** The state of one subject after these events, at revisions 1 … n, a second apart. */
function stateAfter(...events: readonly EventBody[]): SubjectState | undefined {
  return events.reduce<SubjectState | undefined>(
    (state, body, index) => evolve(state, place(body, index + 1)),
    undefined,
  );
}

const id = 'openai/gpt-4o';
const key = 'app.greeting';
const instant = (milliseconds: number) => formatInstant(milliseconds);

describe('keys', () => {
  test('are defined, redefined, retired, defined again', () => {
    const [first, second] = [keyDefined(key), keyDefined(key, { fallback: 'other' })];
    expect(stateAfter(first)).toStrictEqual({
      version: 1,
      revision: 1,
      definition: first.data,
      retired: false,
    });
    expect(stateAfter(first, second)).toStrictEqual({
      version: 2,
      revision: 2,
      definition: second.data,
      retired: false,
    });
    expect(stateAfter(first, keyRetired(key))).toStrictEqual({
      version: 2,
      revision: 1,
      definition: first.data,
      retired: true,
    });
    expect(stateAfter(first, keyRetired(key), first)).toStrictEqual({
      version: 3,
      revision: 3,
      definition: first.data,
      retired: false,
    });
  });
});

describe('overrides', () => {
  test('start when they are recorded and never end, unless they say otherwise', () => {
    expect(stateAfter(overrideSet(key, 'global', 'a'))).toStrictEqual({
      version: 1,
      assertions: [{ revision: 1, from: recorded(1), until: forever, kind: 'value', value: 'a' }],
    });
    const [from, until] = [recorded(50), recorded(60)];
    const interval = { effectiveFrom: instant(from), effectiveUntil: instant(until) };
    expect(stateAfter(overrideCleared(key, 'global', interval))).toStrictEqual({
      version: 1,
      assertions: [{ revision: 1, from, until, kind: 'cleared', value: null }],
    });
  });

  test('keep what may still hold, and count every event', () => {
    const state = stateAfter(
      overrideSet(key, 'global', 'a'),
      overrideSet(key, 'global', 'b', { effectiveUntil: instant(recorded(5)) }),
      overrideSet(key, 'global', 'c', { effectiveFrom: instant(recorded(50)) }),
      overrideSet(key, 'global', 'd'),
    );
    expect(state).toMatchObject({ version: 4, assertions: [{ revision: 4 }, { revision: 3 }] });
  });

  test('remember the salt of the newest allocation', () => {
    const arms = [{ name: 'a', value: 'x', weight: 1 }];
    const allocation = { unit: 'user', share: 1, salt: 'spring', arms } as const;
    const asserted = {
      from: recorded(1),
      revision: 1,
      until: forever,
      kind: 'allocation',
      value: allocation,
    };
    expect(stateAfter(allocationSet(key, 'global', allocation))).toStrictEqual({
      version: 1,
      assertions: [asserted],
      salt: 'spring',
    });
    expect(
      stateAfter(allocationSet(key, 'global', allocation), overrideCleared(key, 'global')),
    ).toMatchObject({
      salt: 'spring',
    });
    expect(
      stateAfter(
        allocationSet(key, 'global', allocation),
        allocationSet(key, 'global', { ...allocation, salt: 'autumn' }),
      ),
    ).toMatchObject({ salt: 'autumn' });
  });

  test('that are withdrawn are gone', () => {
    const state = stateAfter(
      overrideSet(key, 'global', 'a'),
      overrideSet(key, 'global', 'b', { effectiveFrom: instant(recorded(50)) }),
      overrideWithdrawn(key, 'global', 2),
    );
    expect(state).toMatchObject({ version: 3, assertions: [{ revision: 1 }] });
    expect(state).toHaveProperty('assertions.length', 1);
  });
});

describe('what surrounds', () => {
  test('tags, API keys, ledgers', () => {
    expect(stateAfter({ type: 'RevisionTagged', data: { name: 'v1', revision: 0 } })).toStrictEqual({
      version: 1,
      name: 'v1',
      revision: 0,
      taggedAt: recorded(1),
    });
    const apiKey = { id: 'k', name: 'k', role: 'operator', trusted: false, createdAt: recorded(1) };
    expect(stateAfter(apiKeyCreated('k'))).toStrictEqual({ version: 1, ...apiKey, revoked: false });
    expect(stateAfter(apiKeyCreated('k'), { type: 'ApiKeyRevoked', data: { id: 'k' } })).toStrictEqual({
      version: 2,
      ...apiKey,
      revoked: true,
    });
    const webhook = { id: 'w', url: 'https://example.com/hook', types: ['*'], createdAt: recorded(1) };
    expect(stateAfter(webhookCreated('w'))).toStrictEqual({ version: 1, ...webhook, removed: false });
    expect(stateAfter(webhookCreated('w'), { type: 'WebhookRemoved', data: { id: 'w' } })).toStrictEqual({
      version: 2,
      ...webhook,
      removed: true,
    });
    expect(stateAfter({ type: 'LedgerCreated', data: { name: 'staging' } })).toStrictEqual({
      version: 1,
      name: 'staging',
      createdAt: recorded(1),
    });
  });
});

describe('an event is corrupt', () => {
  const unfit: readonly EventBody[] = [
    keyRetired(key),
    { type: 'ApiKeyRevoked', data: { id: 'k' } },
    { type: 'WebhookRemoved', data: { id: 'w' } },
    { type: 'ModelUpdated', data: { id, updates: {} } },
    priceChanged(id, {}),
    { type: 'ModelPriceCorrected', data: { id, pricing: {}, effectiveFrom: instant(0), corrects: 1 } },
    modelDeprecated(id),
    modelReinstated(id),
    modelRemoved(id),
  ];
  test.each(unfit.map((body) => [body.type, body] as const))('%s of nothing', (_, body) => {
    expect(reasonOf(() => evolve(undefined, place(body, 7)))).toBe('event_does_not_fit');
  });

  test('about a subject of another kind', () => {
    const other = evolve(undefined, place(overrideSet(key, 'global', 'a'), 1));
    for (const body of unfit)
      expect(reasonOf(() => evolve(other, place(body, 2)))).toBe('event_does_not_fit');
  });

  test('with a time that is none', () => {
    expect(() => evolve(undefined, { ...keyDefined(key), revision: 1, recordedAt: 'yesterday' })).toThrow(
      Failure,
    );
    expect(() =>
      stateAfter(overrideSet(key, 'global', 'a', { effectiveFrom: '2026-02-30T00:00:00Z' })),
    ).toThrow(Failure);
  });
});

test('the state before is never changed', () => {
  const before = stateAfter(modelAdded(id), {
    type: 'ModelUpdated',
    data: { id, updates: { extra: { a: 1 } } },
  });
  const copy = structuredClone(before);
  for (const body of [
    priceChanged(id, { input: '1' }),
    modelDeprecated(id, { successor: 'openai/b' }),
    { type: 'ModelUpdated', data: { id, updates: { extra: { a: 2 } } } } as const,
  ]) {
    evolve(before, place(body, 3));
  }
  expect(before).toStrictEqual(copy);
});

test('every event is about one subject', () => {
  const subjects: readonly (readonly [EventBody, string])[] = [
    [keyDefined(key), `key:${key}`],
    [keyRetired(key), `key:${key}`],
    [overrideSet(key, 'tenant:acme', 'a'), `override:${key}@tenant:acme`],
    [overrideCleared(key, 'global'), `override:${key}@global`],
    [overrideWithdrawn(key, 'user:a@b', 1), `override:${key}@user:a@b`],
    [modelAdded(id), `model:${id}`],
    [modelRemoved(id), `model:${id}`],
    [priceChanged(id, {}), `model:${id}`],
    [{ type: 'RevisionTagged', data: { name: 'v1', revision: 1 } }, 'tag:v1'],
    [apiKeyCreated('k'), 'api-key:k'],
    [{ type: 'ApiKeyRevoked', data: { id: 'k' } }, 'api-key:k'],
    [webhookCreated('w'), 'webhook:w'],
    [{ type: 'WebhookRemoved', data: { id: 'w' } }, 'webhook:w'],
    [{ type: 'LedgerCreated', data: { name: 'staging' } }, 'ledger:staging'],
  ];
  for (const [body, subject] of subjects) expect(subjectOf(body)).toBe(subject);
});

function reasonOf(work: () => unknown): string | undefined {
  try {
    work();
  } catch (error) {
    if (error instanceof Failure && error.code === 'corrupt') return error.reason;
    throw error;
  }
  return undefined;
}
