/** Model ids: which texts are, and which one a path or filter means. (Spellings of values: decide-model-reference.) */
import { describe, expect, test } from 'vitest';
import { canonicalModelId, isModelId, isProvider, splitModelId } from '../../src/domain/model-reference.ts';

const knows = (provider: string) => provider === 'openai';

test.each([
  'openai/gpt-4o',
  'a/b',
  'vertex_ai.eu-1/x',
  'openrouter/deepseek/r1:free',
  'a/ü',
  `a/${'m'.repeat(198)}`,
])('%s is an id', (id) => {
  expect(isModelId(id)).toBe(true);
});

test.each([
  '',
  '/',
  'a/',
  '/b',
  'gpt-4o',
  'openai:gpt-4o',
  'Openai/x',
  'a b/c',
  'a/b c',
  'a/\u0000',
  'a/\ud800',
  '-a/b',
  `a/${'m'.repeat(199)}`,
])('%j is none', (text) => {
  expect(isModelId(text)).toBe(false);
});

test('a provider has at most 64 characters', () => {
  expect([isProvider('p'.repeat(64)), isProvider('p'.repeat(65)), isProvider('')]).toStrictEqual([
    true,
    false,
    false,
  ]);
});

test('an id splits at its first slash', () => {
  expect(splitModelId('openrouter/deepseek/r1:free')).toStrictEqual({
    provider: 'openrouter',
    model: 'deepseek/r1:free',
  });
});

describe('in a path or filter', () => {
  test.each([
    ['openai/gpt-4o', 'openai/gpt-4o'],
    ['openai:gpt-4o', 'openai/gpt-4o'],
    ['google/gemini', 'google/gemini'],
    ['google:gemini', 'google:gemini'],
    ['gpt-4o', 'gpt-4o'],
    ['openai/', 'openai/'],
  ])('%s means %s', (spelling, id) => {
    expect(canonicalModelId(spelling, knows)).toBe(id);
  });
});
