/**
 * Reads and subscriptions of the fake EventStoreDB: forwards from a revision, backwards from the end, and catch-up
 * subscriptions that go on with what is appended.
 */
import pb from '@eventstore/db-client/generated/streams_pb.js';
import type { ServerWritableStream } from '@grpc/grpc-js';
import { notFoundAnswer, readAnswer, streamOf } from './fake-eventstore-answers.ts';
import { type Node, type ReadFault, refusalOf } from './fake-eventstore-faults.ts';
import type { FakeStreams } from './fake-eventstore-streams.ts';

type ReadCall = ServerWritableStream<InstanceType<typeof pb.ReadReq>, InstanceType<typeof pb.ReadResp>>;

export interface FakeReads {
  read(call: ReadCall): void;
  openCount(): number;
  endAll(): void;
  close(): void;
}

export function createReads(
  streams: FakeStreams,
  node: Node,
  take: (kind: string) => string | undefined,
): FakeReads {
  const open = new Set<ReadCall>();
  const wakers = new Map<ReadCall, () => void>();
  const unlisten = streams.onAppend(() => {
    for (const wake of wakers.values()) wake();
  });

  function read(call: ReadCall): void {
    open.add(call);
    call.on('close', () => forget(call)).on('cancelled', () => forget(call));
    call.on('error', () => undefined);
    const isSubscription = call.request.getOptions()?.hasSubscription() ?? false;
    const fault = take(isSubscription ? 'subscribe' : 'read') as ReadFault | undefined;
    const refusal = refusalOf(node, call.metadata.get('requires-leader').length > 0, fault);
    if (refusal !== undefined) call.emit('error', refusal);
    else if (fault === 'drop') node.cut();
    else if (fault === 'end_empty') call.end();
    else if (fault === 'hang') return;
    else if (isSubscription) subscribe(call);
    else void page(call, fault);
  }

  async function page(call: ReadCall, fault: ReadFault | undefined): Promise<void> {
    const options = call.request.getOptions();
    const stream = streamOf(options?.getStream());
    const events = streams.events(stream);
    if (events === undefined) {
      call.write(notFoundAnswer(stream));
      call.end();
      return;
    }
    const isBackwards = options?.getReadDirection() === pb.ReadReq.Options.ReadDirection.BACKWARDS;
    const step = isBackwards ? -1 : 1;
    let revision = options?.getStream()?.hasEnd()
      ? events.length - 1
      : Number(options?.getStream()?.getRevision());
    let left = Number(options?.getCount() ?? 0);
    if (fault === 'end_early') left = Math.floor(left / 2);
    for (; left > 0; left -= 1, revision += step) {
      const event = events[revision];
      if (event === undefined || call.destroyed || call.cancelled) break;
      if (fault === 'trickle') await new Promise((resolve) => setTimeout(resolve, 50));
      if (!call.write(readAnswer(stream, revision, event))) {
        await drained(call);
      }
    }
    call.end();
  }

  function subscribe(call: ReadCall): void {
    const from = call.request.getOptions()?.getStream();
    const stream = streamOf(from);
    const held = () => streams.events(stream) ?? [];
    let next = from?.hasEnd() ? held().length : from?.hasStart() ? 0 : Number(from?.getRevision()) + 1;
    call.write(
      new pb.ReadResp().setConfirmation(new pb.ReadResp.SubscriptionConfirmation().setSubscriptionId('1')),
    );
    const send = () => {
      for (const event of held().slice(next)) {
        call.write(readAnswer(stream, next, event));
        next += 1;
      }
    };
    send();
    call.write(new pb.ReadResp().setCaughtUp(new pb.ReadResp.CaughtUp()));
    wakers.set(call, send);
  }

  function forget(call: ReadCall): void {
    open.delete(call);
    wakers.delete(call);
  }

  return {
    read,
    openCount: () => open.size,
    endAll: () => {
      for (const call of open) call.end();
      for (const call of open) forget(call);
    },
    close: unlisten,
  };
}

/** Until the client has taken what was written, or is gone. */
function drained(call: ReadCall): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      call.off('drain', done).off('cancelled', done);
      resolve();
    };
    call.on('drain', done).on('cancelled', done);
  });
}
