/**
 * POST /v1/rollbacks: back to a point, or some events taken out, as one new changeset that acts from its own moment on.
 * In: a selection; out: what it would do (dry run), or what it did, always with the conflicts that were left.
 */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { instantSchema, jsonSchema, scopeSchema, text } from '../../domain/change.ts';
import { parseInstant } from '../../domain/instant.ts';
import type { JsonValue } from '../../domain/json.ts';
import { maxModelIdLength } from '../../domain/model-reference.ts';
import type { Moment } from '../../domain/questions.ts';
import { reasonSchema } from '../../domain/reason.ts';
import type { EventSelection } from '../../domain/rollback/restore-questions.ts';
import { covered, coveredByDefault } from '../../domain/rollback/rollback-plan.ts';
import { Failure } from '../../failure.ts';
import type { ChangesetRequest, ChangesetResult } from '../../ledger/changeset.ts';
import type { Answer } from '../answer.ts';
import type { Arrivals } from '../arrival/arrivals.ts';
import { arrivalSchema, submitAndWait, waitOf, waitQuery } from '../arrival/wait-for-consumers.ts';
import { readClocks } from '../clocks.ts';
import type { HttpDependencies } from '../dependencies.ts';
import { actorAnswerSchema, changesetAnswerSchema, nothingChangedSchema } from '../event-answer.ts';
import { previewAnswer, previewOf, previewSchema } from '../preview-answer.ts';
import { invalidAt } from '../problem.ts';
import { keyPatternSchema } from '../query-schemas.ts';
import { momentInTables } from '../read-call.ts';
import { writers } from '../roles.ts';
import { maxSelected, type Planned, planReturnTo, planUndoOf } from '../rollback-plan-call.ts';
import { addRoute, type Call, none } from '../route.ts';
import { inPlace, writeHeaders, writeMeta } from '../write-call.ts';
import { modelPatternIn } from './models.ts';

const undoSchema = z
  .strictObject({
    changesets: z.array(z.uuid()).min(1).max(100).exactOptional(),
    revisions: z.array(z.number().int().positive()).min(1).max(maxSelected).exactOptional(),
    actor: text(200).exactOptional(),
    from: instantSchema.exactOptional(),
    to: instantSchema.exactOptional(),
  })
  .refine((undo) => Object.keys(undo).length > 0, {
    error: 'name changesets, revisions, an actor, or a time window',
  })
  .meta({
    id: 'UndoSelection',
    description: 'Events to take out; all that is given narrows; from ≤ recorded < to',
  });

const rollbackSchema = z
  .strictObject({
    to: z
      .union([z.string().min(1).max(200), z.number().int().nonnegative()], {
        error: 'a revision, a time (RFC 3339) or tag:<name>',
      })
      .meta({ description: 'Back to this point: a revision, a time (RFC 3339) or tag:<name>' })
      .exactOptional(),
    undo: undoSchema.exactOptional(),
    where: z
      .strictObject({
        key: keyPatternSchema.exactOptional(),
        scope: scopeSchema.exactOptional(),
        model: text(maxModelIdLength).exactOptional(),
      })
      .meta({
        description:
          'Key and scope together select overrides, a key alone its definition too; model selects models beside them; * stands for anything',
      })
      .exactOptional(),
    include: z.array(z.enum(covered)).min(1).max(covered.length).exactOptional(),
    resolve: z
      .record(text(500), z.enum(['keep', 'undo']))
      .refine((resolve) => Object.keys(resolve).length <= maxSelected, { error: `at most ${maxSelected}` })
      .exactOptional(),
    allowUnlisted: z
      .boolean()
      .meta({ description: 'Bring back values whose model is gone, with a warning' })
      .exactOptional(),
    reason: reasonSchema,
    expectedRevision: z.number().int().nonnegative().exactOptional(),
    fingerprint: text(200).exactOptional(),
    dryRun: z.boolean().exactOptional(),
  })
  .meta({ id: 'RollbackRequest', description: 'Exactly one of to and undo' });

const conflictSchema = z
  .strictObject({
    subject: z.string(),
    field: z.string(),
    current: jsonSchema,
    wanted: jsonSchema,
    effectiveFrom: z.string().optional(),
    effectiveUntil: z.string().optional(),
    by: z.strictObject({
      revision: z.number().int(),
      actor: actorAnswerSchema.optional(),
      recordedAt: z.string().optional(),
      reason: z.string().optional(),
      changesetId: z.string().optional(),
    }),
  })
  .meta({ id: 'RollbackConflict', description: 'A later change that was left, its value and whose it is' });

const conflicts = z.array(conflictSchema);

export function addRollbackRoute(
  app: FastifyInstance,
  dependencies: HttpDependencies,
  arrivals: Arrivals,
): void {
  addRoute(app, {
    method: 'POST',
    url: '/v1/rollbacks',
    access: writers,
    tag: 'Write',
    summary: 'Go back to a point, or undo some events; or preview it',
    params: none,
    query: waitQuery,
    body: rollbackSchema,
    headers: writeHeaders,
    answers: {
      201: changesetAnswerSchema.extend({ conflicts, consumers: arrivalSchema.optional() }),
      200: z.union([nothingChangedSchema.extend({ conflicts }), previewSchema.extend({ conflicts })]),
    },
    handle: (call) => postRollback(dependencies, arrivals, call),
  });
}

type RollbackCall = Call<unknown, z.output<typeof waitQuery>, z.output<typeof rollbackSchema>>;

