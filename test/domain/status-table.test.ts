/**
 * Every status of every subject × every change about it: what happens, and what it is then. One test a cell.
 * A new type of change does not compile until it stands in `subjects`, and then in every row of its tables.
 */
import { describe, expect, test } from 'vitest';
import type { AnyChange } from '../../src/domain/change.ts';
import type { EventBody } from '../../src/domain/event.ts';
import type { View } from '../../src/domain/live-state.ts';
import { statusAt } from '../../src/domain/subject-state.ts';
import {
  apiKeyCreated,
  keyDefined,
  keyRetired,
  modelAdded,
  modelDeprecated,
  modelRemoved,
  overrideSet,
  priceChanged,
} from '../support/drafts.ts';
import { day, fold, now } from '../support/specification.ts';
import { type Cell, entriesOf, outcomeOf } from '../support/status-cells.ts';

type AnyChangeType = AnyChange['type'];
type Subject = 'model' | 'key' | 'tag' | 'apiKey' | 'ledger';

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
  createLedger: ['ledger'],
  // About many subjects at once, each brought to a state: decide-restore.test.ts.
  restore: [],
} as const satisfies Readonly<Record<AnyChangeType, readonly Subject[]>>;

type About<S extends Subject> = {
  [T in AnyChangeType]: S extends (typeof subjects)[T][number] ? T : never;
}[AnyChangeType];

interface Table<S extends Subject, Status extends string> {
  readonly given: Readonly<Record<Status, readonly EventBody[]>>;
  readonly when: Readonly<Record<About<S>, AnyChange>>;
  readonly outcomes: Readonly<Record<Status, Readonly<Record<About<S>, Cell<Status>>>>>;
  readonly statusIn: (view: View) => Status;
}

const id = 'openai/gpt-4o';
const key = 'ai.planner.model';
const model = [modelAdded(id), priceChanged(id, { input: '1' }, day(-30))];

const models: Table<'model', 'absent' | 'active' | 'beta' | 'deprecated' | 'retired' | 'removed'> = {
  given: {
    absent: [],
    active: model,
    beta: [...model, { type: 'ModelUpdated', data: { id, updates: { status: 'beta' } } }],
    deprecated: [...model, modelDeprecated(id, { sunsetAt: day(30) })],
    retired: [...model, modelDeprecated(id, { sunsetAt: day(-30) })],
    removed: [...model, modelRemoved(id)],
  },
  when: {
    defineKey: { type: 'defineKey', key: 'ai.new.model', valueType: 'model', fallback: id },
    setOverride: { type: 'setOverride', key, scope: 'tier:1', value: id },
    addModel: { type: 'addModel', model: { id, name: id, contextWindow: 1 } },
    updateModel: { type: 'updateModel', id, updates: { name: 'Renamed' } },
    changePrice: { type: 'changePrice', id, pricing: { input: '2' } },
    correctPrice: { type: 'correctPrice', id, pricing: { input: '2' }, effectiveFrom: day(-30) },
    deprecateModel: { type: 'deprecateModel', id },
    reinstateModel: { type: 'reinstateModel', id },
    removeModel: { type: 'removeModel', id },
  },
  outcomes: {
    absent: {
      defineKey: 'refused unlisted_model',
      setOverride: 'refused unlisted_model',
      addModel: ['ModelAdded', 'active'],
      updateModel: 'refused unknown_model',
      changePrice: 'refused unknown_model',
      correctPrice: 'refused unknown_model',
      deprecateModel: 'refused unknown_model',
      reinstateModel: 'refused unknown_model',
      removeModel: 'refused unknown_model',
    },
    active: {
      defineKey: ['KeyDefined', 'active'],
      setOverride: ['OverrideSet', 'active'],
      addModel: 'refused model_exists',
      updateModel: ['ModelUpdated', 'active'],
      changePrice: ['ModelPriceChanged', 'active'],
      correctPrice: ['ModelPriceCorrected', 'active'],
      deprecateModel: ['ModelDeprecated', 'deprecated'],
      reinstateModel: 'nothing',
      removeModel: ['ModelRemoved', 'removed'],
    },
    beta: {
      defineKey: ['KeyDefined', 'beta'],
      setOverride: ['OverrideSet', 'beta'],
      addModel: 'refused model_exists',
      updateModel: ['ModelUpdated', 'beta'],
      changePrice: ['ModelPriceChanged', 'beta'],
      correctPrice: ['ModelPriceCorrected', 'beta'],
      deprecateModel: ['ModelDeprecated', 'deprecated'],
      reinstateModel: 'nothing',
      removeModel: ['ModelRemoved', 'removed'],
    },
    deprecated: {
      defineKey: 'refused deprecated_model',
      setOverride: 'refused deprecated_model',
      addModel: 'refused model_exists',
      updateModel: ['ModelUpdated', 'deprecated'],
      changePrice: ['ModelPriceChanged', 'deprecated'],
      correctPrice: ['ModelPriceCorrected', 'deprecated'],
      deprecateModel: ['ModelDeprecated', 'deprecated'],
      reinstateModel: ['ModelReinstated', 'active'],
      removeModel: ['ModelRemoved', 'removed'],
    },
    retired: {
      defineKey: 'refused retired_model',
      setOverride: 'refused retired_model',
      addModel: 'refused model_exists',
      updateModel: ['ModelUpdated', 'retired'],
      changePrice: ['ModelPriceChanged', 'retired'],
      correctPrice: ['ModelPriceCorrected', 'retired'],
      deprecateModel: ['ModelDeprecated', 'deprecated'],
      reinstateModel: ['ModelReinstated', 'active'],
      removeModel: ['ModelRemoved', 'removed'],
    },
    removed: {
      defineKey: 'refused unlisted_model',
      setOverride: 'refused unlisted_model',
      addModel: ['ModelAdded', 'active'],
      updateModel: 'refused removed_model',
      changePrice: 'refused removed_model',
      correctPrice: 'refused removed_model',
      deprecateModel: 'refused removed_model',
      reinstateModel: 'refused removed_model',
      removeModel: 'refused removed_model',
    },
  },
  statusIn(view) {
    const state = view.model(id);
    return state === undefined ? 'absent' : statusAt(state, now);
  },
};

