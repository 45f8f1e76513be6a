/**
 * The HTTP server on real parts without a database: the memory log engine, the writer and its live state, API keys
 * from the composition root, reads by replay. Out: the app, a clock that stands still, keys of every role.
 */
import type { FastifyInstance, InjectOptions } from 'fastify';
import { createApiKeyMaker, ensureAdmin } from '../../src/composition/admin-keys.ts';
import { createAuthenticate, type KeyRing, type Verifier } from '../../src/composition/api-keys.ts';
import { createEventTickets } from '../../src/composition/event-tickets.ts';
import type { Role } from '../../src/domain/event.ts';
import { LiveState } from '../../src/domain/live-state.ts';
import { Failure } from '../../src/failure.ts';
import type { HttpDependencies } from '../../src/http/dependencies.ts';
import { buildServer, type ServerOptions } from '../../src/http/server.ts';
import type { ChangesetResult } from '../../src/ledger/changeset.ts';
import { decodeEvent } from '../../src/ledger/event-codec.ts';
import { type IdempotencyId, IdempotencyTail, idOf } from '../../src/ledger/idempotency.ts';
import { type LiveLedger, openLiveLedger, type RunningLedger } from '../../src/ledger/live-ledger.ts';
import { createMemoryLedger } from '../../src/ledger/memory-ledger.ts';
import { createMemoryConsumers } from './memory-consumers.ts';
import { createMemoryReads } from './memory-reads.ts';

/** The moment at which the clock of an assembly stands at first, epoch milliseconds. */
export const startOfClock = Date.UTC(2026, 2, 1, 12);

export interface LogLine {
  readonly level: string;
  readonly fields: object;
  readonly message: string;
}

