/**
 * What was in force at one moment and not at another, for worlds that are seen before their point was recorded.
 * In: two moments on both clocks; out: differences of keys, models with their prices, and overrides. What is scheduled is
 * not told, and a kind of thing of which there are too many is left out as a whole: then the answer is not complete.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { forever } from '../../domain/assertion.ts';
import type { FieldView } from '../../domain/diff.ts';
import type { Difference } from '../../domain/diff-questions.ts';
import { keySubject, modelSubject, overrideSubject } from '../../domain/event.ts';
import type { Moment, Page, PageRequest } from '../../domain/questions.ts';
import type { Reads } from '../../domain/reads.ts';
import type { SubjectState } from '../../domain/subject-state.ts';
import { pointDifferences, pointViewOf } from '../../domain/subject-view.ts';

type ListReads = Pick<Reads, 'keys' | 'models' | 'overrides'>;

/** What each subject says at a moment; undefined where there are too many. */
type Views = ReadonlyMap<string, FieldView> | undefined;
type Entry = readonly [subject: string, view: FieldView];

const pageSize = 1_000;
/** The most of a kind that are listed at a moment. */
const maxOfKind = 10_000;
/** Subjects compared between two turns of other requests: about 5 ms. */
const sliceSize = 500;

export async function momentDifferences(
  reads: ListReads,
  ledger: string,
  left: Moment,
  right: Moment,
): Promise<{ readonly items: readonly Difference[]; readonly isComplete: boolean }> {
  const items: Difference[] = [];
  let isComplete = true;
  for (const list of [keysAt, modelsAt, overridesAt]) {
    const onLeft = await list(reads, ledger, left);
    const onRight = await list(reads, ledger, right);
    if (onLeft === undefined || onRight === undefined) isComplete = false;
    else items.push(...(await compared(onLeft, onRight)));
  }
  return { items, isComplete };
}

/** What a subject says at a moment, without what is to come. */
export function momentView(state: SubjectState | undefined, at: number): FieldView {
  const { scheduled: _s, scheduledPricing: _p, ...view } = pointViewOf(state, at);
  return view;
}

async function compared(
  left: ReadonlyMap<string, FieldView>,
  right: ReadonlyMap<string, FieldView>,
): Promise<readonly Difference[]> {
  const items: Difference[] = [];
  const subjects = [...new Set([...left.keys(), ...right.keys()])].sort();
  for (const [index, subject] of subjects.entries()) {
    if (index % sliceSize === sliceSize - 1) await turn();
    for (const change of pointDifferences(left.get(subject) ?? {}, right.get(subject) ?? {})) {
      items.push({ subject, ...change, events: [], hasMoreEvents: false });
    }
  }
  return items;
}

function keysAt(reads: ListReads, ledger: string, { asOf, at }: Moment): Promise<Views> {
  return viewsOf(
    (page) => reads.keys(ledger, asOf, page),
    ({ version, revision, retired, ...definition }) => [
      keySubject(definition.key),
      momentView({ version, revision, retired, definition }, at),
    ],
  );
}

function modelsAt(reads: ListReads, ledger: string, moment: Moment): Promise<Views> {
  return viewsOf(
    (page) => reads.models(ledger, moment, {}, page),
    ({ state, pricing }) => {
      const prices = pricing === null ? [] : [{ revision: 0, from: 0, until: forever, pricing }];
      return [modelSubject(state.id), momentView({ ...state, prices }, moment.at)];
    },
  );
}

function overridesAt(reads: ListReads, ledger: string, moment: Moment): Promise<Views> {
  return viewsOf(
    (page) => reads.overrides(ledger, moment, {}, page),
    ({ key, scope, assertion, version, state }) =>
      state === 'scheduled'
        ? undefined
        : [overrideSubject(key, scope), momentView({ version, assertions: [assertion] }, moment.at)],
  );
}

async function viewsOf<T>(
  ask: (page: PageRequest) => Promise<Page<T>>,
  entryOf: (item: T) => Entry | undefined,
): Promise<Views> {
  const views = new Map<string, FieldView>();
  let cursor: string | null = null;
  do {
    const page: Page<T> = await ask({ limit: pageSize, ...(cursor === null ? {} : { cursor }) });
    for (const item of page.items) {
      const entry = entryOf(item);
      if (entry !== undefined) views.set(...entry);
    }
    cursor = page.nextCursor;
    if (views.size >= maxOfKind && cursor !== null) return undefined;
  } while (cursor !== null);
  return views;
}
