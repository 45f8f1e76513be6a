/**
 * Excerpts of one point of the past, as excerptOf makes them of the head (domain/excerpt.ts).
 * Keys with contexts come in, an excerpt goes out. Definitions and models of a point never change, so each is read once;
 * overrides that are remembered whole, or that nobody ever set, are not asked of the tables at all.
 */

import {
  type Asked,
  assertionsThen,
  copyOverrides,
  Excerpt,
  followedModels,
} from '../../domain/compare/excerpt.ts';
import { keySubject, modelSubject, overrideSubject } from '../../domain/event.ts';
import type { Moment } from '../../domain/questions.ts';
import type { Reads } from '../../domain/reads.ts';
import { maxSuccessors } from '../../domain/resolve.ts';
import type { SubjectState } from '../../domain/subject-state.ts';
import type { LiveLedger } from '../../ledger/live-ledger.ts';

type PastReads = Pick<Reads, 'waitFor' | 'subjectsAt'>;

/** Subjects of the point that were asked for, undefined where there was none. */
type Known = ReadonlyMap<string, SubjectState | undefined>;

const projections = ['assertions', 'keys', 'catalogue', 'prices', 'history'];
/** The most subjects of one question to the tables. */
const maxSubjects = 2_000;

/** Asks about one point again and again; it keeps what it has read of keys and models. */
export function createPastExcerpts(
  reads: PastReads,
  ledger: LiveLedger,
  moment: Moment,
): (asked: Asked) => Promise<Excerpt> {
  const known = new Map<string, SubjectState | undefined>();
  const load = async (subjects: readonly string[]): Promise<void> => {
    const missing = subjects.filter((subject) => !known.has(subject));
    const found = await subjectsAt(reads, ledger.name, moment, missing);
    for (const subject of missing) known.set(subject, found.get(subject));
  };
  return async (asked) => {
    const excerpt = new Excerpt();
    await load([...asked.keys()].map(keySubject));
    const forgotten = putRemembered(ledger, moment.asOf, excerpt, asked, known);
    for (const [subject, override] of await subjectsAt(reads, ledger.name, moment, forgotten)) {
      excerpt.put(subject, override);
    }
    const named = excerpt.namedModels();
    await loadFollowed(load, known, named);
    for (const model of followedModels({ model: (id) => modelIn(known, id) }, named)) excerpt.putModel(model);
    return excerpt;
  };
}

/** Puts the keys, and of their overrides what the head still knows; answers those that only the tables know. */
function putRemembered(
  { state }: LiveLedger,
  asOf: number,
  excerpt: Excerpt,
  asked: Asked,
  known: Known,
): readonly string[] {
  const forgotten: string[] = [];
  for (const [key, contexts] of asked) {
    const definition = known.get(keySubject(key));
    // The head knows every key and override that there ever was.
    const from = state.slots.get(key);
    if (definition === undefined || !('definition' in definition) || from === undefined) continue;
    copyOverrides(from, excerpt.putKey(definition), contexts, (override, scope) => {
      const assertions = assertionsThen(override, asOf);
      if (assertions === undefined) forgotten.push(overrideSubject(key, scope()));
      return assertions === undefined || assertions.length === 0 ? undefined : { version: 0, assertions };
    });
  }
  return [...new Set(forgotten)];
}

/** In parts, once the tables are there. */
export async function subjectsAt(
  reads: PastReads,
  ledger: string,
  moment: Moment,
  subjects: readonly string[],
): Promise<ReadonlyMap<string, SubjectState>> {
  const found = new Map<string, SubjectState>();
  if (subjects.length > 0) await reads.waitFor(ledger, moment.asOf, projections);
  for (let start = 0; start < subjects.length; start += maxSubjects) {
    const part = await reads.subjectsAt(ledger, moment, subjects.slice(start, start + maxSubjects));
    for (const [subject, state] of part) found.set(subject, state);
  }
  return found;
}

/** Step by step along the successors, as far as resolution follows them. */
async function loadFollowed(
  load: (subjects: readonly string[]) => Promise<void>,
  known: Known,
  named: ReadonlySet<string>,
): Promise<void> {
  let next = [...named];
  for (let step = 0; next.length > 0 && step <= maxSuccessors; step++) {
    await load(next.map(modelSubject));
    next = next.flatMap((id) => modelIn(known, id)?.successor ?? []);
  }
}

function modelIn(known: Known, id: string) {
  const found = known.get(modelSubject(id));
  return found !== undefined && 'prices' in found ? found : undefined;
}
