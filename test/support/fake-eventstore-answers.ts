/**
 * Between the fake's streams and the wire: the messages of the client package's own gRPC services, made and read.
 */

import shared from '@eventstore/db-client/generated/shared_pb.js';
import statuses from '@eventstore/db-client/generated/status_pb.js';
import streamsPb from '@eventstore/db-client/generated/streams_pb.js';
import { Metadata, StatusBuilder, type StatusObject, status } from '@grpc/grpc-js';
import any from 'google-protobuf/google/protobuf/any_pb.js';
import empty from 'google-protobuf/google/protobuf/empty_pb.js';
import type { Appended, Expected, FakeEvent } from './fake-eventstore-streams.ts';

const { AppendResp, BatchAppendResp, ReadResp } = streamsPb;

type Proposed = InstanceType<typeof streamsPb.AppendReq.ProposedMessage>;
type BatchProposed = InstanceType<typeof streamsPb.BatchAppendReq.ProposedMessage>;
type AppendOptions = InstanceType<typeof streamsPb.AppendReq.Options>;
type BatchOptions = InstanceType<typeof streamsPb.BatchAppendReq.Options>;
type Identified = { getStreamIdentifier(): InstanceType<typeof shared.StreamIdentifier> | undefined };

export function streamOf(options: Identified | undefined): string {
  return Buffer.from(options?.getStreamIdentifier()?.getStreamName_asU8() ?? []).toString('utf8');
}

export function eventOf(message: Proposed | BatchProposed): FakeEvent {
  const metadata = message.getMetadataMap();
  return {
    id: uuidOf(message.getId()),
    type: metadata.get('type') ?? '',
    contentType: metadata.get('content-type') ?? '',
    data: Uint8Array.from(message.getData_asU8()),
    metadata: Uint8Array.from(message.getCustomMetadata_asU8()),
  };
}

/** The client writes ids as text. */
export function uuidOf(id: InstanceType<typeof shared.UUID> | undefined): string {
  return id?.getString() ?? '';
}

export function expectedOf(options: AppendOptions | BatchOptions): Expected {
  if (options.hasNoStream()) return 'no_stream';
  if (options.hasAny()) return 'any';
  if (options.hasStreamExists()) return 'stream_exists';
  return Number('getRevision' in options ? options.getRevision() : options.getStreamPosition());
}

/** The answer to an append, or the error that the server sends. */
export function appendAnswer(
  result: Appended,
  expected: Expected,
  maxAppendBytes: number,
): InstanceType<typeof AppendResp> | Partial<StatusObject> {
  const answer = new AppendResp();
  if (result.kind === 'too_large') {
    return errorOf(status.INVALID_ARGUMENT, 'maximum-append-size-exceeded', {
      'maximum-append-size': String(maxAppendBytes),
    });
  }
  if (result.kind === 'appended') {
    const success = new AppendResp.Success();
    success.setCurrentRevision(String(result.revision));
    success.setNoPosition(new shared.Empty());
    return answer.setSuccess(success);
  }
  const wrong = new AppendResp.WrongExpectedVersion();
  if (result.current < 0) wrong.setCurrentNoStream(new shared.Empty());
  else wrong.setCurrentRevision(String(result.current));
  if (typeof expected === 'number') wrong.setExpectedRevision(String(expected));
  else wrong.setExpectedNoStream(new shared.Empty());
  return answer.setWrongExpectedVersion(wrong);
}

export function batchAnswer(
  correlation: string,
  stream: string,
  result: Appended,
  maxAppendBytes: number,
): InstanceType<typeof BatchAppendResp> {
  const answer = new BatchAppendResp();
  answer.setCorrelationId(new shared.UUID().setString(correlation));
  answer.setStreamIdentifier(new shared.StreamIdentifier().setStreamName(Buffer.from(stream)));
  if (result.kind === 'appended') {
    const success = new BatchAppendResp.Success();
    success.setCurrentRevision(String(result.revision));
    success.setNoPosition(new empty.Empty());
    return answer.setSuccess(success);
  }
  const details = new any.Any();
  if (result.kind === 'too_large') {
    const much = new shared.MaximumAppendSizeExceeded().setMaxappendsize(maxAppendBytes);
    details.pack(much.serializeBinary(), 'event_store.client.MaximumAppendSizeExceeded');
  } else {
    const wrong = new shared.WrongExpectedVersion();
    if (result.current < 0) wrong.setCurrentNoStream(new empty.Empty());
    else wrong.setCurrentStreamRevision(String(result.current));
    details.pack(wrong.serializeBinary(), 'event_store.client.WrongExpectedVersion');
  }
  return answer.setError(new statuses.Status().setDetails(details));
}

export function readAnswer(
  stream: string,
  revision: number,
  event: FakeEvent,
): InstanceType<typeof ReadResp> {
  const recorded = new ReadResp.ReadEvent.RecordedEvent();
  recorded.setId(new shared.UUID().setString(event.id));
  recorded.setStreamIdentifier(new shared.StreamIdentifier().setStreamName(Buffer.from(stream)));
  recorded.setStreamRevision(String(revision));
  recorded.setData(event.data);
  recorded.setCustomMetadata(event.metadata);
  recorded.getMetadataMap().set('type', event.type);
  recorded.getMetadataMap().set('content-type', event.contentType);
  recorded.getMetadataMap().set('created', '17672256000000000');
  const read = new ReadResp.ReadEvent().setEvent(recorded);
  read.setNoPosition(new shared.Empty());
  return new ReadResp().setEvent(read);
}

export function notFoundAnswer(stream: string): InstanceType<typeof ReadResp> {
  const identifier = new shared.StreamIdentifier().setStreamName(Buffer.from(stream));
  return new ReadResp().setStreamNotFound(new ReadResp.StreamNotFound().setStreamIdentifier(identifier));
}

/** As the server says which exception it was: in the trailers. */
export function errorOf(
  code: status,
  exception?: string,
  trailers: Readonly<Record<string, string>> = {},
): Partial<StatusObject> {
  const metadata = new Metadata();
  if (exception !== undefined) metadata.set('exception', exception);
  for (const [name, value] of Object.entries(trailers)) metadata.set(name, value);
  return new StatusBuilder()
    .withCode(code)
    .withDetails(exception ?? 'on command')
    .withMetadata(metadata)
    .build();
}
