/**
 * Two users, two providers, 1,000 concurrent requests over HTTP, while one of the two changes his provider: no request sees
 * anything of the other user, nor half of a change. The same requests on a variable that all share (design note 004, the
 * problem statement) must be caught: otherwise this test could not fail.
 */
import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { currentUserContext } from '../../src/sdk/running-request.ts';
import type { UserContext } from '../../src/sdk/runtime-fields.ts';
import type { UserContexts } from '../../src/sdk/user-context.ts';
import { type ContextsStand, startContextsStand } from '../support/contexts-stand.ts';

type Seen = Pick<UserContext, 'userId' | 'provider' | 'model'>;

/** What the requests find out about their user with, and nothing else. */
interface Place {
  run<R>(user: string, work: () => Promise<R>): Promise<R>;
  current(): UserContext | undefined;
  /** What the user's instances were made for: an LLM instance, and an MCP client that outlives every change. */
  instances(user: string): Promise<readonly Seen[]>;
}

const configurations = {
  ada: [
    ['Google', 'gemini-2.5-flash'],
    ['Azure', 'gpt-4o'],
  ],
  bob: [['Anthropic', 'claude-3-5-haiku']],
} as const;
const users = Object.keys(configurations) as (keyof typeof configurations)[];

let stand: ContextsStand;
let contexts: UserContexts;

beforeEach(async () => {
  stand = await startContextsStand();
  ({ contexts } = stand);
  for (const user of users) await configure(user, 0);
});
afterEach(() => stand.close());

async function configure(user: keyof typeof configurations, choice: number): Promise<void> {
  const [provider, model] = configurations[user][choice] ?? [null, null];
  await contexts.set(user, { provider, model });
}

/** The real thing. */
function isolated(): Place {
  const make = ({ userId, provider, model }: UserContext): Seen => ({ userId, provider, model });
  return {
    run: (user, work) => contexts.run(user, work),
    current: currentUserContext,
    instances: async (user) => [
      await contexts.slot(user, 'llm', make),
      await contexts.slot(user, 'mcp', make, undefined, { dependsOn: [] }),
    ],
  };
}

/** As the note found it: who is asking stands in a variable of the process, and the last one wins. */
function planted(): Place {
  const shared: { context?: UserContext; instances: readonly Seen[] } = { instances: [] };
  return {
    run: (user, work) => {
      shared.context = contexts.get(user);
      shared.instances = [shared.context];
      return work();
    },
    current: () => shared.context,
    instances: async () => shared.instances,
  };
}

/** One request: looks at its user again and again, with pauses of every kind in between. */
async function handle(place: Place, user: string, number: number): Promise<readonly Seen[]> {
  const pauses = [() => sleep(number % 7), () => new Promise(setImmediate), () => Promise.resolve()];
  return place.run(user, async () => {
    const seen: Seen[] = [];
    for (let step = 0; step < 3; step++) {
      await pauses[(number + step) % pauses.length]?.();
      const { userId = '', provider = null, model = null } = place.current() ?? {};
      seen.push({ userId, provider, model }, ...(await place.instances(user)));
    }
    return seen;
  });
}

/** How many of 1,000 requests at once have seen what is not their user's. */
async function leaks(place: Place): Promise<number> {
  const service = createServer((request, response) => {
    const [, user = '', number = ''] = (request.url ?? '').split('/');
    handle(place, user, Number(number)).then(
      (seen) => response.end(JSON.stringify(seen)),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
  try {
    const answers = await Promise.all(
      Array.from({ length: 1_000 }, async (_, number) => {
        const user = users[number % 2] ?? 'ada';
        return { user, seen: await ask(service, user, number) };
      }),
    );
    return answers.filter(({ user, seen }) => !seen.every((each) => isOf(user, each))).length;
  } finally {
    service.close();
  }
}

/** A connection of its own for each request: all of them are there at once. */
async function ask(service: Server, user: string, number: number): Promise<readonly Seen[]> {
  const { port } = service.address() as AddressInfo;
  const asked = get({ port, host: '127.0.0.1', path: `/${user}/${number}`, agent: false });
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  expect(response.statusCode).toBe(200);
  return json(response) as Promise<readonly Seen[]>;
}

function isOf(user: keyof typeof configurations, { userId, provider, model }: Seen): boolean {
  return userId === user && configurations[user].some(([p, m]) => p === provider && m === model);
}

/** Changes ada's provider and model, together, again and again while `work` goes on. */
async function whileAdaChanges<T>(
  work: Promise<T>,
): Promise<{ readonly result: T; readonly changes: number }> {
  let isOver = false;
  const over = work.finally(() => {
    isOver = true;
  });
  let changes = 0;
  for (; changes < 3 || (changes < 40 && !isOver); changes++) {
    await configure('ada', (changes + 1) % 2);
    await sleep(10);
  }
  return { result: await over, changes };
}

test('1,000 requests of two users at once see nothing of each other, while one changes his provider', async () => {
  const { result, changes } = await whileAdaChanges(leaks(isolated()));
  expect(result).toBe(0);
  expect(changes).toBeGreaterThanOrEqual(3);
  expect(contexts.held().contexts).toBe(2);
});

test('a planted variable that all requests share is caught', async () => {
  expect(await leaks(planted())).toBeGreaterThan(100);
});
