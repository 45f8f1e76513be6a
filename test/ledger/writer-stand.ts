/**
 * A writer to be tested: on the memory engine, with a scripted clock, ids that count, an index of idempotency keys that
 * is as far behind as the test wants, and a log whose appends and heads can be made to fail, to lose or to wait.
 */
import type { AnyChange } from '../../src/domain/change.ts';
import type { RecordedEvent } from '../../src/domain/event.ts';
import { LiveState } from '../../src/domain/live-state.ts';
import { Failure } from '../../src/failure.ts';
import type { ChangesetRequest, ChangesetResult } from '../../src/ledger/changeset.ts';
import { decodeEvent } from '../../src/ledger/event-codec.ts';
import { type FirstAnswer, IdempotencyTail, idOf } from '../../src/ledger/idempotency.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { LiveFold } from '../../src/ledger/live-fold.ts';
import { createMemoryLedger } from '../../src/ledger/memory-ledger.ts';
import type { AnswerLimits } from '../../src/ledger/waiting.ts';
import { Writer, type WriterDependencies } from '../../src/ledger/writer.ts';

export const start = Date.UTC(2026, 0, 1);
export const key = 'limits.tokens';

/** What happens around the next appends, in order: `before` and `after` may wait or throw. */
export interface Fault {
  readonly before?: () => Promise<unknown> | undefined;
  readonly after?: () => Promise<unknown> | undefined;
}

/** A log with faults; appends for which none is planned go through. */
export function withFaults(inner: Ledger): Ledger & { readonly faults: Fault[]; appends: number } {
  return {
    ...inner,
    faults: [],
    appends: 0,
    async append(ledger, expectedRevision, events) {
      this.appends += 1;
      const fault = this.faults.shift();
      await fault?.before?.();
      const result = await inner.append(ledger, expectedRevision, events);
      await fault?.after?.();
      return result;
    },
  };
}

export interface Stand {
  readonly writer: Writer;
  /** What the writer was given; a test may replace a part. */
  readonly dependencies: { -readonly [Name in keyof WriterDependencies]: WriterDependencies[Name] };
  readonly fold: LiveFold;
  readonly log: ReturnType<typeof withFaults>;
  /** The same log without this stand's faults, for another stand. */
  readonly shared: Ledger;
  /** What the shared clock says next; moved by hand. */
  readonly clock: { now: number };
  /** What the index knows. `checkpoint: undefined` keeps it at the head of the fold. */
  readonly index: { checkpoint: number | undefined; failure: Error | undefined };
  readonly remembered: Map<string, FirstAnswer>;
  /** Every changeset that was told, in order. */
  readonly told: (readonly RecordedEvent[])[];
  /** Sizes of the groups that were committed: requests, events. */
  readonly groups: [requests: number, events: number][];
  readonly counts: { lostRaces: number; appended: number };
  readonly stops: unknown[];
  submit(changes: readonly AnyChange[], more?: Partial<ChangesetRequest>): Promise<ChangesetResult>;
  /** All events of the log, decoded. */
  logged(): Promise<readonly RecordedEvent[]>;
}

export interface StandOptions {
  /** The log of another stand: the two are servers on one database. */
  readonly log?: Ledger;
  readonly maxQueue?: number;
  readonly maxChangesetBytes?: number;
  readonly rememberNoChange?: WriterDependencies['rememberNoChange'];
  /** The table of remembered answers, which another stand uses as well. */
  readonly remembered?: Map<string, FirstAnswer>;
  /** False: the first look-up is from before whatever was remembered. */
  readonly seesRemembered?: boolean;
  readonly answerLimits?: AnswerLimits;
  /** What the shared clock waits for. */
  readonly beforeClock?: () => Promise<unknown>;
}

