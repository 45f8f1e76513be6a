/**
 * The yardstick of P1: OpenFeature's own in-memory provider, told the same world. Each key is a flag, each value a
 * variant, and the flag's evaluator looks the overrides up in maps, user before tenant before tier before global.
 * A world comes in; a provider and a client of the server SDK on top of it go out.
 */
import {
  type Client,
  type EvaluationContext,
  OpenFeature,
  TypedInMemoryProvider,
} from '@openfeature/server-sdk';
import { seedKeys } from '../../src/seed/keys.ts';
import type { World } from './world.ts';

export interface Yardstick {
  readonly provider: TypedInMemoryProvider;
  readonly client: Client;
  close(): Promise<void>;
}

interface Flag {
  readonly variants: Record<string, string>;
  readonly variantOf: Map<string, string>;
  readonly byScope: Map<string, Map<string, string>>;
}

export async function createYardstick(world: World): Promise<Yardstick> {
  const flags = new Map(world.keys.map((key) => [key, emptyFlag()]));
  for (const [key, flag] of flags) variant(flag, fallbackOf(world, key));
  for (const { key, scope, value } of world.overrides()) {
    const flag = flags.get(key);
    if (flag === undefined || typeof value !== 'string') continue;
    const [kind = '', id = ''] = scope.split(':');
    flag.byScope.get(kind)?.set(id, variant(flag, value));
  }
  const provider = new TypedInMemoryProvider(
    Object.fromEntries([...flags].map(([key, flag]) => [key, configured(flag)])),
  );
  await OpenFeature.setProviderAndWait(provider);
  return { provider, client: OpenFeature.getClient(), close: () => OpenFeature.clearProviders() };
}

function emptyFlag(): Flag {
  const byScope = new Map(
    ['user', 'tenant', 'tier', 'global'].map((kind) => [kind, new Map<string, string>()]),
  );
  return { variants: {}, variantOf: new Map(), byScope };
}

function configured(flag: Flag) {
  const [user, tenant, tier, global] = [...flag.byScope.values()];
  return {
    variants: flag.variants,
    defaultVariant: 'v0',
    disabled: false,
    contextEvaluator: (context: EvaluationContext) =>
      user?.get(String(context['user'])) ??
      tenant?.get(String(context['tenant'])) ??
      tier?.get(String(context['tier'])) ??
      global?.get('') ??
      'v0',
  };
}

/** The name of a value among a flag's variants; the first one is the fallback. */
function variant(flag: Flag, value: string): string {
  const known = flag.variantOf.get(value);
  if (known !== undefined) return known;
  const name = `v${flag.variantOf.size}`;
  flag.variantOf.set(value, name);
  flag.variants[name] = value;
  return name;
}

function fallbackOf(world: World, key: string): string {
  const fallback = [...seedKeys, ...world.definitions].find((definition) => definition.key === key)?.fallback;
  return typeof fallback === 'string' ? fallback : '';
}
