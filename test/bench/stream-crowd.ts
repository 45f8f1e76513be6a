/**
 * A crowd of streaming clients in a process of its own (stream-clients.ts). Paths to open go in; when each revision came
 * to each client comes out.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { LoadTarget } from './load.ts';

export type ClientsOrder =
  | {
      readonly type: 'open';
      readonly url: string;
      readonly headers: Readonly<Record<string, string>>;
      readonly paths: readonly string[];
      readonly after: number;
    }
  | { readonly type: 'tell' }
  | { readonly type: 'end' };

export type ClientsAnswer =
  | { readonly type: 'open' }
  | { readonly type: 'broken'; readonly why: string }
  | { readonly type: 'arrivals'; readonly arrivals: readonly (readonly [number, readonly number[]])[] };

export interface Crowd {
  /** By revision, when each client had it: nanoseconds of the monotonic clock. */
  arrivals(): Promise<ReadonlyMap<number, readonly number[]>>;
  end(): Promise<void>;
}

/** Opens a stream at each path, one after the other; revisions after `after` are noted. Rejects when one does not open. */
export async function openCrowd(
  { url, headers }: LoadTarget,
  paths: readonly string[],
  after: number,
): Promise<Crowd> {
  const child = fork(join(import.meta.dirname, 'stream-clients.ts'), { execArgv: ['--import', 'tsx'] });
  const order = (said: ClientsOrder): void => void child.send(said);
  const answered = async (): Promise<Exclude<ClientsAnswer, { readonly type: 'broken' }>> => {
    const [answer] = (await once(child, 'message')) as [ClientsAnswer];
    if (answer.type !== 'broken') return answer;
    child.kill();
    throw new Error(`a streaming client of the bench broke: ${answer.why}`);
  };
  order({ type: 'open', url, headers, paths, after });
  await answered();
  return {
    async arrivals() {
      order({ type: 'tell' });
      const answer = await answered();
      return new Map(answer.type === 'arrivals' ? answer.arrivals : []);
    },
    async end() {
      const ended = once(child, 'exit');
      order({ type: 'end' });
      await ended;
    },
  };
}
