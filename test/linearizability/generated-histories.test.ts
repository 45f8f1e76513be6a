/** Histories of a right Varve are legal, whatever the seed; spoilt in any one way they are not. Seeds are printed on failure. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createRandom } from '../disaster/random.ts';
import { judge } from './judge.ts';
import { modelHistory } from './model-history.ts';
import { mutations } from './mutations.ts';

const seeds = fc.integer({ min: 0, max: 2 ** 32 - 1 });

test('right histories are legal', () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const { verdict, broken, subjects } = judge(modelHistory(createRandom(seed)));
      expect({ verdict, broken, subjects }, `seed ${seed}`).toMatchObject({ verdict: 'legal', broken: [] });
    }),
    { numRuns: 200 },
  );
});

describe('a spoilt history is found', () => {
  test.each(Object.entries(mutations))('%s', (_name, spoil) => {
    let spoilt = 0;
    fc.assert(
      fc.property(seeds, (seed) => {
        const random = createRandom(seed);
        const history = spoil(modelHistory(random), random);
        if (history === undefined) return;
        spoilt++;
        expect(judge(history).verdict, `seed ${seed}`).toBe('illegal');
      }),
      { numRuns: 60 },
    );
    expect(spoilt).toBeGreaterThan(10);
  });
});
