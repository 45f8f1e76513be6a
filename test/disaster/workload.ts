/**
 * What the writers send: changesets that can be told apart to the last change.
 * In: a random stream; out: bodies for POST /v1/changesets. Every value carries the changeset's marker, its own place
 * in the changeset and how many there are, so that a missing, doubled or foreign part shows by itself.
 */
import type { Random } from './random.ts';

/** One override that a changeset sets. */
export interface Assertion {
  readonly key: string;
  readonly scope: string;
  readonly value: string;
}

export interface SentChangeset {
  /** Unique; also its Idempotency-Key. */
  readonly marker: string;
  readonly assertions: readonly Assertion[];
  readonly body: string;
}

export const keys = ['disaster.red', 'disaster.green', 'disaster.blue', 'disaster.black'] as const;
export const fallback = 'nobody wrote this';

const counts = { tier: 4, tenant: 16, user: 32 } as const;

/** Few enough that writers meet on the same overrides all the time. */
export const scopes: readonly string[] = [
  'global',
  ...Object.entries(counts).flatMap(([kind, count]) =>
    Array.from({ length: count }, (_, index) => `${kind}:${kind}-${index}`),
  ),
];

const subjectCount = keys.length * scopes.length;
const maxSmall = 12;
const maxLarge = 150;

/** Defines the keys that the writers use. */
export const setupBody = JSON.stringify({
  reason: 'The disaster begins',
  changes: keys.map((key) => ({ type: 'defineKey', key, valueType: 'string', fallback })),
});

/** Two of five set one override, most others a few, some so many that they take a while to write. */
export function makeChangeset(marker: string, random: Random): SentChangeset {
  const count = countOf(random);
  const assertions = pickDistinct(count, random).map((subject, index) => ({
    key: keys[subject % keys.length] ?? keys[0],
    scope: scopes[Math.floor(subject / keys.length)] ?? 'global',
    value: `${marker}#${index + 1}/${count}`,
  }));
  const changes = assertions.map((assertion) => ({ type: 'setOverride', ...assertion }));
  return { marker, assertions, body: JSON.stringify({ reason: `Changeset ${marker}`, changes }) };
}

/** Whose part a value is, and which of how many; undefined for a value of somebody else. */
export function readValue(
  value: unknown,
): { readonly marker: string; readonly place: number; readonly count: number } | undefined {
  if (typeof value !== 'string') return undefined;
  const [, marker, place, count] = /^([^#]+)#(\d+)\/(\d+)$/.exec(value) ?? [];
  return marker === undefined ? undefined : { marker, place: Number(place), count: Number(count) };
}

export function subjectOf({ key, scope }: Pick<Assertion, 'key' | 'scope'>): string {
  return `override:${key}@${scope}`;
}

function countOf(random: Random): number {
  if (random.chance(0.4)) return 1;
  if (random.chance(0.03)) return maxSmall + 1 + random.below(maxLarge - maxSmall);
  return 2 + random.below(maxSmall - 1);
}

function pickDistinct(count: number, random: Random): readonly number[] {
  const picked = new Set<number>();
  while (picked.size < count) picked.add(random.below(subjectCount));
  return [...picked];
}
