/**
 * Which model a record of usage was for: the one that it names, or what its key resolved to for its context at its time.
 * In: reported records; out: the same with their models, in the same order. What happened before the head is looked up
 * as it was known then, so that the answer does not depend on when a service gets around to reporting.
 */
import type { LiveState } from '../domain/live-state.ts';
import { isModelId } from '../domain/model-reference.ts';
import { resolve } from '../domain/resolve.ts';
import type { ReceivedUsage } from '../domain/usage/usage.ts';
import type { LiveLedger } from '../ledger/live-ledger.ts';
import type { HttpDependencies } from './dependencies.ts';
import { invalidAt } from './problem.ts';
import { modelIdIn } from './routes/models.ts';
import { contextOf } from './routes/resolve-key.ts';
import type { ReportedUsage } from './usage-input.ts';

/** The most past states that one batch is looked up in. */
const maxStates = 1_000;

/** What past states are made of, and what tells which one it was. */
const projections = ['assertions', 'keys', 'catalogue', 'history', 'changesets'];

/** Failures: invalid (a model without its provider, too many different past states), unavailable. */
export async function withModels(
  dependencies: HttpDependencies,
  ledger: LiveLedger,
  records: readonly ReportedUsage[],
): Promise<readonly ReceivedUsage[]> {
  // The live state goes on while something is awaited: what it answers is asked in one go.
  const { state } = ledger;
  const models = new Map<ReportedUsage, string>();
  const past: ReportedUsage[] = [];
  for (const [index, record] of records.entries()) {
    if (record.model !== undefined) models.set(record, modelNamed(ledger, record.model, index));
    else if (record.at < state.recordedAt) past.push(record);
    else noteModel(models, state, record);
  }
  if (past.length > 0) await notePastModels(dependencies, ledger, past, models);
  return records.map((record) => {
    const model = models.get(record);
    return { ...record, ...(model === undefined ? {} : { model }), modelByKey: record.model === undefined };
  });
}

/** Of a name without its provider nobody could ever tell the price. Failure `invalid`. */
function modelNamed(ledger: LiveLedger, spelling: string, index: number): string {
  const id = modelIdIn(ledger, spelling);
  if (isModelId(id)) return id;
  throw invalidAt(`records.${index}.model`, 'a model is provider/model', 'unclear_model');
}

/** Looks records up in the states that were known at their times; all records of one revision in one state. */
async function notePastModels(
  { reads }: HttpDependencies,
  ledger: LiveLedger,
  records: readonly ReportedUsage[],
  models: Map<ReportedUsage, string>,
): Promise<void> {
  await reads.waitFor(ledger.name, ledger.state.revision, projections);
  const revisions = await reads.revisionsAt(
    ledger.name,
    records.map(({ at }) => at),
  );
  const byRevision = new Map<number, ReportedUsage[]>();
  records.forEach((record, index) => {
    const revision = revisions[index] ?? 0;
    const known = byRevision.get(revision);
    if (known === undefined) byRevision.set(revision, [record]);
    else known.push(record);
  });
  if (byRevision.size > maxStates) {
    throw invalidAt(
      'records',
      `the records without a model are from the time of ${byRevision.size} revisions, at most ${maxStates} are looked ` +
        'up at once; name the models, or send fewer records',
      'too_many',
    );
  }
  for (const [revision, known] of byRevision) {
    // A state answers for its moment and for all that come after it.
    const at = known.reduce((first, record) => Math.min(first, record.at), Number.POSITIVE_INFINITY);
    const keys = new Set(known.flatMap(({ key }) => key ?? []));
    const moment = { asOf: revision, at };
    const state = await reads.stateAt(ledger.name, moment, [...keys], known.map(contextOf));
    for (const record of known) noteModel(models, state, record);
  }
}

/** Nothing is noted where the key was not known or is not about models. */
function noteModel(models: Map<ReportedUsage, string>, state: LiveState, record: ReportedUsage): void {
  if (record.key === undefined) return;
  const model = resolve(state, record.key, contextOf(record), record.at)?.model;
  if (model !== undefined) models.set(record, model.id);
}
