/**
 * GET /v1/receipts/{revision}/{at}/{hash}: what a receipt was given for, and why it was answered, years later as on the day.
 * Nothing is kept for it: the ledger is asked again as it was, and the hash tells whether that is what was answered.
 */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { keySchema } from '../../domain/change.ts';
import { Failure } from '../../failure.ts';
import type { HttpDependencies } from '../dependencies.ts';
import { explain, explanationProjections, explanationSchema } from '../explanation.ts';
import { invalidAt } from '../problem.ts';
import {
  clockQuery,
  contextQuery,
  keysQuery,
  maxRevision,
  timeQuery,
  wholeNumber,
} from '../query-schemas.ts';
import { momentInTables } from '../read-call.ts';
import { checkReceiptKeys, receiptOf, receiptSchema } from '../receipt-answer.ts';
import { valueAnswer, valueShape } from '../resolution-answer.ts';
import { definedKeys, resolveKeys } from '../resolve-call.ts';
import { readers } from '../roles.ts';
import { addRoute, none } from '../route.ts';
import { contextOf } from './resolve-key.ts';

const answerSchema = z
  .strictObject({
    receipt: receiptSchema,
    context: z.strictObject(contextQuery),
    values: z.record(z.string(), z.strictObject(valueShape)),
    explanations: z.record(z.string(), explanationSchema),
  })
  .meta({ id: 'ReceiptedAnswer' });

export function addReceiptRoute(app: FastifyInstance, dependencies: HttpDependencies): void {
  addRoute(app, {
    method: 'GET',
    url: '/v1/receipts/:revision/:at/:hash',
    access: readers,
    tag: 'Read',
    summary:
      'What a receipt was given for: the values and their explanations; asked with the keys (all when none is named) and the context that were answered',
    params: z.strictObject({
      revision: wholeNumber(0, maxRevision),
      at: timeQuery,
      hash: z.string().regex(/^[0-9a-f]{64}$/, { error: '64 lower case hexadecimal digits' }),
    }),
    query: z.strictObject({
      key: keySchema.exactOptional(),
      ...keysQuery,
      ...contextQuery,
      minRevision: clockQuery.minRevision,
    }),
    body: none,
    answers: { 200: answerSchema },
    handle: async (call) => {
      const { params, query } = call;
      const { name } = call.ledger;
      const context = contextOf(query);
      const asked = keysAsked(query);
      const { minRevision } = query;
      const wait = minRevision === undefined ? {} : { minRevision };
      const clocks = { asOf: String(params.revision), at: params.at, ...wait };
      const asOfCall = { ...call, query: clocks };
      const moment = await momentInTables(dependencies, asOfCall, explanationProjections, 'path.revision');
      const state = await dependencies.reads.stateAt(name, moment, asked, [context]);
      const keys = asked ?? definedKeys(state);
      checkReceiptKeys(keys.length, 'query.keys');
      const place = query.key === undefined ? 'query.keys' : 'query.key';
      const resolutions = resolveKeys(state, keys, context, moment.at, place);
      const { asOf: revision, at } = moment;
      const receipt = receiptOf({ ledger: name, revision, at, context, resolutions });
      if (receipt.hash !== params.hash) throw differs();
      const explanations = await explain(dependencies, name, moment, state, resolutions, context);
      return {
        body: {
          receipt,
          context,
          values: Object.fromEntries(
            resolutions.map((resolution) => [resolution.key, valueAnswer(resolution)]),
          ),
          explanations: Object.fromEntries(explanations.map((explanation) => [explanation.key, explanation])),
        },
        revision,
        at,
      };
    },
  });
}

/** All when it is undefined. Throws Failure `invalid` for both a key and keys, and for too many. */
function keysAsked({ key, keys }: { readonly key?: string; readonly keys?: readonly string[] }) {
  if (key === undefined) {
    if (keys !== undefined) checkReceiptKeys(keys.length, 'query.keys');
    return keys;
  }
  if (keys !== undefined) throw invalidAt('query.key', 'name one key, or several by keys');
  return [key];
}

/** Does not tell what would fit: a receipt is to be shown, not to be found out. */
function differs(): Failure {
  const message =
    'this receipt is not of what these keys answer for this context at that revision and moment';
  return new Failure('conflict', message, {
    reason: 'receipt_differs',
    details: [{ path: 'path.hash', message }],
  });
}
