/**
 * The calls of the fake EventStoreDB, and how each can be made to fail. Requests come in from the wire, answers go out
 * from the fake's streams.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type streamsPb from '@eventstore/db-client/generated/streams_pb.js';
import pb from '@eventstore/db-client/generated/streams_pb.js';
import {
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerWritableStream,
  type sendUnaryData,
  status,
  type UntypedHandleCall,
} from '@grpc/grpc-js';
import {
  appendAnswer,
  batchAnswer,
  errorOf,
  eventOf,
  expectedOf,
  streamOf,
  uuidOf,
} from './fake-eventstore-answers.ts';
import { type AppendFault, type Node, type ReadFault, refusalOf } from './fake-eventstore-faults.ts';
import { createReads } from './fake-eventstore-reads.ts';
import type { Appended, Expected, FakeEvent, FakeStreams } from './fake-eventstore-streams.ts';

type AppendReq = InstanceType<typeof streamsPb.AppendReq>;
type AppendResp = InstanceType<typeof streamsPb.AppendResp>;
type BatchReq = InstanceType<typeof streamsPb.BatchAppendReq>;
type BatchResp = InstanceType<typeof streamsPb.BatchAppendResp>;
type ReadReq = InstanceType<typeof streamsPb.ReadReq>;
type ReadResp = InstanceType<typeof streamsPb.ReadResp>;

export interface FakeCalls {
  readonly handlers: Readonly<Record<string, UntypedHandleCall>>;
  /** How the next calls of a kind fail, one after the other; reads and subscriptions are told apart. */
  next(kind: 'append', ...faults: readonly AppendFault[]): void;
  next(kind: 'read' | 'subscribe', ...faults: readonly ReadFault[]): void;
  next(kind: 'gossip', ...faults: readonly 'hang'[]): void;
  /** For what is called outside this file. */
  take(kind: 'gossip'): string | undefined;
  /** Reads and subscriptions that the server still holds open. */
  openReads(): number;
  readonly counts: Record<'append' | 'batchAppend' | 'read' | 'subscribe', number>;
  /** Ends every read and subscription that is under way as a server does that stops: without an error. */
  endReads(): void;
  close(): void;
}

const lateMs = 150;

export function createCalls(streams: FakeStreams, node: Node): FakeCalls {
  const faults: Record<string, (AppendFault | ReadFault)[]> = {
    append: [],
    read: [],
    subscribe: [],
    gossip: [],
  };
  const counts = { append: 0, batchAppend: 0, read: 0, subscribe: 0 };
  const take = (kind: string) => faults[kind]?.shift();
  const reads = createReads(streams, node, take);

  /** The outcome, or nothing when nobody is to hear of it. */
  function act(
    fault: string | undefined,
    stream: string,
    expected: Expected,
    events: readonly FakeEvent[],
  ): Appended | undefined {
    if (fault === 'wrong_expected_version') return { kind: 'wrong_expected_version', current: -1 };
    const isCommitted = fault !== 'hang' && fault !== 'drop';
    const kept = fault === 'commit_first' ? events.slice(0, 1) : events;
    const result = isCommitted ? streams.append(stream, expected, kept) : undefined;
    if (fault === 'drop' || fault === 'commit_and_drop') node.cut();
    return fault === undefined || fault === 'none' || fault === 'late' ? result : undefined;
  }

  function append(
    call: ServerReadableStream<AppendReq, AppendResp>,
    answer: sendUnaryData<AppendResp>,
  ): void {
    counts.append += 1;
    const fault = take('append');
    const refusal = refusalOf(node, call.metadata.get('requires-leader').length > 0, fault);
    if (refusal !== undefined) answer(refusal);
    if (refusal !== undefined || fault === 'stop_reading') return;
    let stream = '';
    let expected: Expected = 'any';
    const events: FakeEvent[] = [];
    call.on('data', (message: AppendReq) => {
      const options = message.getOptions();
      const proposed = message.getProposedMessage();
      if (options !== undefined) {
        stream = streamOf(options);
        expected = expectedOf(options);
      }
      if (proposed !== undefined) events.push(eventOf(proposed));
    });
    call.on('error', () => undefined);
    // A request that was cancelled ends as well, but nothing of it counts.
    call.on('end', () => call.cancelled || void finish());
    const finish = async () => {
      if (fault?.startsWith('late')) await sleep(lateMs);
      if (fault === 'late_unavailable') return answer(errorOf(status.UNAVAILABLE));
      const result = act(fault, stream, expected, events);
      if (result === undefined) return;
      const told = appendAnswer(result, expected, streams.maxAppendBytes);
      if (told instanceof pb.AppendResp) answer(null, told);
      else answer(told);
    };
  }

  function batchAppend(call: ServerDuplexStream<BatchReq, BatchResp>): void {
    const pending = new Map<string, { stream: string; expected: Expected; events: FakeEvent[] }>();
    call.on('error', () => undefined);
    call.on('end', () => call.end());
    call.on('data', (message: BatchReq) => void receive(message));
    const receive = async (message: BatchReq) => {
      const correlation = uuidOf(message.getCorrelationId());
      const options = message.getOptions();
      const batch = pending.get(correlation) ?? {
        stream: streamOf(options),
        expected: options === undefined ? 'any' : expectedOf(options),
        events: [],
      };
      pending.set(correlation, batch);
      batch.events.push(...message.getProposedMessagesList().map(eventOf));
      if (!message.getIsFinal()) return;
      pending.delete(correlation);
      counts.batchAppend += 1;
      const fault = take('append');
      if (fault?.startsWith('late')) await sleep(lateMs);
      if (fault === 'unavailable' || fault === 'late_unavailable') {
        call.emit('error', errorOf(status.UNAVAILABLE));
        return;
      }
      const result = act(fault, batch.stream, batch.expected, batch.events);
      if (result !== undefined)
        call.write(batchAnswer(correlation, batch.stream, result, streams.maxAppendBytes));
    };
  }

  function read(call: ServerWritableStream<ReadReq, ReadResp>): void {
    counts[call.request.getOptions()?.hasSubscription() ? 'subscribe' : 'read'] += 1;
    reads.read(call);
  }

  return {
    handlers: { append, batchAppend, read, delete: refuse, tombstone: refuse },
    next: (kind, ...wanted) => faults[kind]?.push(...wanted),
    counts,
    take,
    openReads: reads.openCount,
    endReads: reads.endAll,
    close: reads.close,
  };
}

function refuse(_call: unknown, answer: sendUnaryData<never>): void {
  answer(errorOf(status.UNIMPLEMENTED));
}
