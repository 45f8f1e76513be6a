/**
 * Every status of every subject × every change about it: what happens, and what it is then. One test a cell.
 * A new type of change does not compile until it stands in `subjects` (status-cells.ts), and then in every row of its
 * tables; those of what surrounds the configuration are in status-table-administration.test.ts.
 */
import { describe } from 'vitest';
import { statusAt } from '../../src/domain/subject-state.ts';
import {
  keyDefined,
  keyRetired,
  modelAdded,
  modelDeprecated,
  modelRemoved,
  overrideSet,
  priceChanged,
} from '../support/drafts.ts';
import { day, now } from '../support/specification.ts';
import { run, type Table } from '../support/status-cells.ts';

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

describe('a model that is', () => {
  run(models, aroundModels);
});
describe('a key that is', () => {
  run(keys);
});
