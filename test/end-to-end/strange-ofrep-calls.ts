/**
 * The part of strange-calls.ts about OFREP.
 */
import type { OtherLedger, StrangeCall } from './strange-calls.ts';

export function ofrepCalls({ key, tenant }: OtherLedger): Readonly<Record<string, readonly StrangeCall[]>> {
  const bulk = '/ofrep/v1/evaluate/flags';
  const body = { context: { targetingKey: tenant, tenant, tier: tenant } };
  return {
    [`POST ${bulk}`]: [{ path: bulk, body, statuses: [200] }],
    [`POST ${bulk}/:key`]: [
      { path: `${bulk}/${key}`, body, statuses: [404] },
      { path: `${bulk}/shared.key`, body, statuses: [200] },
    ],
  };
}
