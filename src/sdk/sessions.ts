/**
 * Sessions inherit the configuration of their start (design note 004, "context inheritance"). A pinned one keeps every value as
 * it was at one revision and moment, in this process or, by its token, in any other; a following one asks anew each time.
 * In: a client and a context, or a token; out: a session. It never writes.
 */
import { z } from 'zod';
import { formatInstant, parseInstant } from '../domain/instant.ts';
import type { JsonValue } from '../domain/json.ts';
import { type Context, isScopeId } from '../domain/scope.ts';
import { Failure } from '../failure.ts';
import { whyNot } from './answers.ts';
import { parsedValue } from './parsed-value.ts';
import { pinnedAt, readPinned } from './read-pinned.ts';
import { type ReadTogether, readTogether } from './read-together.ts';
import { configOf, type RuntimeConfig } from './runtime-config.ts';
import type { Resolved, ResolveOptions, Varve } from './varve.ts';

/** What a session is resumed with; plain JSON, to be kept beside it. */
export type SessionToken =
  | {
      readonly mode: 'pinned';
      readonly ledger: string;
      readonly revision: number;
      /** RFC 3339. */
      readonly at: string;
      readonly context: Context;
    }
  | { readonly mode: 'follow'; readonly ledger: string; readonly context: Context };

export interface Session {
  readonly context: Context;
  readonly token: SessionToken;
  /** As Varve.resolve, for the session's context. A pinned value never ends. Failures, without a fallback: the same. */
  resolve<T = JsonValue>(key: string, options?: ResolveOptions<T>): Resolved<T>;
  /** The value alone; the same failures. */
  value<T = JsonValue>(key: string, options?: ResolveOptions<T>): T;
  /** All values together, as the functions of model-choice.ts take them. */
  config(): RuntimeConfig;
}

export interface SessionStart {
  readonly context: Context;
  readonly mode: 'pinned' | 'follow';
}

/** It never waits: the values are in the process. Failures: unavailable (no values yet), invalid (no context). */
export function startSession(varve: Varve, { context, mode }: SessionStart): Session {
  const asked = contextSchema.safeParse(context);
  if (!asked.success) throw invalid('the context is none', asked.error);
  if (mode === 'follow') {
    // The token names the ledger, and only the values tell which one it is.
    if (varve.status().source === 'none') {
      throw new Failure('unavailable', 'there are no values yet', { reason: 'starting' });
    }
    return following(varve, asked.data);
  }
  const { revision, at, values } = readTogether(varve, varve.keys(), asked.data);
  const kept = new Map<string, Resolved>();
  for (const [key, resolved] of values) kept.set(key, { ...resolved, ...pinnedAt(revision, at) });
  return pinned(varve, { revision, at, values: kept }, asked.data);
}

/**
 * The session of a token, as it was started: a pinned one is asked of the server, a following one goes on from here.
 * Failures: invalid (no token, or one of another ledger), unavailable, and those of the server.
 */
export async function resumeSession(varve: Varve, token: unknown): Promise<Session> {
  const parsed = tokenSchema.safeParse(token);
  if (!parsed.success) throw invalid('the token is none of a session', parsed.error);
  const { data } = parsed;
  // Before there are values it is not known which ledger the key belongs to.
  if (varve.status().state === 'starting') await varve.ready();
  const { ledger } = varve.status();
  if (data.ledger !== ledger) throw invalid(`the session is one of the ledger ${data.ledger}, not ${ledger}`);
  if (data.mode === 'follow') return following(varve, data.context);
  const at = parseInstant(data.at) ?? 0;
  return pinned(varve, await readPinned(varve, data.revision, at, data.context), data.context);
}

const idSchema = z.string().refine(isScopeId);

const contextSchema = z.strictObject({
  user: idSchema.exactOptional(),
  tenant: idSchema.exactOptional(),
  tier: idSchema.exactOptional(),
});

const tokenSchema = z.discriminatedUnion('mode', [
  z.strictObject({
    mode: z.literal('pinned'),
    ledger: z.string(),
    revision: z.number().int().nonnegative(),
    at: z.string().refine((text) => parseInstant(text) !== undefined),
    context: contextSchema,
  }),
  z.strictObject({ mode: z.literal('follow'), ledger: z.string(), context: contextSchema }),
]);

function pinned(varve: Varve, { revision, at, values }: ReadTogether, context: Context): Session {
  const resolve = <T>(key: string, options: ResolveOptions<T> = {}): Resolved<T> => {
    const { fallback } = options;
    try {
      const found = values.get(key);
      if (found === undefined) {
        throw new Failure('not_found', `the key ${key} was not defined at revision ${revision}`, {
          reason: 'unknown_key',
        });
      }
      return { ...found, value: parsedValue(key, found.value, options.schema) };
    } catch (error) {
      if (fallback === undefined) throw error;
      return { ...callersOwn, ...pinnedAt(revision, at), key, value: fallback, failure: whyNot(error) };
    }
  };
  const { ledger } = varve.status();
  return {
    context,
    token: { mode: 'pinned', ledger, revision, at: formatInstant(at), context },
    resolve,
    value: (key, options) => resolve(key, options).value,
    config: () => configOf(values),
  };
}

const callersOwn = { scope: 'caller', reason: 'ERROR', revision: 0, source: 'caller' } as const;

function following(varve: Varve, context: Context): Session {
  return {
    context,
    token: { mode: 'follow', ledger: varve.status().ledger, context },
    resolve: (key, options) => varve.resolve(key, context, options),
    value: (key, options) => varve.value(key, context, options),
    config: () => configOf(readTogether(varve, varve.keys(), context).values),
  };
}

function invalid(message: string, cause?: unknown): Failure {
  return new Failure('invalid', message, { reason: 'bad_session', cause });
}
