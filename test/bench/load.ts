/**
 * Load over HTTP from 64 connections, by wrk where it is installed and otherwise by autocannon.
 * Requests come in, as many different ones as the bench makes; requests a second go out, and the processor time that
 * the server took for one. An answer that is not 2xx ends the bench: a fast refusal is no figure.
 */
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import autocannon from 'autocannon';

export const connections = 64;

export interface LoadRequest {
  readonly path: string;
  readonly body?: string;
}

export interface LoadTarget {
  readonly url: string;
  readonly pid: number;
  readonly headers: Readonly<Record<string, string>>;
}

export interface LoadResult {
  readonly perSecond: number;
  readonly requests: number;
  /** Microseconds of the server's process for one request; undefined where the system does not tell. */
  readonly processorMicros: number | undefined;
}

type Source = (
  target: LoadTarget,
  requests: readonly LoadRequest[],
  seconds: number,
  connections: number,
) => Promise<Counted>;

interface Counted {
  readonly requests: number;
  readonly seconds: number;
  readonly refused: number;
}

const isWrkThere = spawnSync('wrk', ['--version']).error === undefined;

/** What makes the load, for the report. */
export const loadSource = isWrkThere
  ? 'wrk'
  : 'autocannon (its own processor may be the limit: see processor time)';

/**
 * Sends requests over and over for a time, each connection or all together in the given order. Several at once need
 * a folder each.
 */
export async function load(
  target: LoadTarget,
  requests: readonly LoadRequest[],
  seconds: number,
  folder: string,
  clients = connections,
): Promise<LoadResult> {
  const source: Source = isWrkThere ? (...all) => byWrk(folder, ...all) : byAutocannon;
  const before = processorMicrosOf(target.pid);
  const counted = await source(target, requests, seconds, clients);
  const after = processorMicrosOf(target.pid);
  if (counted.refused > 0 || counted.requests === 0) {
    throw new Error(
      `${counted.refused} of ${counted.requests} requests to ${target.url} were not answered well`,
    );
  }
  return {
    perSecond: counted.requests / counted.seconds,
    requests: counted.requests,
    processorMicros:
      before === undefined || after === undefined ? undefined : (after - before) / counted.requests,
  };
}

const byAutocannon: Source = async ({ url, headers }, requests, seconds, clients) => {
  const share = Math.ceil(requests.length / clients);
  let client = 0;
  const result = await autocannon({
    url,
    connections: clients,
    duration: seconds,
    setupClient: (each) => {
      const own = requests.slice(client * share, (client + 1) * share);
      client += 1;
      each.setRequests(own.map((request) => ({ ...request, ...methodOf(request), headers: { ...headers } })));
    },
  });
  const refused = result.non2xx + result.errors + result.timeouts;
  return { requests: result.requests.total, seconds: result.duration, refused };
};

/** One thread: the other processor is the server's. Its script tells requests, microseconds, errors. */
async function byWrk(
  folder: string,
  { url, headers }: LoadTarget,
  requests: readonly LoadRequest[],
  seconds: number,
  clients: number,
): Promise<Counted> {
  const script = join(folder, 'load.lua');
  await writeFile(script, luaOf(requests, headers));
  const words = ['-t1', `-c${clients}`, `-d${seconds}s`, '-s', script, url];
  const text = await output('wrk', words);
  const [, count = '0', micros = '1', refused = '1'] = /varve (\d+) (\d+) (\d+)/.exec(text) ?? [];
  return { requests: Number(count), seconds: Number(micros) / 1e6, refused: Number(refused) };
}

function luaOf(requests: readonly LoadRequest[], headers: LoadTarget['headers']): string {
  const fields = Object.entries(headers).map(([name, value]) => `[${luaText(name)}]=${luaText(value)}`);
  const rows = requests.map(
    ({ path, body }) => `{${luaText(path)},${body === undefined ? 'nil' : luaText(body)}}`,
  );
  return `
local headers = {${fields.join(',')}}
local rows = {\n${rows.join(',\n')}\n}
local ready, place = {}, 0
function init(args)
  for i, row in ipairs(rows) do
    ready[i] = wrk.format(row[2] and "POST" or "GET", row[1], headers, row[2])
  end
end
function request()
  place = place % #ready + 1
  return ready[place]
end
function done(summary)
  local e = summary.errors
  io.write(string.format("varve %d %d %d\\n", summary.requests, summary.duration,
    e.connect + e.read + e.write + e.status + e.timeout))
end
`;
}

/** A text in Lua's quotes; what is sent here is ASCII. */
function luaText(text: string): string {
  return JSON.stringify(text);
}

function methodOf({ body }: LoadRequest): { readonly method: 'GET' | 'POST' } {
  return { method: body === undefined ? 'GET' : 'POST' };
}

function output(command: string, words: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, words, { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    child.on('error', reject);
    child.on('close', () => resolve(text));
  });
}

/** User and system time that a process has taken, in microseconds (Linux counts hundredths of a second). */
export function processorMicrosOf(pid: number): number | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) * 10_000;
  } catch {
    return undefined;
  }
}
