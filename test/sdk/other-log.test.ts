/**
 * Another log behind the same address, as after a restart with a fresh database: its revisions are another count, so nothing
 * of it may be put to what is held. A client begins anew with it, also where it is shorter.
 */
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Failure } from '../../src/failure.ts';
import type { VarveOptions } from '../../src/sdk/varve.ts';
import type { OddServer } from '../support/odd-server.ts';
import { defineNumber, type SdkStand, set, startSdkStand, until } from '../support/sdk-stand.ts';

const defineText = { type: 'defineKey', key: 'b.text', valueType: 'string', fallback: 'B' };

let stand: SdkStand;
let other: SdkStand;
/** The address behind which the one is first, and then the other. */
let address: OddServer;

beforeEach(async () => {
  stand = await startSdkStand({ logId: 'log-one' });
  await stand.http.change(defineNumber, set(1), set(2, 'user:u'));
  other = await startSdkStand({ logId: 'log-other' });
  address = await stand.openOdd();
});
afterEach(async () => {
  await stand.close();
  await other.close();
});

function starting(options: Partial<VarveOptions> = {}) {
  const troubles: Failure[] = [];
  const onTrouble = (failure: Failure) => void troubles.push(failure);
  const varve = stand.client({ url: address.url, pollMs: 5, onTrouble, ...options });
  return { varve, conflicts: () => troubles.filter(({ reason }) => reason === 'other_log') };
}

function exchange(): void {
  address.target = other.url;
  address.cut();
}

const otherHead = () => other.http.ledger().state.revision;

describe.each(['stream', 'polling'] as const)('by %s', (transport) => {
  test('a longer one is not mixed into what is held', async () => {
    await other.http.change(defineNumber, defineText);
    await other.http.change(set(7), set(8, 'tier:1'));
    const { varve, conflicts } = starting({ transport });
    await varve.ready();
    await until(() => varve.status().transport === transport);
    const told: unknown[] = [];
    varve.onChange('*', ({ revision, keys }) => told.push([revision, keys, varve.value('a.b')]));
    exchange();
    await until(() => varve.status().revision === otherHead());
    expect(varve.value('a.b', { user: 'u' })).toBe(7);
    expect(told).toEqual([[otherHead(), ['a.b', 'b.text'], 7]]);
    expect(conflicts()[0]).toMatchObject({ code: 'conflict', reason: 'other_log' });
    await other.http.change(set(9));
    await varve.reached(otherHead());
    expect([varve.value('a.b'), conflicts().length]).toEqual([9, 1]);
  });
});

test('a shorter one, which cannot say what comes after, is begun anew with as well', async () => {
  await other.http.change(defineText);
  const { varve, conflicts } = starting();
  await varve.ready();
  await until(() => varve.status().transport === 'stream');
  // The server would say so itself after five seconds.
  address.mood = ({ url = '', headers }, response) => {
    if (!url.startsWith('/v1/stream') || Number(headers['last-event-id']) <= otherHead()) return 'through';
    const problem = { code: 'unavailable', reason: 'revision_not_reached', detail: 'not yet' };
    response.writeHead(503, { 'content-type': 'application/problem+json', 'varve-log': 'log-other' });
    response.end(JSON.stringify(problem));
    return 'answered';
  };
  exchange();
  await until(() => varve.status().revision === otherHead());
  expect([varve.keys(), conflicts().length]).toEqual([['b.text'], 1]);
});

describe('with a file', () => {
  let cacheFile: string;
  beforeEach(async () => {
    cacheFile = join(await stand.folder(), 'varve.cache');
    await other.http.change(defineNumber, defineText);
    await other.http.change(set(7));
  });

  test('a start from the file of one log begins anew with the other, and so does the file', async () => {
    const first = starting({ cacheFile }).varve;
    await first.ready();
    await first.close();
    exchange();
    const { varve, conflicts } = starting({ cacheFile });
    await varve.ready();
    expect([varve.value('a.b', { user: 'u' }), varve.status().source]).toEqual([7, 'server']);
    expect(conflicts()).toHaveLength(1);
    await varve.close();
    address.target = 'http://127.0.0.1:1';
    const next = starting({ cacheFile }).varve;
    await next.ready();
    expect([next.value('a.b', { user: 'u' }), next.keys()]).toEqual([7, ['a.b', 'b.text']]);
  });

  test('what follows in the other log is not appended to the file of the one', async () => {
    const { varve } = starting({ cacheFile });
    await varve.ready();
    await until(() => varve.status().transport === 'stream');
    exchange();
    await until(() => varve.status().revision === otherHead());
    await until(() => varve.status().transport === 'stream');
    await other.http.change(set(9));
    await varve.reached(otherHead());
    await varve.close();
    address.target = 'http://127.0.0.1:1';
    const next = starting({ cacheFile }).varve;
    await next.ready();
    expect([next.status().revision, next.value('a.b', { user: 'u' })]).toEqual([otherHead(), 9]);
  });
});
