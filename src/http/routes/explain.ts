/**
 * GET /v1/explain/{key}: every layer with what it holds, who put it there, when and why.
 */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { HttpDependencies } from '../dependencies.ts';
import { explain, explanationProjections, explanationSchema } from '../explanation.ts';
import { clockQuery, contextQuery, keyParams } from '../query-schemas.ts';
import { readFromTables } from '../read-call.ts';
import { resolveKeys } from '../resolve-call.ts';
import { readers } from '../roles.ts';
import { addRoute, none } from '../route.ts';
import { contextOf } from './resolve-key.ts';

export function addExplainRoute(app: FastifyInstance, dependencies: HttpDependencies): void {
  addRoute(app, {
    method: 'GET',
    url: '/v1/explain/:key',
    access: readers,
    tag: 'Read',
    summary: 'Why a key has its value: every layer with who, when and why',
    params: keyParams,
    query: z.strictObject({ ...contextQuery, ...clockQuery }),
    body: none,
    answers: { 200: explanationSchema },
    handle: (call) =>
      readFromTables(dependencies, call, explanationProjections, async (moment) => {
        const { name } = call.ledger;
        const { key } = call.params;
        const context = contextOf(call.query);
        const state = await dependencies.reads.stateAt(name, moment, [key], [context]);
        const resolutions = resolveKeys(state, [key], context, moment.at, 'path.key');
        const [explanation] = await explain(dependencies, name, moment, state, resolutions, context);
        return explanation;
      }),
  });
}
