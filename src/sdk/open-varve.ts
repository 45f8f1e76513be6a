/**
 * The calls of a client, each made of the parts of its core. Everything that differs between a service and a test comes in
 * with the parts.
 */
import { Failure } from '../failure.ts';
import { type AnswersOn, resolvedFor, valueFor } from './answers.ts';
import { askingContext } from './asking.ts';
import { boundedWait } from './bounded-wait.ts';
import { checkOptions } from './check-options.ts';
import { ClientCore } from './client-core.ts';
import { isLasting } from './connection.ts';
import type { Loaded } from './held-values.ts';
import { keySelector } from './key-selector.ts';
import { receiptOf } from './receipt.ts';
import type { ValuesChange, Varve, VarveOptions } from './varve.ts';
import type { VarveParts } from './varve-parts.ts';
import { writeChangeset } from './write-changeset.ts';

const usualWaitMs = 10_000;

/** Failures: invalid for options that are none. */
export function openVarve(options: VarveOptions, parts: VarveParts): Varve {
  const settings = checkOptions(options);
  const core = new ClientCore(settings, parts);
  const answers = answersOn(core);
  return {
    api: core.api,
    ready: (timeoutMs = usualWaitMs) => ready(core, timeoutMs),
    status: () => core.status(),
    resolve: (key, context, how) => resolvedFor(answers, key, context, how),
    value: (key, context, how) => valueFor(answers, key, context, how),
    asking: () => askingContext(undefined, settings.contextProvider),
    keys: () => core.values.loaded?.state.keys() ?? [],
    receipt: (resolved, context) =>
      receiptOf(core.status().ledger, resolved, askingContext(context, settings.contextProvider)),
    onChange: (selector, listener) => core.changes.add(selected(selector, listener)),
    onStatus: (listener) => core.statuses.listen(listener),
    reached: (revision, timeoutMs = usualWaitMs) => reached(core, revision, timeoutMs),
    refresh: () => core.connection.hurry(),
    async write(changeset, how = {}) {
      const written = await writeChangeset(core.api, parts, changeset, how);
      if (core.connection.transport !== 'stream') core.connection.hurry();
      // It is written, whether it has arrived here or not.
      if (written.revisions !== undefined)
        await reached(core, written.revisions.last, usualWaitMs).catch(() => undefined);
      return written;
    },
    now: () => Math.max(core.clock.now(), core.values.loaded?.state.recordedAt ?? 0),
    close: () => core.close(),
  };
}

function answersOn(core: ClientCore): AnswersOn {
  const { scopes, contextProvider, staleAfterMs } = core.settings;
  const { asked } = core;
  return {
    onAsked: asked === undefined ? undefined : (context) => asked.note(context),
    loaded: () => loadedOf(core),
    scopes,
    contextProvider,
    now: core.clock.now,
    ageMs: core.freshness.ageMs,
    staleAfterMs,
  };
}

function loadedOf({ values: { loaded }, isClosed, connection }: ClientCore): Loaded {
  if (isClosed) throw closed();
  if (loaded !== undefined) return loaded;
  throw new Failure('unavailable', 'there are no values yet', {
    reason: 'no_values',
    cause: connection.failure,
  });
}

/** While there are no values, what keeps them away for good ends the wait at once. */
function ready(core: ClientCore, timeoutMs: number): Promise<void> {
  const why = () => core.connection.failure?.message ?? 'the server has not answered yet';
  return boundedWait(
    timeoutMs,
    () => `there are no values yet: ${why()}`,
    (end) =>
      core.onMoved(() => {
        const failure = core.connection.failure;
        if (core.isClosed) end(closed());
        else if (core.values.loaded !== undefined && !core.mayHearSoon) end();
        else if (failure !== undefined && isLasting(failure)) end(failure);
      }),
  );
}

function reached(core: ClientCore, revision: number, timeoutMs: number): Promise<void> {
  const message = () => `revision ${revision} did not come in time; ${core.values.revision} is held`;
  return boundedWait(timeoutMs, message, (end) => {
    const stop = core.values.wait(revision, end);
    const stopLooking = core.onMoved(() => {
      if (core.isClosed) end(closed());
    });
    return () => {
      stop();
      stopLooking();
    };
  });
}

function closed(): Failure {
  return new Failure('unavailable', 'this client is closed', { reason: 'closed' });
}

function selected(selector: string, listener: (change: ValuesChange) => void) {
  const isSelected = keySelector(selector);
  return ({ revision, keys }: ValuesChange) => {
    const own = keys.filter(isSelected);
    if (own.length > 0) listener({ revision, keys: own });
  };
}
