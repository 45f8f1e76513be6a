/**
 * Contexts per user before a real server, on a clock of the test's. Whatever is opened here is closed at the end.
 */
import type { Failure } from '../../src/failure.ts';
import type { UserContexts, UserContextsOptions } from '../../src/sdk/user-context.ts';
import { createUserContexts } from '../../src/sdk/user-contexts.ts';
import type { Varve } from '../../src/sdk/varve.ts';
import { type SdkStand, startSdkStand } from './sdk-stand.ts';

const hourMs = 3_600_000;

export interface ContextsStand {
  readonly sdk: SdkStand;
  readonly varve: Varve;
  readonly contexts: UserContexts;
  /** What was told of instances that could not be disposed. */
  readonly troubles: readonly Failure[];
  now(): number;
  passHours(hours: number): void;
  /** Others, of the same client unless told otherwise. */
  open(options?: UserContextsOptions, varve?: Varve): UserContexts;
  /** The ledger's revision. */
  head(): number;
  /** Changes something behind the client's back, and waits until it has come to it. */
  change(...changes: readonly object[]): Promise<void>;
  close(): Promise<void>;
}

export async function startContextsStand(): Promise<ContextsStand> {
  const sdk = await startSdkStand();
  const varve = sdk.client();
  await varve.ready();
  const troubles: Failure[] = [];
  const opened: UserContexts[] = [];
  let now = 1_000_000 * hourMs;
  const open = (options: UserContextsOptions = {}, of = varve) => {
    const onTrouble = (failure: Failure) => troubles.push(failure);
    const contexts = createUserContexts(of, { now: () => now, onTrouble, ...options });
    opened.push(contexts);
    return contexts;
  };
  const head = () => sdk.http.ledger().state.revision;
  return {
    sdk,
    varve,
    contexts: open(),
    troubles,
    now: () => now,
    passHours: (hours) => {
      now += hours * hourMs;
    },
    open,
    head,
    change: async (...changes) => {
      await sdk.http.change(...changes);
      await varve.reached(head());
    },
    close: async () => {
      await Promise.all(opened.map((contexts) => contexts.close()));
      await sdk.close();
    },
  };
}
