/**
 * GET /v1/blame: for each key the event that made the value that a context gets, like `git blame`. Read from memory or from
 * rows of the past as resolving does, the events from the history.
 */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { RecordedEvent } from '../../domain/event.ts';
import type { LiveState } from '../../domain/live-state.ts';
import { type Resolution, resolve } from '../../domain/resolve.ts';
import type { Context } from '../../domain/scope.ts';
import { nameCursor } from '../../queries/cursor.ts';
import type { Reading } from '../clocks.ts';
import type { HttpDependencies } from '../dependencies.ts';
import { briefEventSchema, eventPart, pageSchema } from '../event-answer.ts';
import { clockQuery, contextQuery, keysQuery, pageQuery } from '../query-schemas.ts';
import { resolutionAnswer, valueShape } from '../resolution-answer.ts';
import { definedKeys, unknownKey, withState } from '../resolve-call.ts';
import { readers } from '../roles.ts';
import { addRoute, none } from '../route.ts';
import { contextOf } from './resolve-key.ts';

const blameSchema = z
  .strictObject({
    key: z.string(),
    ...valueShape,
    event: briefEventSchema
      .optional()
      .meta({ description: 'The event that made the value: of the winning override, or of the definition' }),
    modelEvent: briefEventSchema.optional().meta({
      description: 'Where a retired model was stepped over: the event that deprecated the one that was set',
    }),
  })
  .meta({ id: 'Blame' });

/** A page of resolutions at a moment. */
interface Resolved {
  readonly reading: Reading;
  readonly resolutions: readonly Resolution[];
  readonly nextCursor: string | null;
}

export function addBlameRoute(app: FastifyInstance, dependencies: HttpDependencies): void {
  addRoute(app, {
    method: 'GET',
    url: '/v1/blame',
    access: readers,
    tag: 'Read',
    summary: 'For each key the event that made the value that a context gets',
    params: none,
    query: z.strictObject({ ...contextQuery, ...keysQuery, ...clockQuery, ...pageQuery }),
    body: none,
    answers: { 200: pageSchema(blameSchema) },
    handle: async (call) => {
      const { keys, limit, cursor } = call.query;
      const context = contextOf(call.query);
      const after = nameCursor.read(cursor)?.after ?? '';
      const asked = keys === undefined ? { contexts: [context] } : { contexts: [context], keys };
      const { reading, resolutions, nextCursor } = await withState(
        dependencies,
        call,
        call.query,
        asked,
        (state, moment): Resolved => ({
          reading: moment,
          ...pageOfKeys(state, keys, { after, limit }, context, moment.at),
        }),
      );
      const items = await blame(dependencies, call.ledger.name, reading.asOf, resolutions);
      return { body: { items, nextCursor }, revision: reading.asOf, at: reading.at };
    },
  });
}

function pageOfKeys(
  state: LiveState,
  named: readonly string[] | undefined,
  { after, limit }: { readonly after: string; readonly limit: number },
  context: Context,
  at: number,
): Omit<Resolved, 'reading'> {
  const keys = [...new Set(named ?? definedKeys(state))].filter((key) => key > after).sort();
  const shown = keys.slice(0, limit);
  const resolutions = shown.map((key) => {
    const resolution = resolve(state, key, context, at);
    if (resolution === undefined) throw unknownKey(key, 'query.keys');
    return resolution;
  });
  const last = keys.length > limit ? shown.at(-1) : undefined;
  return { resolutions, nextCursor: last === undefined ? null : nameCursor.write({ after: last }) };
}

async function blame(
  { reads }: HttpDependencies,
  ledger: string,
  asOf: number,
  resolutions: readonly Resolution[],
) {
  await reads.waitFor(ledger, asOf, ['history']);
  const retired = resolutions.map(({ model }) => model?.followed?.[0]).filter((id) => id !== undefined);
  const [events, deprecated] = await Promise.all([
    reads.events(
      ledger,
      resolutions.map(({ revision }) => revision),
    ),
    reads.deprecations(ledger, asOf, retired),
  ]);
  return resolutions.map((resolution) => ({
    ...resolutionAnswer(resolution),
    ...eventPart(events.get(resolution.revision)),
    ...modelEventPart(deprecated.get(resolution.model?.followed?.[0] ?? '')),
  }));
}

function modelEventPart(deprecation: RecordedEvent | undefined) {
  const { event } = eventPart(deprecation);
  return event === undefined ? {} : { modelEvent: event };
}
