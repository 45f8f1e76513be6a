/**
 * The steps of OpenFeature's older evaluation scenarios, and of those about merging contexts (openfeature-steps.ts has the others).
 */
import { OpenFeature } from '@openfeature/server-sdk';
import { expect } from 'vitest';
import type { StepDefinition } from '../support/gherkin.ts';
import { evaluateNow, type FlagType, type World, written } from './openfeature-steps.ts';

export const olderSteps: readonly StepDefinition<World>[] = [
  {
    pattern:
      /^an? (?:non-existent )?(boolean|string|integer|float) flag with key "(.*)" is evaluated with (?:details and )?(?:a )?(?:default|fallback) value "?(.*?)"?$/,
    act: (world, [type = '', key = '', fallback = '']) => {
      const capital = `${type[0]?.toUpperCase()}${type.slice(1)}`;
      world.flag = { type: capital as FlagType, key, fallback: written(capital, fallback) };
      return evaluateNow(world);
    },
  },
  {
    pattern: /^an object flag with key "(.*)" is evaluated with (?:details and )?a null default value$/,
    act: (world, [key = '']) => {
      world.flag = { type: 'Object', key, fallback: null };
      return evaluateNow(world);
    },
  },
  {
    pattern: /^the resolved (boolean|string|integer|float) value should be "?(.*?)"?$/,
    act: ({ details, flag }, [, text = '']) => expect(details.value).toBe(written(flag.type, text)),
  },
  {
    pattern:
      /^the resolved object (?:details )?value should be contain fields "(.*)", "(.*)", and "(.*)", with values "(.*)", "(.*)" and (.*), respectively$/,
    act: ({ details }, [one = '', two = '', three = '', isOn = '', text = '', count = '']) =>
      expect(details.value).toEqual({ [one]: isOn === 'true', [two]: text, [three]: Number(count) }),
  },
  {
    pattern:
      /^the resolved (boolean|string|integer|float) details value should be "?(.*?)"?, the variant should be "(.*)", and the reason should be "(.*)"$/,
    act: ({ details, flag }, [, text = '', variant, reason]) =>
      expect(details).toMatchObject({ value: written(flag.type, text), variant, reason }),
  },
  {
    pattern: /^the variant should be "(.*)", and the reason should be "(.*)"$/,
    act: ({ details }, [variant, reason]) => expect(details).toMatchObject({ variant, reason }),
  },
  {
    pattern:
      /^context contains keys "(.*)", "(.*)", "(.*)", "(.*)" with values "(.*)", "(.*)", (.*), "(.*)"$/,
    act: (world, [a = '', b = '', c = '', d = '', one = '', two = '', three = '', four = '']) => {
      world.context = { [a]: one, [b]: two, [c]: Number(three), [d]: four };
    },
  },
  {
    pattern: /^a flag with key "(.*)" is evaluated with default value "(.*)"$/,
    act: (world, [key = '', fallback = '']) => {
      world.flag = { type: 'String', key, fallback };
      return evaluateNow(world);
    },
  },
  {
    pattern: /^the resolved string response should be "(.*)"$/,
    act: ({ details }, [text]) => expect(details.value).toBe(text),
  },
  {
    pattern: /^the resolved flag value is "(.*)" when the context is empty$/,
    act: async (world, [text]) => {
      world.context = {};
      await evaluateNow(world);
      expect(world.details.value).toBe(text);
    },
  },
  {
    pattern:
      /^a string flag with key "(.*)" is evaluated as an integer, with details and a fallback value (.*)$/,
    act: (world, [key = '', fallback = '']) => {
      world.flag = { type: 'Integer', key, fallback: Number(fallback) };
      return evaluateNow(world);
    },
  },
  {
    pattern: /^the default (?:string|integer) value should be returned$/,
    act: ({ details, flag }) => expect(details.value).toBe(flag.fallback),
  },
  {
    pattern:
      /^the reason should indicate an error and the error code should indicate a (?:missing flag|type mismatch) with "(.*)"$/,
    act: ({ details }, [errorCode]) => expect(details).toMatchObject({ reason: 'ERROR', errorCode }),
  },
];

export const mergingSteps: readonly StepDefinition<World>[] = [
  {
    pattern: /^a stable provider with retrievable context is registered$/,
    act: (world) => world.register('stable'),
  },
  {
    pattern: /^A context entry with key "(.*)" and value "(.*)" is added to the "(.*)" level$/,
    act: ({ contexts }, [key = '', value = '', level = '']) => {
      contexts[level] = { ...contexts[level], [key]: value };
    },
  },
  {
    pattern: /^A table with levels of increasing precedence$/,
    act: (world, _groups, rows) => {
      world.levels = rows.flat();
    },
  },
  {
    pattern:
      /^Context entries for each level from API level down to the "(.*)" level, with key "(.*)" and value "(.*)"$/,
    act: ({ contexts, levels }, [last = '', key = '']) => {
      expect(levels).toContain(last);
      for (const level of levels.slice(0, levels.indexOf(last) + 1)) contexts[level] = { [key]: level };
    },
  },
  { pattern: /^Some flag was evaluated$/, act: evaluateOnEveryLevel },
  {
    pattern: /^The merged context contains an entry with key "(.*)" and value "(.*)"$/,
    act: ({ asked }, [key = '', value]) => expect(asked()[key]).toBe(value),
  },
];

async function evaluateOnEveryLevel(world: World): Promise<void> {
  const { client, contexts } = world;
  const { API = {}, Transaction = {}, Client = {}, Invocation = {}, 'Before Hooks': hooked } = contexts;
  OpenFeature.setContext(API);
  client.setContext(Client);
  if (hooked !== undefined) client.addHooks({ before: () => hooked });
  await new Promise<void>((resolve, reject) => {
    OpenFeature.setTransactionContext(Transaction, () => {
      const evaluation = client.getBooleanDetails('boolean-flag', false, Invocation);
      evaluation.then((details) => {
        world.details = details;
        resolve();
      }, reject);
    });
  });
  expect(world.details).toMatchObject({ value: true, reason: 'STATIC' });
}
