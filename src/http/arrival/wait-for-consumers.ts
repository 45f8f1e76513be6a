/**
 * `waitFor=consumers` on a write: once the changeset is durable, who has it by now and who has not. In: a request to the writer
 * and how long to wait; out: the answer of the write, with a report. Whoever is slow never undoes or refuses the write.
 */
import { z } from 'zod';
import { type ArrivalReport, consumerStates, maxReported, silentAfterMs } from '../../domain/arrival.ts';
import { formatInstant } from '../../domain/instant.ts';
import type { ChangesetRequest } from '../../ledger/changeset.ts';
import type { Answer } from '../answer.ts';
import { invalidAt } from '../problem.ts';
import { wholeNumber } from '../query-schemas.ts';
import type { Call } from '../route.ts';
import { changesetAnswer } from '../write-call.ts';
import type { Arrivals } from './arrivals.ts';

const defaultWaitMs = 5_000;
const maxWaitMs = 30_000;

/** The query of writes that can wait. */
export const waitQuery = z.strictObject({
  waitFor: z
    .enum(['consumers'], { error: 'only consumers can be waited for' })
    .meta({
      description: `Answers when every consumer has the changeset that was heard of in the last ${silentAfterMs / 1_000} s, after waitMs at the latest`,
    })
    .exactOptional(),
  waitMs: wholeNumber(0, maxWaitMs)
    .meta({
      type: 'integer',
      minimum: 0,
      maximum: maxWaitMs,
      description: `${defaultWaitMs} when it is left out`,
    })
    .exactOptional(),
});

const count = z.number().int().nonnegative();

export const arrivalSchema = z
  .strictObject({
    revision: count,
    reached: z
      .array(z.string())
      .max(maxReported)
      .meta({ description: 'Names of which every process that is heard of has it' }),
    reachedCount: count,
    missing: z
      .array(
        z.strictObject({
          client: z.string(),
          instance: z.string(),
          revision: count,
          state: z.enum(consumerStates),
          lastSeenAt: z.string(),
        }),
      )
      .max(maxReported)
      .meta({ description: 'Processes that have not, silent ones included, which are not waited for' }),
    missingCount: count,
  })
  .meta({ id: 'Arrival', description: 'Who has the changeset; absent unless waitFor asks' });

/** How long to wait, milliseconds; undefined when nobody is waited for. Failures: invalid. */
export function waitOf(query: z.output<typeof waitQuery>, isDryRun: boolean): number | undefined {
  const { waitFor, waitMs } = query;
  if (waitFor === undefined) {
    if (waitMs !== undefined) throw invalidAt('query.waitMs', 'this goes with waitFor');
    return undefined;
  }
  if (isDryRun) throw invalidAt('query.waitFor', 'a dry run writes nothing that could arrive');
  return waitMs ?? defaultWaitMs;
}

/**
 * Writes, and waits when that is asked for. Failures: those of the writer, and limited when too many wait; then nothing was
 * written.
 */
export async function submitAndWait(
  arrivals: Arrivals,
  { ledger, request: { raw } }: Pick<Call<unknown, unknown, unknown>, 'ledger' | 'request'>,
  request: ChangesetRequest,
  waitMs: number | undefined,
): Promise<Answer> {
  if (waitMs === undefined) return changesetAnswer(await ledger.submit(request));
  const leave = arrivals.enter();
  const gone = new AbortController();
  const onClose = () => gone.abort();
  // Whoever hangs up and asks again must not take one place after the other.
  raw.socket.once('close', onClose);
  try {
    const result = await ledger.submit(request);
    const last = result.events.at(-1);
    const answer = changesetAnswer(result);
    if (last === undefined) return answer;
    return withReport(answer, await arrivals.reached(ledger, last.revision, waitMs, gone.signal));
  } finally {
    raw.socket.off('close', onClose);
    leave();
  }
}

/** That nobody can tell is a warning: the changeset stands all the same. */
function withReport(answer: Answer, report: ArrivalReport | undefined): Answer {
  const body = answer.body as { readonly warnings: readonly object[] };
  if (report !== undefined) return { ...answer, body: { ...body, consumers: arrivalAnswer(report) } };
  const warning = {
    code: 'consumers_unknown',
    message: 'who has the changeset cannot be told just now; it stands',
    path: 'query.waitFor',
  };
  return { ...answer, body: { ...body, warnings: [...body.warnings, warning] } };
}

function arrivalAnswer(report: ArrivalReport) {
  const missing = report.missing.map(({ lastSeenAt, ...consumer }) => ({
    ...consumer,
    lastSeenAt: formatInstant(lastSeenAt),
  }));
  return { ...report, missing };
}
