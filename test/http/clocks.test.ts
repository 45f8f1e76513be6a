/**
 * The two clocks of a request, as product.md has them: every combination of asOf and at, and what is refused.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { formatInstant } from '../../src/domain/instant.ts';
import { type ClockQuestion, fixMoment, readClocks } from '../../src/http/clocks.ts';
import { type HttpAssembly, startHttp, startOfClock } from '../support/http-assembly.ts';

const hour = 3_600_000;

/** Revision 1: the admin's key, at the start. 2: a key, 1 h later. 3, 4: overrides, 2 h later. 5: a tag of 3, 3 h later. */
let http: HttpAssembly;

beforeAll(async () => {
  http = await startHttp();
  http.pass(hour);
  await http.change({ type: 'defineKey', key: 'a.b', valueType: 'integer', fallback: 0 });
  http.pass(hour);
  await http.change(
    { type: 'setOverride', key: 'a.b', scope: 'global', value: 1 },
    { type: 'setOverride', key: 'a.b', scope: 'tier:1', value: 2 },
  );
  http.pass(hour);
  await http.change({ type: 'tagRevision', name: 'good', revision: 3 });
  http.pass(hour);
});
afterAll(() => http.close());

const at = (hours: number): number => startOfClock + hours * hour;
const rfc = (hours: number): string => formatInstant(at(hours));

async function ask(question: ClockQuestion, now = http.now()) {
  const clocks = await readClocks(
    { reads: http.dependencies.reads, now: () => now },
    http.ledger(),
    question,
  );
  return fixMoment(clocks, http.ledger().state, now);
}

describe('moments', () => {
  const head = 5;
  test.each<[string, ClockQuestion, { asOf: number; at: number; isLive: boolean }]>([
    ['nothing: head and now', {}, { asOf: head, at: at(4), isLive: true }],
    ['a past at: today, about then', { at: at(1) }, { asOf: head, at: at(1), isLive: false }],
    ['a future at: today, about then', { at: at(9) }, { asOf: head, at: at(9), isLive: true }],
    ['a revision moves both', { asOf: '2' }, { asOf: 2, at: at(1), isLive: false }],
    ['the head by its number is as it was recorded', { asOf: '5' }, { asOf: 5, at: at(3), isLive: true }],
    ['revision 0 is the empty ledger', { asOf: '0' }, { asOf: 0, at: 0, isLive: false }],
    ['a revision inside a changeset', { asOf: '3' }, { asOf: 3, at: at(2), isLive: false }],
    ['a revision and at', { asOf: '2', at: at(9) }, { asOf: 2, at: at(9), isLive: false }],
    ['a time moves both', { asOf: rfc(1.5) }, { asOf: 2, at: at(1.5), isLive: false }],
    ['a time at which a changeset was recorded', { asOf: rfc(2) }, { asOf: 4, at: at(2), isLive: false }],
    ['a time before everything', { asOf: rfc(-1) }, { asOf: 0, at: at(-1), isLive: false }],
    ['a time after the head', { asOf: rfc(3.5) }, { asOf: 5, at: at(3.5), isLive: true }],
    ['the present', { asOf: rfc(4) }, { asOf: 5, at: at(4), isLive: true }],
    ['a time and at', { asOf: rfc(1.5), at: at(0) }, { asOf: 2, at: at(0), isLive: false }],
    ['a time with an offset', { asOf: '2026-03-01T15:30:00+02:00' }, { asOf: 2, at: at(1.5), isLive: false }],
    ['a tag moves both', { asOf: 'tag:good' }, { asOf: 3, at: at(2), isLive: false }],
    ['a tag and at', { asOf: 'tag:good', at: at(7) }, { asOf: 3, at: at(7), isLive: false }],
    ['minRevision that is here', { minRevision: 5 }, { asOf: 5, at: at(4), isLive: true }],
  ])('%s', async (_name, question, moment) => {
    expect(await ask(question)).toEqual(moment);
  });

  test('now is never before the head was recorded, whatever the clock says', async () => {
    expect(await ask({}, at(-5))).toEqual({ asOf: 5, at: at(3), isLive: true });
    expect(await ask({ asOf: rfc(3) }, at(-5))).toEqual({ asOf: 5, at: at(3), isLive: true });
  });

  test('asOf moved by a revision is that of its changeset: the answers of 3 and 4 differ', async () => {
    const value = async (asOf: string) =>
      (await http.call('GET', `/v1/resolve/a.b?tier=1&asOf=${asOf}`)).body.value;
    expect([await value('2'), await value('3'), await value('4')]).toEqual([0, 1, 2]);
  });
});

describe('refused', () => {
  const refused = async (question: ClockQuestion): Promise<unknown> =>
    ask(question).then(
      (moment) => expect.unreachable(`answered ${JSON.stringify(moment)}`),
      (failure: unknown) => failure,
    );

  test.each<[string, ClockQuestion, string]>([
    ['a revision beyond the head', { asOf: '6' }, 'query.asOf'],
    ['a time in the future', { asOf: rfc(4.001) }, 'query.asOf'],
    ['an unknown tag', { asOf: 'tag:bad' }, 'query.asOf'],
    ['a tag without a name', { asOf: 'tag:' }, 'query.asOf'],
    ['a number with a leading zero', { asOf: '05' }, 'query.asOf'],
    ['a word', { asOf: 'yesterday' }, 'query.asOf'],
    ['a minRevision that nobody will see', { minRevision: 2_000_000 }, 'query.minRevision'],
  ])('%s is invalid', async (_name, question, path) => {
    const failure = await refused(question);
    expect(failure).toMatchObject({ code: 'invalid', details: [{ path }] });
  });

  test('a minRevision that does not come in time is unavailable', async () => {
    expect(await refused({ minRevision: 6 })).toMatchObject({
      code: 'unavailable',
      details: [{ path: 'query.minRevision' }],
    });
  });
});
