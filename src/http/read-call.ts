/**
 * From a checked call to an answer of the read models: clocks, waiting for the tables, the moment in the headers.
 */
import type { Moment } from '../domain/questions.ts';
import type { Answer } from './answer.ts';
import type { Caller } from './authentication.ts';
import { type ClockQuestion, fixMoment, type Reading, readClocks } from './clocks.ts';
import type { HttpDependencies } from './dependencies.ts';

type ReadCall = Caller & { readonly query: ClockQuestion };

/** Answers from tables at the moment that is asked for; what is asked of them is the body. Failures: invalid, unavailable. */
export async function readFromTables(
  dependencies: HttpDependencies,
  call: ReadCall,
  projections: readonly string[],
  ask: (moment: Moment) => Promise<unknown>,
): Promise<Answer> {
  const moment = await momentInTables(dependencies, call, projections);
  return { body: await ask(moment), revision: moment.asOf, at: moment.at };
}

/** The moment that a call asks for, once the named tables hold it; `place` is where it names what the ledger held. */
export async function momentInTables(
  dependencies: HttpDependencies,
  { ledger, query }: ReadCall,
  projections: readonly string[],
  place?: string,
): Promise<Reading> {
  const clocks = await readClocks(dependencies, ledger, query, place);
  const moment = fixMoment(clocks, ledger.state, dependencies.now());
  await dependencies.reads.waitFor(ledger.name, moment.asOf, projections);
  return moment;
}
