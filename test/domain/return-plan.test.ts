/**
 * Back to a point as a plan: what a subject is to be, and nothing of where its last event stood.
 */
import { expect, test } from 'vitest';
import { planReturn } from '../../src/domain/rollback/return-plan.ts';
import { coveredByDefault } from '../../src/domain/rollback/rollback-plan.ts';
import { modelAdded, modelRemoved } from '../support/drafts.ts';
import { fold } from '../support/specification.ts';

const id = 'acme/one';
const subject = `model:${id}`;

function planned(resolve: Readonly<Record<string, 'keep' | 'undo'>> = {}) {
  const { prices: _prices, ...then } = fold(modelAdded(id)).model(id) ?? { prices: [] };
  const state = fold(modelAdded(id), modelRemoved(id)).model(id);
  if (state === undefined || !('id' in then)) throw new Error('the model is not there');
  const standing = { subject, version: 2, revision: 2, changesetId: 'removal', state };
  return planReturn(
    {
      to: 1,
      subjects: [standing],
      assertions: new Map(),
      definitions: new Map(),
      models: new Map([[id, then]]),
    },
    coveredByDefault,
    resolve,
  );
}

test('a model is to be what it was, without the version and revision of then', () => {
  const { targets, undoes } = planned();
  expect(targets).toEqual([
    {
      kind: 'model',
      subject,
      version: 2,
      id,
      wanted: {
        id,
        provider: 'acme',
        model: 'one',
        name: id,
        contextWindow: 128_000,
        status: 'active',
      },
    },
  ]);
  expect(undoes).toEqual(new Map([[subject, 'removal']]));
});

test('a subject that is kept is not planned for', () => {
  expect(planned({ [subject]: 'keep' }).targets).toEqual([]);
});