export interface HttpAssembly {
  readonly app: FastifyInstance;
  readonly dependencies: HttpDependencies;
  readonly adminKey: string;
  readonly lines: readonly LogLine[];
  /** What was counted: requests by `GET /v1/… 200`, and resolutions from memory. */
  readonly counted: { readonly requests: Map<string, number>; fromMemory: number; loads: number };
  ledger(name?: string): LiveLedger;
  /** Moves the clock on, by so many milliseconds. */
  pass(ms: number): void;
  now(): number;
  /** Sends a request as the admin, or with other headers. */
  call(
    method: NonNullable<InjectOptions['method']>,
    url: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<HttpAnswer>;
  /** Sends changes and expects 201. */
  change(...changes: readonly object[]): Promise<HttpAnswer>;
  /** A key of a role, made by the API. */
  keyOf(
    role: Role,
    options?: { readonly trusted?: boolean; readonly ledger?: string; readonly name?: string },
  ): Promise<string>;
  close(): Promise<void>;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | number | undefined>;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads answers as anybody would, and says what it expects
  readonly body: any;
}

/**
 * `startsAt`: where the clock stands at first, when it is not `startOfClock`. `logId`: the name of the log, when it is not that
 * of every log in memory.
 */
export async function startHttp({
  startsAt = startOfClock,
  logId,
  ...options
}: Partial<ServerOptions> & {
  readonly startsAt?: number;
  readonly logId?: string;
} = {}): Promise<HttpAssembly> {
  let time = startsAt;
  const now = () => time;
  const newId = numbers((count) => `00000000-0000-7000-8000-${String(count).padStart(12, '0')}`);
  const randomWord = (length: number) => nextWord().slice(-length).padStart(length, 'x');
  const nextWord = numbers((count) => count.toString(36));
  const log = createMemoryLedger(logId === undefined ? {} : { identity: logId });
  const consumers = createMemoryConsumers();
  const verifiers = new Map<string, Verifier>();
  const running = new Map<string, Promise<RunningLedger>>();
  const live = new Map<string, RunningLedger>();
  const open = (name: string): Promise<RunningLedger> => {
    const opened = running.get(name) ?? openMemoryLedger(name, log, now, newId);
    running.set(name, opened);
    return opened.then((ledger) => {
      live.set(name, ledger);
      return ledger;
    });
  };
  const first = await open('default');
  const find = async (name: string): Promise<RunningLedger | undefined> => {
    if (name === 'default') return first;
    return first.state.ledger(name) === undefined ? undefined : open(name);
  };
  const store = {
    insert: async ({ id, ...verifier }: Verifier & { readonly id: string }) =>
      verifiers.size < verifiers.set(id, verifier).size,
    delete: async (id: string) => verifiers.delete(id),
  };
  const lines: LogLine[] = [];
  const counted = { requests: new Map<string, number>(), fromMemory: 0, loads: 0 };
  const ring: KeyRing = {
    findVerifier: async (id) => verifiers.get(id),
    standing: (ledger, id) => live.get(ledger)?.state.apiKey(id),
    open: async (ledger) => (await find(ledger)) !== undefined,
  };
  const dependencies: HttpDependencies = {
    ledger: find,
    liveLedger: (name) => live.get(name),
    reads: createMemoryReads(log, consumers),
    authenticate: createAuthenticate(ring),
    eventTickets: createEventTickets(ring),
    createApiKey: createApiKeyMaker(store, randomWord),
    requestReplay: async (_, projection) => {
      if (projection === 'all') throw new Failure('unavailable', 'there is no database here');
      throw new Failure('not_found', 'no such projection', {
        details: [{ path: 'path.name', message: 'no' }],
      });
    },
    projectionVersion: () => undefined,
    recordUsage: withoutDatabase,
    consumers,
    contextMaxAgeHours: 24,
    webhooks: {
      create: withoutDatabase,
      removed: async () => undefined,
      rotate: withoutDatabase,
      retry: withoutDatabase,
    },
    imports: {
      open: withoutDatabase,
      find: async () => undefined,
      list: async () => ({ items: [], nextCursor: null }),
      cancel: async () => undefined,
    },
    now,
    elapsed: () => performance.now(),
    newId,
    version: '0.0.0-test',
    metrics: {
      text: async () => ({ contentType: 'text/plain; version=0.0.4', body: 'up 1\n' }),
      resolvedFromMemory: (count) => {
        counted.fromMemory += count;
      },
      loaded: () => {
        counted.loads += 1;
      },
      request: (method, route, status) => {
        const name = `${method} ${route} ${status}`;
        counted.requests.set(name, (counted.requests.get(name) ?? 0) + 1);
      },
    },
    readiness: () => ({ ready: true }),
    jobs: async () => [],
  };
  const adminKey = (await ensureAdmin(first, undefined, store, randomWord)) ?? '';
  const logger = Object.fromEntries(
    ['debug', 'info', 'warn', 'error'].map((level) => [
      level,
      (fields: object, message: string) => lines.push({ level, fields, message }),
    ]),
  ) as unknown as ServerOptions['logger'];
  const app = await buildServer(dependencies, { logger, ...options });

  const assembly: HttpAssembly = {
    app,
    dependencies,
    adminKey,
    lines,
    counted,
    ledger: (name = 'default') => live.get(name) ?? first,
    pass: (ms) => {
      time += ms;
    },
    now,
    async call(method, url, body, headers = {}) {
      const response = await app.inject({
        method,
        url,
        headers: {
          authorization: `Bearer ${adminKey}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { payload: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      const isJson =
        /json/.test(String(response.headers['content-type'])) &&
        !/ndjson/.test(String(response.headers['content-type']));
      const text = response.body;
      return {
        status: response.statusCode,
        headers: response.headers,
        text,
        body: isJson && text !== '' ? JSON.parse(text) : text,
      };
    },
    async change(...changes) {
      const answer = await assembly.call('POST', '/v1/changesets', { reason: 'a test wants it', changes });
      if (answer.status !== 201) throw new Error(`expected 201, got ${answer.status}: ${answer.text}`);
      return answer;
    },
    async keyOf(role, { trusted = false, ledger = 'default', name = `${role}-${newId().slice(-4)}` } = {}) {
      const headers = { 'varve-ledger': ledger };
      const answer = await assembly.call('POST', '/v1/api-keys', { name, role, trusted }, headers);
      if (answer.status !== 201) throw new Error(`expected 201, got ${answer.status}: ${answer.text}`);
      return answer.body.key;
    },
    async close() {
      await app.close();
      for (const ledger of live.values()) await ledger.stop();
    },
  };
  return assembly;
}

async function withoutDatabase(): Promise<never> {
  throw new Failure('unavailable', 'there is no database here');
}

function openMemoryLedger(
  name: string,
  log: ReturnType<typeof createMemoryLedger>,
  now: () => number,
  newId: () => string,
): Promise<RunningLedger> {
  const remembered = new Map<
    string,
    { readonly kind: 'no_change'; readonly answer: unknown; readonly bodyHash: string }
  >();
  return openLiveLedger({
    name,
    log,
    state: new LiveState(),
    idempotency: new IdempotencyTail(0),
    now,
    onStopped: (failure) => {
      throw failure;
    },
    onTrouble: (failure) => {
      throw failure;
    },
    delay: () => Promise.resolve(),
    clock: async () => now(),
    newId,
    findAnswers: async (ids: readonly IdempotencyId[]) => ({
      answers: ids.map((id) => remembered.get(idOf(id))),
      checkpoint: 0,
    }),
    rememberNoChange: async (id, bodyHash, answer) => {
      remembered.set(idOf(id), { kind: 'no_change', answer, bodyHash });
      return true;
    },
    replay: async (start, last): Promise<ChangesetResult['events']> =>
      (await log.read(name, start - 1, last - start + 1)).map((stored) => ({
        ...decodeEvent(stored),
        changes: [],
      })),
    observe: {
      grouped: () => undefined,
      appending: () => () => undefined,
      lostRace: () => undefined,
      changed: () => undefined,
    },
    maxQueue: 1_000,
  });
}

function numbers<T>(make: (count: number) => T): () => T {
  let count = 0;
  return () => {
    count += 1;
    return make(count);
  };
}
