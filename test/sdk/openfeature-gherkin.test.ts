/**
 * OpenFeature's own scenarios (open-feature/spec, specification/assets/gherkin) through the official server SDK with our provider, on a
 * ledger that holds the flags of the suite. Every scenario passes, or stands in the table of those that do not apply with
 * the reason; those are run as well, and must fail, so that none is left out that would pass.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type EvaluationContext,
  OpenFeature,
  AsyncLocalStorageTransactionContextPropagator as PerTransaction,
} from '@openfeature/server-sdk';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { VarveProvider, type VarveProviderOptions } from '../../src/sdk/openfeature-provider.ts';
import type { Varve } from '../../src/sdk/varve.ts';
import { runScenario, scenariosOf } from '../support/gherkin.ts';
import { type SdkStand, startSdkStand, until } from '../support/sdk-stand.ts';
import { changesOf, keyOfFlag, targetedUser } from './openfeature-flags.ts';
import { mergingSteps, olderSteps } from './openfeature-older-steps.ts';
import { createWorld, evaluationSteps, type ProviderKind } from './openfeature-steps.ts';

const named = process.env['VARVE_VECTORS'];
const folder = join(
  named ?? fileURLToPath(new URL('../../../shared/vectors', import.meta.url)),
  'openfeature',
);
const isHere = existsSync(folder);
const leftOutNote = isHere ? '' : ' (left out: no published vectors here, see VARVE_VECTORS)';

const byAttribute =
  'Varve targets by user, tenant and tier, not by attributes such as email, age or customer';
const namesNoValue =
  'values of a key have no names: the variant is the arm, or the kind of the scope that won, not the name of the value';
const noOwnMetadata = 'a key carries no metadata of its own: metadata tells of the resolution';
const notCached = 'each evaluation resolves anew in process; no answer comes from a cache';
const notDisabled = 'no key is switched off: one that is retired is FLAG_NOT_FOUND';

const features: Readonly<Record<string, { count: number; doNotApply: Readonly<Record<string, string>> }>> = {
  'evaluation_v2.feature': {
    count: 82,
    doNotApply: {
      'Resolves zero value with targeting': byAttribute,
      'Multiple context attributes targeting': byAttribute,
      'Complete evaluation details structure': namesNoValue,
      'Variant field population': namesNoValue,
      'Flag metadata in evaluation details': noOwnMetadata,
      'CACHED reason': notCached,
      'DISABLED reason': notDisabled,
    },
  },
  'evaluation.feature': {
    count: 13,
    doNotApply: {
      'Resolves boolean details': namesNoValue,
      'Resolves string details': namesNoValue,
      'Resolves integer details': namesNoValue,
      'Resolves float details': namesNoValue,
      'Resolves object details': namesNoValue,
      'Resolves based on context': byAttribute,
    },
  },
  'contextMerging.feature': { count: 29, doNotApply: {} },
};

const suite = isHere
  ? Object.entries(features).flatMap(([file, { doNotApply }]) =>
      scenariosOf(readFileSync(join(folder, file), 'utf8')).map((scenario, index) => ({
        file,
        title: `${file} ${index + 1}: ${scenario.name}`,
        scenario,
        reason: doNotApply[scenario.name],
      })),
    )
  : [];
const applying = suite.filter(({ reason }) => reason === undefined);
const others = suite.filter(({ reason }) => reason !== undefined);

test('the scenarios are where VARVE_VECTORS says, if it says so', () => {
  expect(named === undefined || isHere).toBe(true);
});

describe.runIf(isHere)(`the suite of OpenFeature${leftOutNote}`, () => {
  const domain = 'varve-gherkin';
  const client = OpenFeature.getClient(domain);
  let stand: SdkStand;
  let varve: Varve;
  let asked: EvaluationContext = {};
  let silentUrl: string;
  const silent = createServer(() => undefined);

  /** Keeps the context that it was asked with. */
  class NotingProvider extends VarveProvider {
    override async resolveBooleanEvaluation(key: string, fallback: boolean, context: EvaluationContext) {
      asked = context;
      return super.resolveBooleanEvaluation(key, fallback, context);
    }
  }

  beforeAll(async () => {
    stand = await startSdkStand();
    await stand.http.change(...changesOf(readFileSync(join(folder, 'test-flags.json'), 'utf8')));
    varve = stand.client();
    await varve.ready();
    await new Promise<void>((go) => silent.listen(0, '127.0.0.1', go));
    silentUrl = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    OpenFeature.setTransactionContextPropagator(new PerTransaction());
  });
  afterAll(async () => {
    await OpenFeature.clearProviders();
    await stand.close();
    silent.closeAllConnections();
    silent.close();
  });
  afterEach(() => {
    OpenFeature.setContext({});
    client.setContext({});
    client.clearHooks();
  });

  /** As OpenFeature does it: what fails to start is told by its status. */
  async function set(on: Varve, options: VarveProviderOptions): Promise<void> {
    const provider = new NotingProvider(on, { keyOf: keyOfFlag, ...options });
    await OpenFeature.setProviderAndWait(domain, provider).catch(() => undefined);
  }

  async function register(kind: ProviderKind): Promise<void> {
    switch (kind) {
      case 'stable':
        return set(varve, { keepOpen: true });
      case 'not ready':
        void set(stand.client({ url: silentUrl }), {});
        return;
      case 'error':
        return set(stand.client({ url: silentUrl }), { readyTimeoutMs: 20 });
      case 'fatal':
        return set(stand.client({ apiKey: 'nobody' }), {});
      case 'stale':
        await set(stand.client({ transport: 'polling', pollMs: 86_400_000, staleAfterMs: 20 }), {});
        return until(() => client.providerStatus === 'STALE');
      default:
        return kind satisfies never;
    }
  }

  function run(scenario: (typeof suite)[number]['scenario']): Promise<number> {
    const steps = [...evaluationSteps, ...olderSteps, ...mergingSteps];
    return runScenario(scenario, steps, createWorld({ client, register, asked: () => asked }));
  }

  test('has as many scenarios as are known: 94 apply, 30 do not', () => {
    for (const [file, { count }] of Object.entries(features)) {
      expect([file, suite.filter((entry) => entry.file === file).length]).toEqual([file, count]);
    }
    expect([applying.length, others.length]).toEqual([94, 30]);
    const named = Object.values(features).flatMap(({ doNotApply }) => Object.keys(doNotApply));
    expect(new Set(others.map(({ scenario }) => scenario.name))).toEqual(new Set(named));
  });

  test.each(applying.map((entry) => [entry.title, entry] as const))('%s', async (_title, { scenario }) => {
    await expect(run(scenario)).resolves.toBe(scenario.steps.length);
  });

  test.each(others.map((entry) => [entry.title, entry.reason, entry] as const))(
    '%s does not apply: %s',
    async (_title, _reason, { scenario }) => {
      await expect(run(scenario)).rejects.toThrow(/^expected/);
    },
  );

  test.each([
    ['boolean-targeted-zero-flag', false],
    ['integer-targeted-zero-flag', 0],
    ['complex-targeted', 'INTERNAL'],
  ])('what is targeted by an attribute there is targeted by targetingKey here: %s', async (key, value) => {
    await register('stable');
    const context = { targetingKey: targetedUser };
    const details =
      typeof value === 'boolean'
        ? await client.getBooleanDetails(key, true, context)
        : typeof value === 'number'
          ? await client.getNumberDetails(key, 1, context)
          : await client.getStringDetails(key, 'x', context);
    expect(details).toMatchObject({ value, reason: 'TARGETING_MATCH', variant: 'user' });
  });
});
