/**
 * Asks a running Varve for a rebuild or a verification and follows it to its end: what projections-rebuild.ts and
 * ledger-verify.ts share. In: VARVE_URL and VARVE_API_KEY; out: progress on stderr, the last answer.
 * Stopped in between, the work goes on in Varve; called again, it is found there.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { SingleBar } from 'cli-progress';
import { CommanderError } from 'commander';
import { z } from 'zod';
import { Failure } from '../src/failure.ts';
import { type ClientSettings, readClientSettings } from '../src/settings.ts';

const askedSchema = z.looseObject({ id: z.string() });
const problemSchema = z.looseObject({ code: z.string(), detail: z.string() });

/** What every replay tells, whatever it finds. */
const replaySchema = z.looseObject({
  state: z.enum(['waiting', 'running', 'done', 'failed']),
  progress: z
    .looseObject({
      phase: z.string(),
      done: z.number(),
      total: z.number(),
      eventsPerSecond: z.number(),
    })
    .optional(),
  error: z.string().optional(),
});

type Replay = z.output<typeof replaySchema>;

const pollMs = 300;
/** Failures one after the other before it is given up: about a minute, as a restart may take. */
const maxFailures = 60;
const retryMs = 1_000;

/**
 * The finished replay, as `schema` reads it. Failures: as the server says; `unavailable`, reason `no_answer`, when it
 * stays away; `corrupt` when what answers is no Varve, or when the replay failed.
 */
export async function followReplay<Schema extends z.ZodType>(
  path: string,
  resultPath: (id: string) => string,
  schema: Schema,
): Promise<z.output<Schema>> {
  const settings = readClientSettings();
  const { id } = askedSchema.parse(await call(settings, 'POST', path));
  const display = showProgress();
  try {
    for (let failures = 0; ; ) {
      const answer = await call(settings, 'GET', resultPath(id)).catch((error: unknown) => {
        const mayPass = error instanceof Failure && error.code === 'unavailable';
        failures += 1;
        if (!mayPass || failures > maxFailures) throw error;
        return undefined;
      });
      if (answer === undefined) {
        await wait(retryMs);
        continue;
      }
      failures = 0;
      const replay = replaySchema.parse(answer);
      display.show(replay);
      if (replay.state === 'done') return schema.parse(answer);
      if (replay.state === 'failed') throw new Failure('corrupt', replay.error ?? 'it failed');
      await wait(pollMs);
    }
  } finally {
    display.end();
  }
}

/** Runs a command; exit code 1 when it fails, 2 when it is wrongly called. */
export async function runCommand(name: string, run: () => Promise<unknown>): Promise<void> {
  try {
    await run();
  } catch (error) {
    process.exitCode = exitCodeOf(name, error);
  }
}

function exitCodeOf(name: string, error: unknown): number {
  // commander has said it already; --help ends with 0
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof z.ZodError) console.error(`${name}: what answers there answers not as Varve does`);
  else if (error instanceof Failure) console.error(`${name}: ${error.message}`);
  else throw error;
  return 1;
}

async function call({ url, apiKey }: ClientSettings, method: string, path: string): Promise<unknown> {
  const headers = apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
  const response = await fetch(new URL(path, url), { method, headers }).catch((cause: unknown) => {
    throw new Failure('unavailable', `Varve does not answer at ${url}; npm start starts it`, {
      reason: 'no_answer',
      cause,
    });
  });
  const body: unknown = await response.json().catch(() => undefined);
  if (response.ok) return body;
  const problem = problemSchema.safeParse(body);
  const detail = problem.success ? problem.data.detail : `status ${response.status}, not as Varve answers`;
  throw new Failure(response.status >= 500 ? 'unavailable' : 'invalid', detail);
}

interface Display {
  show(replay: Replay): void;
  end(): void;
}

/** A bar for each phase on a terminal; elsewhere a line whenever the phase or a tenth of it is over. */
function showProgress(): Display {
  let before = '';
  if (!process.stderr.isTTY) {
    return {
      show(replay) {
        const line = lineOf(replay);
        if (line !== before) console.error(line);
        before = line;
      },
      end: () => undefined,
    };
  }
  const bar = new SingleBar({ format: '{bar} {percentage} % | {phase} {speed}', hideCursor: true });
  bar.start(1, 0, { phase: 'waiting', speed: '' });
  return {
    show({ state, progress }) {
      if (progress === undefined) return bar.update({ phase: state });
      const { phase, done, total, eventsPerSecond } = progress;
      bar.setTotal(Math.max(total, 1));
      bar.update(done, { phase, speed: phase === 'filling' ? `${eventsPerSecond} events/s` : '' });
    },
    end: () => bar.stop(),
  };
}

function lineOf({ state, progress }: Replay): string {
  if (progress === undefined || progress.total === 0) return progress?.phase ?? state;
  const { phase, done, total } = progress;
  return `${phase} ${Math.floor((10 * done) / total) * 10} %`;
}
