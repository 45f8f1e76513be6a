/** Laws of the blast radius, on random histories: what it says is what happens, whatever happens meanwhile. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AnyChange } from '../../../src/domain/change.ts';
import type { Placed } from '../../../src/domain/evolve.ts';
import { formatInstant } from '../../../src/domain/instant.ts';
import type { JsonValue } from '../../../src/domain/json.ts';
import type { LiveState } from '../../../src/domain/live-state.ts';
import { type Context, contextOfScope, type Scope } from '../../../src/domain/scope.ts';
import { Failure } from '../../../src/failure.ts';
import { radiusOf } from '../../support/blast-stand.ts';
import { holdsAt, naiveResolve, saidIn } from '../../support/naive-resolver.ts';
import {
  anyChange,
  contexts,
  historyOf,
  moments as hours,
  modelKey,
  type Played,
  play,
  stringKey,
} from '../../support/random-histories.ts';

const keys = [stringKey, modelKey];
const scopes: readonly Scope[] = ['global', 'tier:1', 'tenant:t', 'user:u'];
const changesets = fc.array(anyChange, { minLength: 1, maxLength: 4 });
const everything = { seen: contexts, sample: 1_000 };

/** The radius of the changes after a history; undefined where they are refused. */
function told(state: LiveState, changes: readonly AnyChange[], now: number, options: object = everything) {
  try {
    return radiusOf(state, changes, now, options);
  } catch (error) {
    if (error instanceof Failure && error.code === 'refused') return undefined;
    throw error;
  }
}

/** Runs a check on histories after which a changeset was not refused. */
function onPreviews(check: (preview: NonNullable<ReturnType<typeof told>>, played: Played) => void): void {
  fc.assert(
    fc.property(historyOf(anyChange, 3), changesets, (steps, changes) => {
      const played = play(steps);
      const preview = told(played.state, changes, played.now);
      if (preview !== undefined) check(preview, played);
    }),
    { numRuns: 400 },
  );
}

function eventsAfter(
  { events, now }: Played,
  { decided }: NonNullable<ReturnType<typeof told>>,
): readonly Placed[] {
  const recordedAt = formatInstant(now);
  return [...events, ...decided.events.map(({ body, revision }) => ({ ...body, revision, recordedAt }))];
}

function textOf({ user, tenant, tier }: Context): string {
  return JSON.stringify([user, tenant, tier]);
}

/** Every context that is known, by the events alone. */
function knownAfter(
  before: readonly Placed[],
  radius: { readonly layers: readonly { readonly scope: string }[] },
) {
  const said = before.flatMap(({ data }) => ('scope' in data ? [data.scope] : []));
  const touched = radius.layers.map(({ scope }) => (scope === 'fallback' ? 'global' : (scope as Scope)));
  const known = [...contexts, ...[...said, ...touched].map(contextOfScope)];
  return new Map(known.map((context) => [textOf(context), context]));
}

describe('on random histories', () => {
  test('the contexts that are told to change are those that do, from the first moment at which they do', () => {
    onPreviews((preview, played) => {
      const { radius } = preview;
      const after = eventsAfter(played, preview);
      const known = knownAfter(played.events, radius);
      expect(radius.contexts).toMatchObject({ known: known.size, checked: known.size });
      const really = new Set<string>();
      const changed = new Set<string>();
      for (const context of known.values()) {
        for (const key of keys) {
          const pairs = radius.moments.map((from) => ({
            before: naiveResolve(played.events, key, context, from)?.value ?? null,
            after: naiveResolve(after, key, context, from)?.value ?? null,
            from,
          }));
          const first = pairs.find((pair) => JSON.stringify(pair.before) !== JSON.stringify(pair.after));
          if (first === undefined) continue;
          really.add(JSON.stringify({ context: textOf(context), key, ...first }));
          changed.add(textOf(context));
        }
      }
      const sample = radius.contexts.sample.map(({ context, key, before, after: is, from }) =>
        JSON.stringify({ context: textOf(context), key, before, after: is, from }),
      );
      expect(sample).toHaveLength(really.size);
      expect(new Set(sample)).toStrictEqual(really);
      expect(radius.contexts.changed).toBe(changed.size);
    });
  });

  test('the layers that are told are those that say something else, and the shields those that stand', () => {
    onPreviews((preview, played) => {
      const { radius } = preview;
      const after = eventsAfter(played, preview);
      const told = radius.layers.filter(({ scope }) => scope !== 'fallback');
      const really = keys.flatMap((key) => scopes.flatMap((scope) => layersOf(key, scope, played, after)));
      const sorted = (list: readonly object[]) => list.map((one) => JSON.stringify(one)).toSorted();
      expect(sorted(told)).toStrictEqual(sorted(really));
      for (const { at } of radius.layers) expect(radius.moments).toContain(at);
      expect(radius.moments[0]).toBe(played.now);
      expect(radius.moments).toStrictEqual([...new Set(radius.moments)].toSorted((a, b) => a - b));
    });
  });

  test('what is recorded meanwhile does not show', () => {
    fc.assert(
      fc.property(historyOf(anyChange, 3), changesets, fc.array(changesets), (steps, changes, meanwhile) => {
        const alone = play(steps);
        const undisturbed = told(alone.state, changes, alone.now, { ...everything, slice: 1 });
        if (undisturbed === undefined) return;
        const { state, now } = play(steps);
        const rest = [...meanwhile];
        const onPause = () => {
          const next = rest.shift();
          if (next === undefined) return;
          const other = told(state, next, now);
          if (other !== undefined) state.absorb(other.decided.overlay, now);
        };
        const disturbed = told(state, changes, now, { ...everything, slice: 1, onPause });
        expect(disturbed?.radius).toStrictEqual(undisturbed.radius);
      }),
      { numRuns: 300 },
    );
  });
});

/** The steps of a layer by all events alone: at every hour, and just before it. */
function layersOf(
  key: string,
  scope: Scope,
  { events, now }: Played,
  after: readonly Placed[],
): readonly object[] {
  const saysAt = (all: readonly Placed[], at: number): JsonValue => {
    const holds = holdsAt(saidIn(all, key, scope), at);
    return holds === undefined || holds.kind === 'cleared' ? null : (holds.value as JsonValue);
  };
  const pairAt = (at: number) => ({ before: saysAt(events, at), after: saysAt(after, at) });
  return hours
    .filter((at) => at >= now)
    .flatMap((at) => {
      const pair = pairAt(at);
      const differs = JSON.stringify(pair.before) !== JSON.stringify(pair.after);
      const isNew = at === now || JSON.stringify(pair) !== JSON.stringify(pairAt(at - 1));
      if (!differs || !isNew) return [];
      return [{ key, scope, at, ...pair, shieldedBy: shieldsOf(key, scope, at, after) }];
    });
}

function shieldsOf(key: string, scope: Scope, at: number, events: readonly Placed[]) {
  const stands = (other: Scope) => {
    const holds = holdsAt(saidIn(events, key, other), at);
    return holds !== undefined && holds.kind !== 'cleared' ? 1 : 0;
  };
  const place = scopes.indexOf(scope);
  return {
    user: place < 3 ? stands('user:u') : 0,
    tenant: place < 2 ? stands('tenant:t') : 0,
    tier: place < 1 ? stands('tier:1') : 0,
  };
}
