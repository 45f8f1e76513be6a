/** The eleven functions of design note 000, and the one beneath them, on plain objects as the note's tests have them. */
import { describe, expect, test } from 'vitest';
import * as choice from '../../src/sdk/model-choice.ts';

const { getModelProviderAndName } = choice;

// As the note writes them down; that the domain's facts are the same is what is tested.
const eleven = [
  [choice.getSectionBuilderModel, 'ai.section_builder.model', 'gemini-2.5-pro'],
  [choice.getPlannerModel, 'ai.planner.model', 'gemini-2.5-pro'],
  [choice.getOutcomesModel, 'ai.outcomes.model', 'gemini-2.5-flash'],
  [choice.getRepairModel, 'ai.repair.model', 'gemini-2.5-flash'],
  [choice.getFensterModel, 'ai.fenster.model', 'gemini-2.5-flash'],
  [choice.getWritingModel, 'ai.writing.model', 'gemini-2.5-flash'],
  [choice.getTutorModel, 'ai.tutor.model', 'gemini-2.5-flash'],
  [choice.getIllustrationModel, 'ai.illustration.model', 'gemini-2.5-flash-image'],
  [choice.getYoutubeModel, 'ai.youtube.model', 'gemini-2.0-flash'],
  [choice.getResearchModel, 'ai.research.model', 'gemini-1.5-pro'],
  [choice.getResearchRouterModel, 'ai.research.router_model', 'gemini-1.5-flash'],
] as const;

describe.each(eleven)('%o', (get, key, fallback) => {
  test(`reads ${key} and nothing else`, () => {
    const others = Object.fromEntries(
      eleven.filter(([, other]) => other !== key).map(([, other]) => [other, 'openai/another']),
    );
    expect(get({ ...others, [key]: 'anthropic/claude-3-sonnet' })).toEqual({
      provider: 'anthropic',
      model: 'claude-3-sonnet',
    });
    expect(get(others)).toEqual({ provider: 'gemini', model: fallback });
  });
});

describe('a value', () => {
  const of = (value: unknown) => getModelProviderAndName({ 'a.b': value }, 'a.b', 'gemini', 'gemini-2.5-pro');
  const defaults = { provider: 'gemini', model: 'gemini-2.5-pro' };

  test.each([
    ['vertexai/vertex-gemini-3.0-pro', 'vertexai', 'vertex-gemini-3.0-pro'],
    ['openrouter/meta/llama-3', 'openrouter', 'meta/llama-3'],
    [' anthropic / claude-3-sonnet ', 'anthropic', 'claude-3-sonnet'],
  ])('%j is split at its first slash', (value, provider, model) => {
    expect(of(value)).toEqual({ provider, model });
  });

  test.each([['gpt-4-turbo'], ['/gpt-4-turbo'], [' gpt-4-turbo ']])(
    '%j names no provider: the default one',
    (value) => {
      expect(of(value)).toEqual({ provider: 'gemini', model: 'gpt-4-turbo' });
    },
  );

  test.each([
    [undefined],
    [null],
    [''],
    ['  '],
    ['openai/'],
    ['/'],
    [17],
    [{ provider: 'openai', model: 'x' }],
  ])('%j says nothing: both defaults', (value) => {
    expect(of(value)).toEqual(defaults);
  });

  test('is the object’s own: a key may be called as something that every object has', () => {
    expect(getModelProviderAndName({}, 'constructor', 'gemini', 'gemini-2.5-pro')).toEqual(defaults);
  });
});
