/**
 * Lines of the cache file: a changeset of many events becomes one, piece by piece, and is read as what it was.
 */
import { expect, test } from 'vitest';
import type { ValuesEvent } from '../../src/domain/values-view.ts';
import { changesetLine, readChangesetLine } from '../../src/sdk/cache-lines.ts';

function changesetOf(count: number) {
  const recordedAt = '2026-03-01T12:00:00.000Z';
  const event = (revision: number): ValuesEvent => ({
    type: 'OverrideSet',
    data: { key: 'a.b', scope: `user:u-${revision}`, value: 'ü' },
    subject: `override:a.b@user:u-${revision}`,
    version: 1,
    revision,
    schemaVersion: 1,
    recordedAt,
    changesetId: 'c',
    last: revision === count,
  });
  const events = Array.from({ length: count }, (_, index) => event(index + 1));
  return { revision: count, recordedAt, events, after: 0, at: 5 };
}

test.each([0, 1, 500, 501, 1_200])(
  'of %i events is read as what was written, and only after its forerunner',
  async (count) => {
    const changeset = changesetOf(count);
    const { pieces, checksum } = await changesetLine('before', changeset);
    const line = pieces.join('');
    expect(line.indexOf('\n')).toBe(line.length - 1);
    expect(readChangesetLine('before', line.slice(0, -1))).toEqual({ checksum, changeset });
    expect(readChangesetLine('other', line.slice(0, -1))).toBeUndefined();
  },
);

test('of many events lets others have their turn meanwhile', async () => {
  const order: string[] = [];
  setImmediate(() => order.push('another'));
  await changesetLine('', changesetOf(1_200)).then(() => order.push('the line'));
  expect(order).toEqual(['another', 'the line']);
});
