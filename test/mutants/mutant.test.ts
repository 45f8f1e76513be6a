/** The patches in this folder: each fits today's sources and names tests that are there. `npm run mutants` runs them. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { mutate, parseMutant } from './mutant.ts';
import { readMutants } from './mutant-files.ts';

const source = (path: string): string => readFileSync(path, 'utf8');
const mutants = readMutants();

test('there are at least twelve', () => {
  expect(mutants.length).toBeGreaterThanOrEqual(12);
});

describe.each(mutants)('$name', (mutant) => {
  test('fits the sources as they are, and changes them', () => {
    const mutated = mutate(mutant, source);
    expect(mutated, 'it no longer applies').toBeDefined();
    for (const [path, text] of mutated ?? []) {
      expect(path).toMatch(/^(?:src|projections|migrations)\//);
      expect(text).not.toBe(source(path));
    }
  });

  test('names tests that are there', () => {
    expect(mutant.tests.filter((file) => !existsSync(file))).toEqual([]);
  });
});

const patch = `Bug: two is three
Tests: test/a.test.ts test/b.test.ts

--- a/src/a.ts
+++ b/src/a.ts
@@ -1,3 +1,3 @@
 one
-two
+three
 four
`;

test('a patch is read, and applied', () => {
  const mutant = parseMutant('example', patch);
  expect(mutant).toMatchObject({ bug: 'two is three', tests: ['test/a.test.ts', 'test/b.test.ts'] });
  expect(mutate(mutant, () => 'one\ntwo\nfour\n')).toEqual(new Map([['src/a.ts', 'one\nthree\nfour\n']]));
});

test('a patch that no longer fits is told from one that does', () => {
  expect(mutate(parseMutant('example', patch), () => 'one\n2\nfour\n')).toBeUndefined();
});

test.each([
  ['no diff', 'Bug: x\nTests: test/a.test.ts\n'],
  ['no tests', 'Bug: x\n\n--- a/src/a.ts\n+++ b/src/a.ts\n'],
  ['no bug', 'Tests: test/a.test.ts\n\n--- a/src/a.ts\n+++ b/src/a.ts\n'],
])('a file with %s is none', (_what, text) => {
  expect(() => parseMutant('example', text)).toThrow('example does not begin with');
});
