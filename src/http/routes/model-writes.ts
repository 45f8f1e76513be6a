/**
 * Writing the catalogue model by model: conveniences that build a changeset of one change.
 */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { inForce } from '../../domain/assertion.ts';
import {
  type Change,
  instantSchema,
  modelIdSchema,
  modelInputSchema,
  modelUpdatesSchema,
  text,
} from '../../domain/change.ts';
import { modelSubject } from '../../domain/event.ts';
import { pricingPatchSchema } from '../../domain/pricing.ts';
import { reasonSchema } from '../../domain/reason.ts';
import type { ModelState } from '../../domain/subject-state.ts';
import type { Answer } from '../answer.ts';
import { presentOf } from '../clocks.ts';
import type { HttpDependencies } from '../dependencies.ts';
import { changesetAnswerSchema, nothingChangedSchema } from '../event-answer.ts';
import { modelParams } from '../query-schemas.ts';
import { writers } from '../roles.ts';
import { addRoute, type Call, none } from '../route.ts';
import { write, writeHeaders } from '../write-call.ts';
import { modelIdIn, unknownModel } from './models.ts';
import { oneReason } from './overrides.ts';

const answers = { 201: changesetAnswerSchema, 200: nothingChangedSchema };
const shared = { access: writers, tag: 'Models', query: none, headers: writeHeaders, answers } as const;
const places = { id: 'path.id' };

type ModelCall = Call<{ readonly id: string }, unknown, unknown>;

export function addModelWriteRoutes(app: FastifyInstance, dependencies: HttpDependencies): void {
  addRoute(app, {
    ...shared,
    method: 'POST',
    url: '/v1/models',
    summary: 'Add a model',
    params: none,
    body: modelInputSchema.extend({ reason: reasonSchema }),
    handle: (call) => {
      const { reason, ...model } = call.body;
      const subject = modelSubject(modelIdIn(call.ledger, model.id));
      return write(call, { changes: [{ type: 'addModel', model }], reason, subject, places: modelPlaces });
    },
  });
  addRoute(app, {
    ...shared,
    method: 'PATCH',
    url: '/v1/models/:id',
    summary: 'Change fields of a model; null removes one',
    params: modelParams,
    body: modelUpdatesSchema.extend({ reason: reasonSchema }),
    handle: (call) => {
      const { reason, ...updates } = call.body;
      return writeModel(call, reason, (id) => ({ type: 'updateModel', id, updates }));
    },
  });
  addRoute(app, {
    ...shared,
    method: 'DELETE',
    url: '/v1/models/:id',
    summary: 'Remove a model that nothing refers to',
    params: modelParams,
    query: z.strictObject({ reason: reasonSchema.exactOptional() }),
    body: z
      .strictObject({ reason: reasonSchema.exactOptional(), orRetireAt: instantSchema.exactOptional() })
      .optional(),
    handle: (call) => {
      const { reason, ...said } = call.body ?? {};
      return writeModel(call, oneReason(call.query.reason, reason), (id) => ({
        type: 'removeModel',
        id,
        ...said,
      }));
    },
  });
  addLifecycleRoutes(app);
  addDuplicateRoute(app, dependencies);
}

/** The fields of a model stand in these bodies at the top. */
const modelPlaces = Object.fromEntries(
  Object.keys(modelInputSchema.shape).map((field) => [`model.${field}`, field]),
);

function addLifecycleRoutes(app: FastifyInstance): void {
  addRoute(app, {
    ...shared,
    method: 'POST',
    url: '/v1/models/:id/deprecate',
    summary: 'Deprecate a model, with successor and sunset',
    params: modelParams,
    body: z.strictObject({
      successor: modelIdSchema.exactOptional(),
      sunsetAt: instantSchema.exactOptional(),
      reason: reasonSchema,
    }),
    handle: (call) => {
      const { reason, ...said } = call.body;
      return writeModel(call, reason, (id) => ({ type: 'deprecateModel', id, ...said }));
    },
  });
  addRoute(app, {
    ...shared,
    method: 'POST',
    url: '/v1/models/:id/reinstate',
    summary: 'Bring a deprecated model back',
    params: modelParams,
    body: z.strictObject({ reason: reasonSchema }),
    handle: (call) => writeModel(call, call.body.reason, (id) => ({ type: 'reinstateModel', id })),
  });
  const price = { pricing: pricingPatchSchema, source: text(500).exactOptional(), reason: reasonSchema };
  addRoute(app, {
    ...shared,
    method: 'POST',
    url: '/v1/models/:id/prices',
    summary: 'The price became another one (changed), or we had it wrong (corrected)',
    params: modelParams,
    body: z.union([
      z.strictObject({
        kind: z.literal('changed').exactOptional(),
        ...price,
        effectiveFrom: instantSchema.exactOptional(),
      }),
      z.strictObject({
        kind: z.literal('corrected'),
        ...price,
        effectiveFrom: instantSchema,
        effectiveUntil: instantSchema.exactOptional(),
      }),
    ]),
    handle: (call) =>
      writeModel(call, call.body.reason, (id) => {
        if (call.body.kind === 'corrected') {
          const { kind: _kind, reason: _reason, ...said } = call.body;
          return { type: 'correctPrice', id, ...said };
        }
        const { kind: _kind, reason: _reason, ...said } = call.body;
        return { type: 'changePrice', id, ...said };
      }),
  });
}

function addDuplicateRoute(app: FastifyInstance, dependencies: HttpDependencies): void {
  addRoute(app, {
    ...shared,
    method: 'POST',
    url: '/v1/models/:id/duplicate',
    summary: 'Add a model with the fields and the price of another one',
    params: modelParams,
    body: z.strictObject({ id: modelIdSchema, name: text(200).exactOptional(), reason: reasonSchema }),
    handle: (call) => {
      const { state } = call.ledger;
      const source = modelIdIn(call.ledger, call.params.id);
      const model = state.model(source);
      if (model === undefined || model.status === 'removed')
        throw unknownModel(source, 'is not in the catalogue');
      const { id, name = model.name, reason } = call.body;
      const copy = { ...copiedFields(model, presentOf(state, dependencies.now())), id, name };
      const wish = {
        changes: [{ type: 'addModel', model: copy } as const],
        reason,
        subject: modelSubject(source),
      };
      return write(call, { ...wish, places: modelPlaces });
    },
  });
}

/** What a copy takes over; it begins as `active`, without the successor and the past of its original. */
function copiedFields(model: ModelState, at: number) {
  const { family, description, contextWindow = 0, outputLimit, modalities, capabilities, extra } = model;
  const pricing = inForce(model.prices, at)?.pricing;
  const copied = {
    family,
    description,
    contextWindow,
    outputLimit,
    modalities,
    capabilities,
    extra,
    pricing,
  };
  return modelInputSchema
    .omit({ id: true, name: true })
    .parse(Object.fromEntries(Object.entries(copied).filter(([, value]) => value !== undefined)));
}

function writeModel(call: ModelCall, reason: string, change: (id: string) => Change): Promise<Answer> {
  const id = modelIdIn(call.ledger, call.params.id);
  const model = call.ledger.state.model(id);
  if (model === undefined || model.status === 'removed') throw unknownModel(id, 'is not in the catalogue');
  return write(call, { changes: [change(id)], reason, subject: modelSubject(id), places });
}
