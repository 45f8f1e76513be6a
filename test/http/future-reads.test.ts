/**
 * Over HTTP, with a clock that is turned by hand: what is read ahead with `at` is what is answered when that moment has
 * come, whatever was planned in whatever order.
 */
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { formatInstant } from '../../src/domain/instant.ts';
import { type HttpAssembly, startHttp } from '../support/http-assembly.ts';

let http: HttpAssembly;
beforeEach(async () => {
  http = await startHttp();
  await http.change(
    { type: 'addModel', model: { id: 'acme/old', name: 'Old', contextWindow: 1 } },
    { type: 'addModel', model: { id: 'acme/new', name: 'New', contextWindow: 1 } },
    { type: 'defineKey', key: 'a.model', valueType: 'model', fallback: 'acme/old' },
    { type: 'defineKey', key: 'a.number', valueType: 'integer', fallback: 0 },
  );
});
afterEach(() => http.close());

const minuteMs = 60_000;
const contexts = ['', '?user=u', '?tier=1&tenant=t', '?user=u&tenant=t&tier=1'];

const plan = fc.record({
  scope: fc.constantFrom('global', 'tier:1', 'tenant:t', 'user:u'),
  number: fc.integer({ min: 1, max: 9 }),
  kind: fc.constantFrom('value', 'value', 'allocation', 'clear', 'model', 'sunset'),
  start: fc.integer({ min: 0, max: 9 }),
  lasting: fc.option(fc.integer({ min: 1, max: 6 })),
});

function changeOf({
  scope,
  number,
  kind,
  start,
  lasting,
}: typeof plan extends fc.Arbitrary<infer P> ? P : never) {
  const at = (minutes: number) => formatInstant(http.now() + minutes * minuteMs);
  const interval = {
    ...(start === 0 ? {} : { effectiveFrom: at(start) }),
    ...(lasting === null ? {} : { effectiveUntil: at(start + lasting) }),
  };
  const place = { key: kind === 'model' ? 'a.model' : 'a.number', scope, ...interval };
  switch (kind) {
    case 'value':
      return { type: 'setOverride', ...place, value: number };
    case 'allocation': {
      const arms = [1, 2].map((weight) => ({ name: `arm-${weight}`, value: number * weight, weight }));
      return { type: 'setOverride', ...place, allocation: { unit: 'user', share: number * 1_100, arms } };
    }
    case 'clear':
      return { type: 'clearOverride', ...place };
    case 'model':
      return {
        type: 'setOverride',
        ...place,
        value: number % 2 === 0 ? 'acme/new' : 'acme/old',
        allowUnlisted: true,
      };
    case 'sunset':
      return { type: 'deprecateModel', id: 'acme/old', successor: 'acme/new', sunsetAt: at(start + 1) };
    default:
      return kind satisfies never;
  }
}

async function answers(at?: string) {
  const all: unknown[] = [];
  for (const context of contexts) {
    const clock = at === undefined ? '' : `${context === '' ? '?' : '&'}at=${at}`;
    all.push((await http.call('GET', `/v1/resolve${context}${clock}`)).body.values);
  }
  return all;
}

test('what was read ahead is what is answered on that day', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(plan, { minLength: 1, maxLength: 8 }), async (plans) => {
      for (const one of plans) {
        await http.call('POST', '/v1/changesets', { reason: 'a plan', changes: [changeOf(one)] });
      }
      const ahead: unknown[] = [];
      for (let minute = 1; minute <= 16; minute++)
        ahead.push(await answers(formatInstant(http.now() + minute * minuteMs)));
      for (const read of ahead) {
        http.pass(minuteMs);
        expect(await answers()).toEqual(read);
      }
    }),
    { numRuns: 10 },
  );
}, 60_000);
