/**
 * Ledgers: made and listed by admins of `default`. A ledger is never made by naming it in a header.
 */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { prose } from '../../domain/change.ts';
import { formatInstant } from '../../domain/instant.ts';
import { defaultLedger, ledgerNamePattern } from '../../domain/ledger-name.ts';
import { reasonSchema } from '../../domain/reason.ts';
import { Failure } from '../../failure.ts';
import type { LiveLedger } from '../../ledger/live-ledger.ts';
import type { Caller } from '../authentication.ts';
import type { HttpDependencies } from '../dependencies.ts';
import { changesetAnswerSchema, nothingChangedSchema, pageSchema } from '../event-answer.ts';
import { admins } from '../roles.ts';
import { addRoute, none } from '../route.ts';
import { write, writeHeaders } from '../write-call.ts';

const ledgerSchema = z
  .strictObject({ name: z.string(), description: z.string().optional(), createdAt: z.string().nullable() })
  .meta({ id: 'Ledger' });

export function addLedgerRoutes(app: FastifyInstance, dependencies: HttpDependencies): void {
  addRoute(app, {
    method: 'POST',
    url: '/v1/ledgers',
    access: admins,
    tag: 'Administration',
    summary: 'Make a ledger (at most 16)',
    params: none,
    query: none,
    body: z.strictObject({
      name: z.string().regex(ledgerNamePattern, 'a-z, 0-9 and -, first a letter, at most 63 characters'),
      description: prose(1_000).exactOptional(),
      reason: reasonSchema.exactOptional(),
    }),
    headers: writeHeaders,
    answers: { 201: changesetAnswerSchema, 200: nothingChangedSchema },
    handle: async (call) => {
      const ledger = await firstLedger(dependencies, call);
      const { reason = `ledger ${call.body.name} is wanted`, ...said } = call.body;
      const places = { name: 'name', description: 'description' };
      return write(call, { changes: [{ type: 'createLedger', ...said }], reason, places }, ledger);
    },
  });
  addRoute(app, {
    method: 'GET',
    url: '/v1/ledgers',
    access: admins,
    tag: 'Administration',
    summary: 'The ledgers of this installation',
    params: none,
    query: none,
    body: none,
    answers: { 200: pageSchema(ledgerSchema) },
    handle: async (call) => {
      const { state } = await firstLedger(dependencies, call);
      const made = [...state.ledgers()]
        .map(({ name, description, createdAt }) => ({
          name,
          ...(description === undefined ? {} : { description }),
          createdAt: formatInstant(createdAt),
        }))
        .sort((one, other) => (one.name < other.name ? -1 : 1));
      const items = [{ name: defaultLedger, createdAt: null }, ...made];
      return { body: { items, nextCursor: null }, revision: state.revision, at: dependencies.now() };
    },
  });
}

/** Ledgers are recorded in `default`, whose admins alone may look. */
async function firstLedger(dependencies: HttpDependencies, { principal }: Caller): Promise<LiveLedger> {
  if (principal.ledger !== defaultLedger) {
    throw new Failure('forbidden', `only admins of the ledger ${defaultLedger} make and list ledgers`, {
      reason: 'other_ledger',
      details: [{ path: 'header.Authorization', message: 'this API key belongs to another ledger' }],
    });
  }
  const ledger = await dependencies.ledger(defaultLedger);
  if (ledger === undefined) throw new Failure('unavailable', `the ledger ${defaultLedger} is not open`);
  return ledger;
}
