/** Keys: one spelling is one key, and a near miss is told the right one. */
import { describe, expect, test } from 'vitest';
import { describeBadKey, isKey, maxKeyLength } from '../../src/domain/key.ts';

test.each([
  'a',
  'ai',
  'ai.planner.model',
  'ai.section_builder.model',
  'a1.2b.c_3',
  'app.a.b.c.d',
  'a'.repeat(maxKeyLength),
])('%s is a key', (text) => {
  expect(isKey(text)).toBe(true);
});

test.each([
  '',
  'A',
  'aB',
  'a-b',
  'a b',
  '_a',
  'a_',
  'a__b',
  'a.',
  '.a',
  'a..b',
  '1a',
  'ä',
  'a\n',
  'a@b',
  'a'.repeat(maxKeyLength + 1),
])('%j is none', (text) => {
  expect(isKey(text)).toBe(false);
});

test('a long text that is none is told quickly', () => {
  expect(isKey(`${'a_'.repeat(100_000)}!`)).toBe(false);
  expect(describeBadKey('aB '.repeat(100_000)).length).toBeLessThan(500);
});

describe('a near miss', () => {
  test.each([
    ['sectionBuilder', 'section_builder'],
    ['ai.sectionBuilder.model', 'ai.section_builder.model'],
    ['AI.Planner.Model', 'ai.planner.model'],
    ['ai.section-builder.model', 'ai.section_builder.model'],
    ['ai.section builder', 'ai.section_builder'],
  ])('%s → %s', (text, near) => {
    expect(describeBadKey(text)).toContain(`did you mean ${near}?`);
  });

  test.each(['', 'ä', '1a', '_a'])('%j has none', (text) => {
    expect(describeBadKey(text)).not.toContain('did you mean');
  });
});
