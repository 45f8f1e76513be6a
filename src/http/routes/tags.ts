/**
 * GET /v1/tags: the names that were given to revisions.
 */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { formatInstant } from '../../domain/instant.ts';
import type { HttpDependencies } from '../dependencies.ts';
import { pageSchema } from '../event-answer.ts';
import { clockQuery, pageQuery } from '../query-schemas.ts';
import { readFromTables } from '../read-call.ts';
import { readers } from '../roles.ts';
import { addRoute, none } from '../route.ts';

const tagSchema = z
  .strictObject({ name: z.string(), revision: z.number().int(), taggedAt: z.string() })
  .meta({ id: 'Tag' });

export function addTagRoutes(app: FastifyInstance, dependencies: HttpDependencies): void {
  addRoute(app, {
    method: 'GET',
    url: '/v1/tags',
    access: readers,
    tag: 'Read',
    summary: 'The tags; each name is given once',
    params: none,
    query: z.strictObject({ ...clockQuery, ...pageQuery }),
    body: none,
    answers: { 200: pageSchema(tagSchema) },
    handle: (call) =>
      readFromTables(dependencies, call, ['tags'], async ({ asOf }) => {
        const page = await dependencies.reads.tags(call.ledger.name, asOf, call.query);
        const items = page.items.map(({ name, revision, taggedAt }) => ({
          name,
          revision,
          taggedAt: formatInstant(taggedAt),
        }));
        return { items, nextCursor: page.nextCursor };
      }),
  });
}