async function postRollback(
  dependencies: HttpDependencies,
  arrivals: Arrivals,
  call: RollbackCall,
): Promise<Answer> {
  const { reason, expectedRevision, fingerprint, dryRun = false } = call.body;
  const waitMs = waitOf(call.query, dryRun);
  const meta = writeMeta(call, { reason, ...(expectedRevision === undefined ? {} : { expectedRevision }) });
  const base = {
    ...meta,
    source: 'rollback' as const,
    ...(fingerprint === undefined ? {} : { fingerprint }),
  };
  return inPlace({ places: {} }, async () => {
    const request = await requestOf(dependencies, call, base);
    if (!dryRun) return withConflicts(await submitAndWait(arrivals, call, request, waitMs));
    return withConflicts(previewAnswer(await previewOf(dependencies, call.ledger, request)));
  });
}

/**
 * The request to the writer. What cannot be planned is refused by the writer, once it has looked for the first answer:
 * the same request again may find nothing left to undo, or a model gone, and still has its answer.
 */
async function requestOf(
  dependencies: HttpDependencies,
  call: RollbackCall,
  base: Omit<ChangesetRequest, 'changes'>,
): Promise<ChangesetRequest> {
  try {
    const { undoes, ...planned } = await planOf(dependencies, call);
    const { allowUnlisted = false } = call.body;
    return { ...base, undoes, changes: [{ type: 'restore', allowUnlisted, ...planned }] };
  } catch (error) {
    if (!(error instanceof Failure) || base.idempotency === undefined) throw error;
    return { ...base, changes: [], refusal: error };
  }
}

const projections = ['history', 'changesets', 'assertions', 'keys', 'catalogue'];

async function planOf(dependencies: HttpDependencies, call: RollbackCall): Promise<Planned> {
  const { to, undo, include = coveredByDefault, resolve = {} } = call.body;
  if ((to === undefined) === (undo === undefined)) {
    throw invalidAt(to === undefined ? 'to' : 'undo', 'name either to or undo, exactly one of the two');
  }
  const { reads } = dependencies;
  const { name } = call.ledger;
  const where = whereOf(call);
  const wish = { where, include, resolve };
  if (undo !== undefined) {
    return insistently(async () => {
      const moment = await momentOf(dependencies, call);
      return planUndoOf(reads, name, selectionOf(undo, where, moment.asOf), moment, wish);
    });
  }
  const takenOut = Object.keys(resolve).find((subject) => resolve[subject] === 'undo');
  if (takenOut !== undefined) {
    throw invalidAt(
      `resolve.${takenOut}`,
      'back to a point there is nothing to undo; keep leaves the subject',
    );
  }
  const moment = await momentOf(dependencies, call);
  const clocks = await readClocks(dependencies, call.ledger, { asOf: String(to) }, 'to');
  const point = clocks.asOf === 'head' ? moment.asOf : clocks.asOf;
  return planReturnTo(reads, name, point, moment, wish);
}

/** The head once the tables hold it, and the clock by which the writer will decide: this server's may be another. */
async function momentOf(dependencies: HttpDependencies, call: RollbackCall): Promise<Moment> {
  const { asOf } = await momentInTables(dependencies, { ...call, query: {} }, projections);
  return { asOf, at: await call.ledger.sharedNow() };
}

const maxAttempts = 5;

/** Plans again when a subject went on meanwhile; where that never ends, it is a conflict. */
async function insistently(plan: () => Promise<Planned>): Promise<Planned> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await plan();
    } catch (error) {
      const hasMoved = error instanceof Failure && error.reason === 'subject_moved';
      if (!hasMoved || attempt >= maxAttempts) throw error;
    }
  }
}

function whereOf({ body, ledger }: RollbackCall): EventSelection['where'] {
  const { model, ...where } = body.where ?? {};
  return model === undefined ? where : { ...where, model: modelPatternIn(ledger, model) };
}

function selectionOf(
  { changesets, revisions, actor, from, to }: z.output<typeof undoSchema>,
  where: EventSelection['where'],
  asOf: number,
): EventSelection {
  const beyond = revisions?.findIndex((revision) => revision > asOf) ?? -1;
  if (beyond >= 0)
    throw invalidAt(`undo.revisions.${beyond}`, `the ledger ends at revision ${asOf}`, 'beyond_head');
  const window = { from: instantOf(from), to: instantOf(to) };
  if (window.from !== undefined && window.to !== undefined && window.from >= window.to) {
    throw invalidAt('undo.to', 'the window ends before it begins');
  }
  return {
    where,
    asOf,
    ...(changesets === undefined ? {} : { changesets }),
    ...(revisions === undefined ? {} : { revisions }),
    ...(actor === undefined ? {} : { actor }),
    ...(window.from === undefined ? {} : { from: window.from }),
    ...(window.to === undefined ? {} : { to: window.to }),
  };
}

function instantOf(time: string | undefined): number | undefined {
  return time === undefined ? undefined : parseInstant(time);
}

/** Conflicts travel with the warnings, so that an answer that is given again has them too; here they stand apart. */
function withConflicts(answer: Answer): Answer {
  const body = answer.body as Pick<ChangesetResult, 'warnings'>;
  const isConflict = ({ code }: { readonly code: string }) => code === 'conflict';
  const found = body.warnings.flatMap((warning): readonly JsonValue[] =>
    isConflict(warning) && warning.detail !== undefined ? [warning.detail] : [],
  );
  const warnings = body.warnings.filter((warning) => !isConflict(warning));
  return { ...answer, body: { ...body, warnings, conflicts: found } };
}
