/**
 * Sums by name: of models, tenants, keys. Names come in, each answers the sum to add to; the largest go out, and the rest
 * as one, so that what goes out always adds up to everything that came in. Memory is bounded by the names told apart.
 */

/** The most names that are told apart; what comes after them is summed. */
const maxNames = 20_000;

/** How sums of a kind begin, come together and are ordered. */
export interface SumKind<Sum> {
  empty(): Sum;
  add(sum: Sum, other: Sum): void;
  /** The order of a list; equal ones are ordered by name. */
  compare(one: Sum, other: Sum): number;
}

export interface NamedSums<Sum> {
  /** The sum of a name; null where there is none. */
  of(name: string | null): Sum;
  /** The first `limit` names in order, and the sum of all others, undefined when there are none. */
  list(limit: number): {
    readonly named: readonly { readonly name: string | null; readonly sum: Sum }[];
    readonly rest: Sum | undefined;
  };
}

export function createNamedSums<Sum>(kind: SumKind<Sum>): NamedSums<Sum> {
  const sums = new Map<string | null, Sum>();
  let beyond: Sum | undefined;
  return {
    of(name) {
      const known = sums.get(name);
      if (known !== undefined) return known;
      if (sums.size >= maxNames) {
        beyond ??= kind.empty();
        return beyond;
      }
      const added = kind.empty();
      sums.set(name, added);
      return added;
    },
    list(limit) {
      const sorted = [...sums]
        .map(([name, sum]) => ({ name, sum }))
        .sort((one, other) => kind.compare(one.sum, other.sum) || byName(one.name, other.name));
      const cut = sorted.slice(limit);
      if (cut.length === 0 && beyond === undefined) return { named: sorted, rest: undefined };
      const rest = kind.empty();
      if (beyond !== undefined) kind.add(rest, beyond);
      for (const { sum } of cut) kind.add(rest, sum);
      return { named: sorted.slice(0, limit), rest };
    },
  };
}

/** Nameless last. */
function byName(one: string | null, other: string | null): number {
  if (one === null || other === null) return one === null ? 1 : -1;
  return one < other ? -1 : 1;
}
