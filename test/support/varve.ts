/**
 * A whole Varve for end-to-end tests: the composition root itself, on a database of its own, listening on a free port.
 * Out: a client that speaks HTTP as anybody would.
 */
import pino from 'pino';
import { type RunningVarve, startVarve } from '../../src/composition/varve.ts';
import type { ServerSettings } from '../../src/settings.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed JSON, or the text when it is none. */
  // biome-ignore lint/suspicious/noExplicitAny: a test reads answers as anybody would, and says what it expects
  readonly body: any;
}

export interface TestVarve {
  readonly url: string;
  readonly adminKey: string;
  readonly database: TestDatabase;
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** Sends changes for a reason and expects 201. */
  change(changes: readonly unknown[], headers?: Record<string, string>): Promise<Answer>;
  stop(): Promise<void>;
}

const adminKey = `varve_admin_test_${'s'.repeat(32)}`;

export async function startTestVarve(overrides: Partial<ServerSettings> = {}): Promise<TestVarve> {
  const database = await createTestDatabase();
  const running: RunningVarve = await startVarve(
    {
      host: '127.0.0.1',
      port: 0,
      dataDir: 'unused',
      seed: 'none',
      adminKey,
      databaseUrl: database.url,
      redisUrl: undefined,
      logLevel: 'silent',
      ...overrides,
    },
    'all',
    pino({ level: 'silent' }),
  );
  const url = running.url ?? '';
  const call: TestVarve['call'] = async (method, path, body, headers = {}) => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${adminKey}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    return { status: response.status, headers: response.headers, body: parsed(await response.text()) };
  };
  return {
    url,
    adminKey,
    database,
    call,
    async change(changes, headers) {
      const answer = await call('POST', '/v1/changesets', { reason: 'a test', changes }, headers);
      if (answer.status !== 201) throw new Error(`${answer.status}: ${JSON.stringify(answer.body)}`);
      return answer;
    },
    async stop() {
      await running.stop();
      await database.drop();
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
