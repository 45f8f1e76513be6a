/**
 * Every value of a context as the ledger held it at a revision, for a moment: asked of the server, as it is past.
 * In: revision, moment, context; out: the same resolved values as a client had that stood at that revision.
 */
import { z } from 'zod';
import { formatInstant, parseInstant } from '../domain/instant.ts';
import type { JsonValue } from '../domain/json.ts';
import { type Context, parseScope, type Scope } from '../domain/scope.ts';
import { Failure } from '../failure.ts';
import type { ReadTogether } from './read-together.ts';
import type { Resolved, Varve } from './varve.ts';

const modelSchema = z.object({
  id: z.string(),
  provider: z.string(),
  model: z.string(),
  status: z.enum(['active', 'beta', 'deprecated', 'retired', 'removed', 'unlisted']),
  successor: z.string().exactOptional(),
  sunsetAt: z.string().exactOptional(),
  followed: z.array(z.string()).exactOptional(),
});

const valueSchema = z.object({
  value: z.custom<JsonValue>((value) => value !== undefined),
  scope: z.custom<Scope | 'fallback'>(isScope),
  reason: z.enum(['STATIC', 'TARGETING_MATCH', 'SPLIT', 'DEFAULT']),
  revision: z.number(),
  arm: z.string().exactOptional(),
  model: modelSchema.exactOptional(),
});

const answerSchema = z.object({ revision: z.number(), values: z.record(z.string(), valueSchema) });

/** `at` is epoch milliseconds. Failures: unavailable, and those of the server; invalid when it has no such revision. */
export async function readPinned(
  varve: Varve,
  revision: number,
  at: number,
  context: Context,
): Promise<ReadTogether> {
  const { body } = await varve.api.send({
    method: 'GET',
    path: '/v1/resolve',
    query: { ...context, asOf: revision, at: formatInstant(at), minRevision: revision },
  });
  const answer = answerSchema.safeParse(body);
  if (!answer.success || answer.data.revision !== revision) {
    throw new Failure('unavailable', 'the server answered something else than values of the past', {
      reason: 'foreign_answer',
      cause: answer.error,
    });
  }
  const values = new Map<string, Resolved>();
  for (const [key, { model, ...value }] of Object.entries(answer.data.values)) {
    const more = model === undefined ? {} : { model: modelOf(model) };
    values.set(key, { key, ...value, ...more, ...pinnedAt(revision, at), source: 'server' });
  }
  return { revision, at, values };
}

/** What is pinned has no age and never ends. */
export function pinnedAt(revision: number, at: number) {
  return { stateRevision: revision, at, validUntil: null, ageMs: 0, isStale: false };
}

function modelOf({ sunsetAt, ...model }: z.output<typeof modelSchema>) {
  const instant = sunsetAt === undefined ? undefined : parseInstant(sunsetAt);
  return instant === undefined ? model : { ...model, sunsetAt: instant };
}

function isScope(value: unknown): boolean {
  return value === 'fallback' || (typeof value === 'string' && parseScope(value) !== undefined);
}