export function openStand(options: StandOptions = {}): Stand {
  const { maxChangesetBytes } = options;
  const shared =
    options.log ?? createMemoryLedger(maxChangesetBytes === undefined ? {} : { maxChangesetBytes });
  const log = withFaults(shared);
  const clock = { now: start };
  const index: Stand['index'] = { checkpoint: undefined, failure: undefined };
  const told: (readonly RecordedEvent[])[] = [];
  const groups: Stand['groups'] = [];
  const counts = { lostRaces: 0, appended: 0 };
  const stops: unknown[] = [];
  const known = new Map<string, FirstAnswer>();
  const remembered = options.remembered ?? new Map<string, FirstAnswer>();
  let seesRemembered = options.seesRemembered ?? true;
  let ids = 0;
  const fold = new LiveFold({
    name: 'default',
    log,
    state: new LiveState(),
    idempotency: new IdempotencyTail(0),
    now: () => clock.now,
    onStopped: (failure) => stops.push(failure),
    onTrouble: (failure) => {
      throw failure;
    },
  });
  fold.onChangeset((events) => {
    told.push(events);
    const [first] = events;
    const last = events.at(-1);
    if (first?.idempotency === undefined || last === undefined) return;
    const { changesetId, revision, idempotency } = first;
    const place = { kind: 'changeset', changesetId, first: revision, last: last.revision } as const;
    known.set(idOf({ actor: first.actor.id, key: idempotency.key }), {
      ...place,
      bodyHash: idempotency.bodyHash,
    });
  });
  const dependencies: Stand['dependencies'] = {
    fold,
    clock: async () => {
      await options.beforeClock?.();
      return clock.now;
    },
    ...(options.answerLimits === undefined ? {} : { answerLimits: options.answerLimits }),
    now: () => clock.now,
    newId: () => {
      ids += 1;
      return `changeset-${ids}`;
    },
    findAnswers: async (wanted) => {
      if (index.failure !== undefined) throw index.failure;
      const checkpoint = index.checkpoint ?? fold.state.revision;
      const isBefore = !seesRemembered;
      seesRemembered = true;
      const answers = wanted.map((id) => {
        const answer = known.get(idOf(id));
        if (answer?.kind === 'changeset' && answer.last <= checkpoint) return answer;
        return isBefore ? undefined : remembered.get(idOf(id));
      });
      return { answers, checkpoint };
    },
    rememberNoChange:
      options.rememberNoChange ??
      (async (id, bodyHash, answer) => {
        if (remembered.has(idOf(id))) return false;
        remembered.set(idOf(id), { kind: 'no_change', answer, bodyHash });
        return true;
      }),
    replay: async (first, last) => {
      const stored = await log.read('default', first - 1, last - first + 1);
      return stored.map((event) => ({ ...decodeEvent(event), changes: [] }));
    },
    observe: {
      grouped: (requests, events) => groups.push([requests, events]),
      appending: () => () => {
        counts.appended += 1;
      },
      lostRace: () => {
        counts.lostRaces += 1;
      },
      changed: () => undefined,
    },
    maxQueue: options.maxQueue ?? 10_000,
  };
  const writer = new Writer(dependencies);
  return {
    writer,
    dependencies,
    fold,
    log,
    shared,
    clock,
    index,
    remembered,
    told,
    groups,
    counts,
    stops,
    submit: (changes, more = {}) => writer.submit(request(changes, more)),
    logged: async () => (await log.read('default', 0, 10_000)).map(decodeEvent),
  };
}

export function request(
  changes: readonly AnyChange[],
  more: Partial<ChangesetRequest> = {},
): ChangesetRequest {
  return {
    changes,
    actor: { id: 'ci', kind: 'api_key' },
    reason: 'a test',
    source: 'api',
    requestId: 'request-1',
    ...more,
  };
}

export const defineKey: AnyChange = { type: 'defineKey', key, valueType: 'integer', fallback: 0 };

export function set(user: string | number, value: number | string): AnyChange {
  return { type: 'setOverride', key, scope: `user:${user}`, value };
}

export function addModel(id: string): AnyChange {
  return {
    type: 'addModel',
    model: { id, provider: id.split('/')[0] ?? '', name: id, contextWindow: 1_000 },
  };
}

/** A stand whose ledger holds the key, at revision 1. */
export async function openReadyStand(options: StandOptions = {}): Promise<Stand> {
  const stand = openStand(options);
  await stand.fold.catchUp();
  if (stand.fold.state.revision === 0) await stand.submit([defineKey]);
  stand.groups.length = 0;
  stand.log.appends = 0;
  return stand;
}

/** A promise that is resolved by hand. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/** Everything of a live state that can be looked at, for comparing two. */
export function contentOf(state: LiveState): unknown {
  const overrides = [...state.slots.keys()].flatMap((name) =>
    [...state.overridesOf(name)].map(([scope, override]) => [`${name}@${scope}`, override] as const),
  );
  const sorted = <Item extends { readonly name?: string; readonly id?: string }>(items: Iterable<Item>) =>
    [...items].sort((a, b) => ((a.id ?? a.name ?? '') < (b.id ?? b.name ?? '') ? -1 : 1));
  return {
    revision: state.revision,
    recordedAt: state.recordedAt,
    overrideCount: state.overrideCount,
    scheduledCount: state.scheduledCount,
    overrides: Object.fromEntries(overrides),
    keys: Object.fromEntries([...state.keys()].map((one) => [one.definition.key, one])),
    models: sorted(state.models()),
    tags: sorted(state.tags()),
    apiKeys: sorted(state.apiKeys()),
    webhooks: sorted(state.webhooks()),
    ledgers: sorted(state.ledgers()),
  };
}

/** The revisions that each answer names. */
export const revisionsOf = (results: readonly ChangesetResult[]) =>
  results.map(({ events }) => events.map((event) => event.revision));

/** What came of each request: `done`, or the failure's reason. */
export const reasonsOf = (results: readonly PromiseSettledResult<unknown>[]) =>
  results.map((result) => {
    if (result.status === 'fulfilled') return 'done';
    return result.reason instanceof Failure ? (result.reason.reason ?? result.reason.code) : result.reason;
  });

/** How an append fails whose connection went away. */
export const unknownOutcome = () =>
  Promise.reject(new Failure('unavailable', 'lost', { reason: 'outcome_unknown' }));

/** A request that has an idempotency key. */
export const once = (bodyHash = 'hash', keyText = 'once') => ({ idempotency: { key: keyText, bodyHash } });
