/**
 * Snapshots: everything that resolution needs, at one revision, as lines of JSON; and back into a live state.
 * Server and SDK share it. Descriptions, prices, API keys and tags are left out: resolution does not look at them.
 */
import { Failure } from '../failure.ts';
import { forever } from './assertion.ts';
import type { ValueType } from './event.ts';
import { keySubject, modelSubject, overrideSubject } from './event.ts';
import { formatInstant, parseInstant } from './instant.ts';
import type { JsonValue } from './json.ts';
import type { KeySlots, LiveState } from './live-state.ts';
import { splitModelId } from './model-reference.ts';
import { type Scope, type ScopeKind, splitScope } from './scope.ts';
import type { KeyState, ModelState, OverrideAssertion, OverrideState } from './subject-state.ts';

/** How the lines are written; to be raised whenever the same state is written in another way. */
export const snapshotFormat = 1;

/** Times are RFC 3339; what has no end has no `effectiveUntil`. */
export type SnapshotAssertion = {
  readonly revision: number;
  readonly effectiveFrom: string;
  readonly effectiveUntil?: string;
} & Pick<OverrideAssertion, 'kind' | 'value'>;

export type SnapshotLine =
  | {
      readonly type: 'snapshot';
      readonly ledger: string;
      /** Names the log that the revision counts in; older snapshots do not say. */
      readonly log?: string;
      readonly revision: number;
      readonly recordedAt: string;
    }
  | {
      readonly type: 'key';
      readonly key: string;
      readonly version: number;
      readonly revision: number;
      readonly valueType: ValueType;
      readonly fallback: JsonValue;
    }
  | {
      readonly type: 'model';
      readonly id: string;
      readonly version: number;
      readonly revision: number;
      readonly status: ModelState['status'];
      readonly successor?: string;
      readonly sunsetAt?: string;
    }
  | {
      readonly type: 'override';
      readonly key: string;
      readonly scope: Scope;
      readonly version: number;
      readonly assertions: readonly SnapshotAssertion[];
    }
  /** `count` lines stand between the first and this one; without it the snapshot was cut off. */
  | { readonly type: 'end'; readonly count: number };

interface OverrideGroup {
  readonly key: string;
  readonly scopes: readonly string[];
  /** In front of each scope: `user:`, or nothing. */
  readonly prefix: string;
  readonly states: readonly OverrideState[];
}

/** References to what stands at one revision; states never change, so lines can be made of them later. */
export interface HeldSnapshot {
  readonly revision: number;
  /** Epoch milliseconds. */
  readonly recordedAt: number;
  readonly keys: readonly KeyState[];
  readonly models: readonly ModelState[];
  readonly overrides: readonly OverrideGroup[];
}

/**
 * Takes hold of the state as it is now, in one go. `patterns` limits overrides: `global`, `tier:3`, `user:*`; all
 * when it is absent. 1,000,000 overrides take 12 to 25 ms (Node 20); iterating the live maps in slices lost, because
 * what changes in between would have to be kept aside.
 */
export function holdSnapshot(state: LiveState, patterns?: readonly string[]): HeldSnapshot {
  const wanted = wantedOf(patterns ?? ['global', 'tier:*', 'tenant:*', 'user:*']);
  const overrides = [...state.slots.values()].flatMap((slots) => groupsOf(slots, wanted));
  const { revision, recordedAt } = state;
  return { revision, recordedAt, keys: [...state.keys()], models: [...state.models()], overrides };
}

interface Wanted {
  readonly isGlobal: boolean;
  /** By kind, ids or all of them; kinds of which nothing is wanted are not there. */
  readonly kinds: readonly (readonly [ownKind: OwnKind, ids: ReadonlySet<string> | 'all'])[];
}

type OwnKind = Exclude<ScopeKind, 'global'>;

/** Patterns are taken apart once, and not once a key: there may be a thousand of the ones and ten thousand of the others. */
function wantedOf(patterns: readonly string[]): Wanted {
  const kinds = new Map<OwnKind, Set<string> | 'all'>();
  for (const pattern of patterns) {
    const { kind, id } = splitScope(pattern as Scope);
    if (kind === 'global') continue;
    const ids = id === '*' ? 'all' : (kinds.get(kind) ?? new Set());
    if (ids !== 'all') ids.add(id);
    kinds.set(kind, ids);
  }
  return { isGlobal: patterns.includes('global'), kinds: [...kinds] };
}

