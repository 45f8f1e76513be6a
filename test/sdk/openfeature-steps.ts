/**
 * The steps of OpenFeature's own scenarios, on the official server SDK with our provider. The world of a scenario is an
 * OpenFeature client on a domain of its own; what a step asks of providers comes in.
 */
import type {
  Client,
  EvaluationContext,
  EvaluationDetails,
  FlagEvaluationOptions,
  FlagValue,
  Hook,
  JsonValue,
} from '@openfeature/server-sdk';
import { expect } from 'vitest';
import type { StepDefinition } from '../support/gherkin.ts';

/** As the scenarios call them. */
export type ProviderKind = 'stable' | 'not ready' | 'error' | 'fatal' | 'stale';
export type FlagType = 'Boolean' | 'String' | 'Integer' | 'Float' | 'Object';

export interface World {
  readonly client: Client;
  /** Registers a provider that stands so. */
  readonly register: (kind: ProviderKind) => Promise<void>;
  /** The context that the provider was asked with last. */
  readonly asked: () => EvaluationContext;
  flag: { readonly type: FlagType; readonly key: string; readonly fallback: FlagValue };
  context: Record<string, FlagValue>;
  options: FlagEvaluationOptions;
  details: EvaluationDetails<FlagValue>;
  /** Hooks, in the order in which they ran. */
  readonly ran: string[];
  /** Levels of contexts, the widest first. */
  levels: readonly string[];
  contexts: Record<string, EvaluationContext>;
  evaluation?: Promise<void>;
}

export function createWorld(on: Pick<World, 'client' | 'register' | 'asked'>): World {
  return {
    ...on,
    flag: { type: 'Boolean', key: 'boolean-flag', fallback: false },
    context: {},
    options: {},
    details: { flagKey: '', value: false, flagMetadata: {} },
    ran: [],
    levels: [],
    contexts: {},
  };
}

/** A value as a scenario has it written. */
export function written(type: string, text: string): JsonValue {
  const plain = text.replaceAll('\\"', '"');
  return type === 'String' ? plain : JSON.parse(plain);
}

function evaluate({ client, flag, context, options }: World): Promise<EvaluationDetails<FlagValue>> {
  const { type, key, fallback } = flag;
  const asked = Object.keys(context).length === 0 ? undefined : context;
  switch (type) {
    case 'Boolean':
      return client.getBooleanDetails(key, fallback === true, asked, options);
    case 'String':
      return client.getStringDetails(key, String(fallback), asked, options);
    case 'Integer':
    case 'Float':
      return client.getNumberDetails(key, Number(fallback), asked, options);
    case 'Object':
      return client.getObjectDetails(key, fallback, asked, options);
    default:
      return type satisfies never;
  }
}

export async function evaluateNow(world: World): Promise<void> {
  world.details = await evaluate(world);
}

/** A hook that notes when it runs. */
function notingHook(ran: string[], name: string): Hook {
  return {
    before: () => void ran.push(`${name} before`),
    after: () => void ran.push(`${name} after`),
    finally: () => void ran.push(`${name} finally`),
  };
}

const usualSteps: readonly StepDefinition<World>[] = [
  {
    pattern: /^an? (stable|not ready|error|fatal|stale) provider$/,
    act: (world, [kind]) => world.register(kind as ProviderKind),
  },
  {
    pattern: /^an? (Boolean|String|Integer|Float|Object)-flag with key "(.*)" and a fallback value "(.*)"$/,
    act: (world, [type = '', key = '', fallback = '']) => {
      world.flag = { type: type as FlagType, key, fallback: written(type, fallback) };
    },
  },
  {
    pattern: /^a context containing a key "(.*)", with type "(.*)" and with value "(.*)"$/,
    act: ({ context }, [key = '', type = '', value = '']) => {
      context[key] = written(type, value);
    },
  },
  {
    pattern: /^a context containing a key "(.*)" with null value$/,
    act: ({ context }, [key = '']) => {
      context[key] = null;
    },
  },
  { pattern: /^the flag was evaluated with details(?: using the evaluation options)?$/, act: evaluateNow },
  {
    pattern: /^the resolved details value should be "(.*)"$/,
    act: ({ details, flag }, [text = '']) => expect(details.value).toEqual(written(flag.type, text)),
  },
  {
    pattern: /^the reason should be "(.*)"$/,
    act: ({ details }, [reason]) => expect(details.reason).toBe(reason),
  },
  {
    pattern: /^the error-code should be "(.*)"$/,
    act: ({ details }, [code]) => expect(details.errorCode).toBe(code),
  },
  {
    pattern: /^the flag key should be "(.*)"$/,
    act: ({ details }, [key]) => expect(details.flagKey).toBe(key),
  },
  {
    pattern: /^the variant should be "([^"]*)"$/,
    act: ({ details }, [variant]) => expect(details.variant).toBe(variant),
  },
  {
    pattern: /^the resolved metadata should contain$/,
    act: ({ details }, _groups, [, ...rows]) => {
      for (const [key = '', type = '', value = ''] of rows) {
        expect(details.flagMetadata).toHaveProperty(key, written(type, value));
      }
    },
  },
  {
    pattern: /^the provider status should be "(.*)"$/,
    act: ({ client }, [status]) => expect(client.providerStatus).toBe(status),
  },
];

const specialSteps: readonly StepDefinition<World>[] = [
  {
    pattern: /^evaluation options containing specific hooks$/,
    act: (world) => {
      world.options = { hooks: [notingHook(world.ran, 'first'), notingHook(world.ran, 'second')] };
    },
  },
  {
    pattern: /^the specified hooks should execute during evaluation$/,
    act: ({ ran }) => expect(ran.toSorted()).toEqual(hookOrder.toSorted()),
  },
  { pattern: /^the hook order should be maintained$/, act: ({ ran }) => expect(ran).toEqual(hookOrder) },
  {
    pattern: /^an evaluation context with modifiable data$/,
    act: (world) => {
      world.context = { targetingKey: 'u-1', tier: 3, nested: { list: [1] } };
    },
  },
  {
    pattern: /^the original evaluation context should remain unmodified$/,
    act: ({ context }) => {
      expect(context).toEqual({ targetingKey: 'u-1', tier: 3, nested: { list: [1] } });
      expect(Object.isFrozen(context)).toBe(false);
    },
  },
  {
    // Requirement 1.4.14.1: of the details the metadata are immutable.
    pattern: /^the evaluation details should be immutable$/,
    act: ({ details }) => {
      expect(Object.keys(details.flagMetadata)).not.toEqual([]);
      expect(() => Object.assign(details.flagMetadata, { revision: 0 })).toThrow(TypeError);
    },
  },
  {
    pattern: /^the flag was evaluated with details asynchronously$/,
    act: (world) => {
      world.evaluation = evaluateNow(world);
    },
  },
  {
    pattern: /^the evaluation should complete without blocking$/,
    act: async (world) => {
      // Nothing was answered in the tick of the call.
      expect(world.evaluation).toBeInstanceOf(Promise);
      await world.evaluation;
      expect(world.details.flagKey).toBe(world.flag.key);
    },
  },
];

/** Requirement 4.4.2: before in order, the others the other way round. */
const hookOrder = [
  'first before',
  'second before',
  'second after',
  'first after',
  'second finally',
  'first finally',
];

export const evaluationSteps = [...usualSteps, ...specialSteps];
