/**
 * A Varve on a given database: several of them share one, or one comes back on what another one left.
 * Out: a client that speaks HTTP as anybody would. For one server on a database of its own see varve.ts.
 */
import pino from 'pino';
import { type RunningVarve, startVarve } from '../../src/composition/varve.ts';
import type { ServerSettings } from '../../src/settings.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed JSON, or the text when it is none. */
  // biome-ignore lint/suspicious/noExplicitAny: a test reads answers as anybody would, and says what it expects
  readonly body: any;
}

export interface Api {
  readonly url: string;
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
}

export interface VarveOn extends Api {
  /** As it was shown, if it was made by this start. */
  readonly shownKey: string | undefined;
  stop(): Promise<void>;
}

/** `adminKey` is what calls are made with; it is told to the server unless `overrides` says otherwise. */
export async function startVarveOn(
  databaseUrl: string,
  adminKey: string,
  overrides: Partial<ServerSettings> = {},
): Promise<VarveOn> {
  const settings = settingsOn(databaseUrl, adminKey, overrides);
  const running: RunningVarve = await startVarve(settings, 'all', pino({ level: 'silent' }));
  return {
    ...createApi(running.url ?? '', adminKey),
    shownKey: running.adminKey,
    stop: () => running.stop(),
  };
}

/** The settings of a server on a database, all silent and on a free port. */
export function settingsOn(
  databaseUrl: string,
  adminKey: string,
  overrides: Partial<ServerSettings> = {},
): ServerSettings {
  return {
    host: '127.0.0.1',
    port: 0,
    dataDir: 'unused',
    seed: 'none',
    adminKey,
    databaseUrl,
    eventstoreUrl: undefined,
    eventstoreMaxAppendBytes: 1024 * 1024,
    redisUrl: undefined,
    webhookAllowPrivate: false,
    contextMaxAgeHours: 24,
    logLevel: 'silent',
    ...overrides,
  };
}

/** Calls with one API key. */
export function createApi(url: string, apiKey: string): Api {
  return {
    url,
    async call(method, path, body, headers = {}) {
      const response = await fetch(`${url}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${apiKey}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      return { status: response.status, headers: response.headers, body: parsed(await response.text()) };
    },
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