/** What is wanted of the overrides of a key. A kind that it has nothing of, which is the rule, costs one look. */
function groupsOf(slots: KeySlots, { isGlobal, kinds }: Wanted): readonly OverrideGroup[] {
  const { name: key, global } = slots;
  const groups: OverrideGroup[] = [];
  if (isGlobal && global) groups.push({ key, prefix: '', scopes: ['global'], states: [global] });
  for (const [kind, ids] of kinds) {
    const states = slots[kind];
    if (states.size === 0) continue;
    const prefix = `${kind}:`;
    if (ids === 'all') groups.push({ key, prefix, scopes: [...states.keys()], states: [...states.values()] });
    else groups.push({ key, prefix, ...found(states, ids) });
  }
  return groups;
}

/** Walks whichever is shorter. */
function found(states: ReadonlyMap<string, OverrideState>, ids: ReadonlySet<string>) {
  const scopes: string[] = [];
  const those: OverrideState[] = [];
  const take = (id: string, state: OverrideState | undefined) => {
    if (state === undefined) return;
    scopes.push(id);
    those.push(state);
  };
  if (ids.size <= states.size) for (const id of ids) take(id, states.get(id));
  else for (const [id, state] of states) if (ids.has(id)) take(id, state);
  return { scopes, states: those };
}

/** The lines of a snapshot, the first naming the revision, the last counting those between. */
export function* snapshotLines(
  held: HeldSnapshot,
  ledger: string,
  log?: string,
): Generator<SnapshotLine, void, undefined> {
  let count = 0;
  const { revision } = held;
  const named = log === undefined ? { ledger } : { ledger, log };
  yield { type: 'snapshot', ...named, revision, recordedAt: formatInstant(held.recordedAt) };
  for (const state of held.keys) {
    if (state.retired) continue;
    count += 1;
    yield keyLine(state);
  }
  for (const state of held.models) {
    count += 1;
    yield modelLine(state);
  }
  for (const { key, prefix, scopes, states } of held.overrides) {
    for (const [index, state] of states.entries()) {
      if (state.assertions.length === 0) continue;
      count += 1;
      const { version, assertions } = state;
      const scope = `${prefix}${scopes[index] ?? ''}` as Scope;
      yield { type: 'override', key, scope, version, assertions: assertions.map(assertionPart) };
    }
  }
  yield { type: 'end', count };
}

function keyLine({ version, revision, definition }: KeyState): SnapshotLine {
  const { key, valueType, fallback } = definition;
  return { type: 'key', key, version, revision, valueType, fallback };
}

function modelLine({ id, version, revision, status, successor, sunsetAt }: ModelState): SnapshotLine {
  return {
    type: 'model',
    id,
    version,
    revision,
    status,
    ...(successor === undefined ? {} : { successor }),
    ...(sunsetAt === undefined ? {} : { sunsetAt: formatInstant(sunsetAt) }),
  };
}

function assertionPart({ revision, from, until, kind, value }: OverrideAssertion): SnapshotAssertion {
  const end = until === forever ? {} : { effectiveUntil: formatInstant(until) };
  return { revision, effectiveFrom: formatInstant(from), ...end, kind, value };
}

/** Puts a line into a state. The first line sets its revision. Throws Failure `corrupt` for a bad time. */
export function putSnapshotLine(
  state: Pick<LiveState, 'revision' | 'recordedAt' | 'put'>,
  line: SnapshotLine,
): void {
  switch (line.type) {
    case 'snapshot':
      state.revision = line.revision;
      state.recordedAt = instantOf(line.recordedAt);
      return;
    case 'key': {
      const { key, version, revision, valueType, fallback } = line;
      state.put(keySubject(key), {
        version,
        revision,
        definition: { key, valueType, fallback },
        retired: false,
      });
      return;
    }
    case 'model': {
      const { type: _type, sunsetAt, ...fields } = line;
      const parts = splitModelId(line.id);
      const sunset = sunsetAt === undefined ? {} : { sunsetAt: instantOf(sunsetAt) };
      state.put(modelSubject(line.id), { ...fields, ...parts, ...sunset, name: parts.model, prices: [] });
      return;
    }
    case 'override': {
      const assertions = line.assertions.map(assertionFrom);
      state.put(overrideSubject(line.key, line.scope), { version: line.version, assertions });
      return;
    }
    case 'end':
      return;
    default:
      line satisfies never;
  }
}

/** Field by field: taking the rest and spreading it costs 2 µs an override, as much as reading its JSON (Node 20). */
function assertionFrom(said: SnapshotAssertion): OverrideAssertion {
  const { revision, effectiveFrom, effectiveUntil, kind, value } = said;
  const until = effectiveUntil === undefined ? forever : instantOf(effectiveUntil);
  return { revision, from: instantOf(effectiveFrom), until, kind, value } as OverrideAssertion;
}

function instantOf(text: string): number {
  const instant = parseInstant(text);
  if (instant === undefined)
    throw new Failure('corrupt', 'a snapshot holds a bad time', { reason: 'bad_snapshot' });
  return instant;
}