/** What stands around a model: its provider is known, and a key takes models. */
const aroundModels = [
  modelAdded('openai/gpt-4'),
  keyDefined(key, { valueType: 'model', fallback: 'openai/gpt-4' }),
];

const greeting = 'app.greeting';
const definedKey = [
  keyDefined(greeting),
  overrideSet(greeting, 'global', 'now'),
  overrideSet(greeting, 'global', 'later', { effectiveFrom: day(1) }),
];

const keys: Table<'key', 'absent' | 'defined' | 'retired'> = {
  given: { absent: [], defined: definedKey, retired: [...definedKey, keyRetired(greeting)] },
  when: {
    defineKey: { type: 'defineKey', key: greeting, valueType: 'string', fallback: 'other' },
    retireKey: { type: 'retireKey', key: greeting },
    setOverride: { type: 'setOverride', key: greeting, scope: 'global', value: 'other' },
    clearOverride: { type: 'clearOverride', key: greeting, scope: 'global' },
    withdrawOverride: { type: 'withdrawOverride', revision: 3 },
  },
  outcomes: {
    absent: {
      defineKey: ['KeyDefined', 'defined'],
      retireKey: 'refused unknown_key',
      setOverride: 'refused unknown_key',
      clearOverride: 'refused unknown_key',
      withdrawOverride: 'refused not_scheduled',
    },
    defined: {
      defineKey: ['KeyDefined', 'defined'],
      retireKey: ['KeyRetired', 'retired'],
      setOverride: ['OverrideSet', 'defined'],
      clearOverride: ['OverrideCleared', 'defined'],
      withdrawOverride: ['OverrideWithdrawn', 'defined'],
    },
    retired: {
      defineKey: ['KeyDefined', 'defined'],
      retireKey: 'nothing',
      setOverride: 'refused retired_key',
      clearOverride: 'refused retired_key',
      withdrawOverride: ['OverrideWithdrawn', 'retired'],
    },
  },
  statusIn(view) {
    const state = view.key(greeting);
    if (state === undefined) return 'absent';
    return state.retired ? 'retired' : 'defined';
  },
};

const tags: Table<'tag', 'absent' | 'given'> = {
  given: {
    absent: [keyDefined('a')],
    given: [keyDefined('a'), { type: 'RevisionTagged', data: { name: 'v1', revision: 1 } }],
  },
  when: { tagRevision: { type: 'tagRevision', name: 'v1' } },
  outcomes: {
    absent: { tagRevision: ['RevisionTagged', 'given'] },
    given: { tagRevision: 'refused tag_is_given' },
  },
  statusIn: (view) => (view.tag('v1') === undefined ? 'absent' : 'given'),
};

const apiKeys: Table<'apiKey', 'absent' | 'standing' | 'revoked'> = {
  given: {
    absent: [],
    standing: [apiKeyCreated('k')],
    revoked: [apiKeyCreated('k'), { type: 'ApiKeyRevoked', data: { id: 'k' } }],
  },
  when: {
    createApiKey: { type: 'createApiKey', id: 'k', name: 'k', role: 'operator', trusted: false },
    revokeApiKey: { type: 'revokeApiKey', id: 'k' },
  },
  outcomes: {
    absent: { createApiKey: ['ApiKeyCreated', 'standing'], revokeApiKey: 'refused unknown_api_key' },
    standing: { createApiKey: 'refused id_is_taken', revokeApiKey: ['ApiKeyRevoked', 'revoked'] },
    revoked: { createApiKey: 'refused id_is_taken', revokeApiKey: 'nothing' },
  },
  statusIn(view) {
    const state = view.apiKey('k');
    if (state === undefined) return 'absent';
    return state.revoked ? 'revoked' : 'standing';
  },
};

const ledgers: Table<'ledger', 'absent' | 'there'> = {
  given: { absent: [], there: [{ type: 'LedgerCreated', data: { name: 'staging' } }] },
  when: { createLedger: { type: 'createLedger', name: 'staging' } },
  outcomes: {
    absent: { createLedger: ['LedgerCreated', 'there'] },
    there: { createLedger: 'refused ledger_exists' },
  },
  statusIn: (view) => (view.ledger('staging') === undefined ? 'absent' : 'there'),
};

describe('a model that is', () => {
  run(models, aroundModels);
});
describe('a key that is', () => {
  run(keys);
});
describe('a tag that is', () => {
  run(tags);
});
describe('an API key that is', () => {
  run(apiKeys);
});
describe('a ledger that is', () => {
  run(ledgers);
});

function run<S extends Subject, Status extends string>(
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
