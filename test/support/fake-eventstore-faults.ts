/**
 * How the calls of the fake EventStoreDB fail on command, and what a node says that is not the one to ask.
 */
import { status } from '@grpc/grpc-js';
import { errorOf } from './fake-eventstore-answers.ts';

/** How a call fails. What begins with `commit` is done and then not told. */
export type AppendFault =
  | 'none'
  /** Done, and told after a while; or after a while told that it is unavailable. */
  | 'late'
  | 'late_unavailable'
  | 'drop'
  | 'commit_and_drop'
  | 'commit_and_hang'
  | 'hang'
  | 'unavailable'
  /** Keeps only the first event, which no server must, and says nothing. */
  | 'commit_first'
  | 'wrong_expected_version'
  /** Takes no more of the request than fits into the window. */
  | 'stop_reading';
export type ReadFault =
  | 'none'
  | 'drop'
  | 'hang'
  | 'unavailable'
  | 'unknown'
  | 'end_early'
  | 'end_empty'
  | 'trickle';

/** What the node around the calls tells and does. */
export interface Node {
  /** Where the leader is, if it is another node. */
  readonly leaderPort: () => number | undefined;
  /** Cuts every connection. */
  readonly cut: () => void;
}

/** What a node says that is down, or is not the leader where one is wanted. */
export function refusalOf(node: Node, wantsLeader: boolean, fault: string | undefined) {
  const leader = node.leaderPort();
  if (wantsLeader && leader !== undefined) {
    return errorOf(status.NOT_FOUND, 'not-leader', {
      'leader-endpoint-host': '127.0.0.1',
      'leader-endpoint-port': String(leader),
    });
  }
  if (fault === 'unknown') return errorOf(status.UNKNOWN);
  return fault === 'unavailable' ? errorOf(status.UNAVAILABLE) : undefined;
}
