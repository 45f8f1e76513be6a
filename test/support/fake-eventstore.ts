/**
 * A FAKE EventStoreDB: hosts the client package's own gRPC services on loopback, so that the unmodified client speaks to
 * it over a real wire. It keeps its streams in memory and fails on command. It proves our adapter, never the server.
 */
import gossipGrpc from '@eventstore/db-client/generated/gossip_grpc_pb.js';
import gossipPb from '@eventstore/db-client/generated/gossip_pb.js';
import featuresGrpc from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js';
import featuresPb from '@eventstore/db-client/generated/serverfeatures_pb.js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import streamsGrpc from '@eventstore/db-client/generated/streams_grpc_pb.js';
import { Server, ServerCredentials, type UntypedHandleCall } from '@grpc/grpc-js';
import { createCalls, type FakeCalls } from './fake-eventstore-calls.ts';
import { type Door, openDoor } from './fake-eventstore-door.ts';
import { createFakeStreams, type FakeStreams } from './fake-eventstore-streams.ts';

export interface FakeEventStore extends Pick<FakeCalls, 'next' | 'counts' | 'openReads' | 'endReads'> {
  /** A connection string for one node. */
  readonly url: string;
  readonly port: number;
  readonly streams: FakeStreams;
  readonly door: Door;
  /** From now on this node is a follower of the one at that port (undefined: the leader itself). */
  follow(leaderPort: number | undefined): void;
  close(): Promise<void>;
}

export interface FakeEventStoreOptions {
  /** Those of another node, for a cluster; new ones when absent. */
  readonly streams?: FakeStreams;
  /** Parameters of the connection string beside tls. */
  readonly parameters?: string;
}

type GossipAnswer = (error: null, info: InstanceType<typeof gossipPb.ClusterInfo>) => void;

export async function startFakeEventStore(options: FakeEventStoreOptions = {}): Promise<FakeEventStore> {
  const { streams = createFakeStreams(), parameters = '' } = options;
  let leaderPort: number | undefined;
  const server = new Server({ 'grpc.max_receive_message_length': 4 * 1024 * 1024 });
  // What fails on command is set up before the door is there.
  let door: Door | undefined;
  const calls = createCalls(streams, { leaderPort: () => leaderPort, cut: () => door?.cut() });
  server.addService(streamsGrpc.StreamsService, { ...calls.handlers });
  server.addService(featuresGrpc.ServerFeaturesService, { getSupportedMethods: answerFeatures });
  server.addService(gossipGrpc.GossipService, {
    read: (_call: unknown, answer: GossipAnswer) => {
      if (calls.take('gossip') === undefined) answer(null, clusterOf(leaderPort ?? door?.port ?? 0));
    },
  } satisfies Record<string, UntypedHandleCall>);
  const boundPort = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(port) : reject(error),
    );
  });
  const opened = await openDoor(boundPort);
  door = opened;
  return {
    url: `esdb://127.0.0.1:${opened.port}?tls=false${parameters}`,
    port: opened.port,
    streams,
    door: opened,
    next: calls.next,
    counts: calls.counts,
    openReads: calls.openReads,
    endReads: calls.endReads,
    follow: (port) => {
      leaderPort = port;
    },
    async close() {
      calls.close();
      server.forceShutdown();
      await opened.close();
    },
  };
}

function answerFeatures(
  _call: unknown,
  answer: (error: null, methods: InstanceType<typeof featuresPb.SupportedMethods>) => void,
): void {
  const methods = new featuresPb.SupportedMethods().setEventStoreServerVersion('24.10.0');
  for (const name of ['Append', 'BatchAppend', 'Read']) {
    methods.addMethods(
      new featuresPb.SupportedMethod()
        .setMethodName(name.toLowerCase())
        .setServiceName('event_store.client.streams.streams'),
    );
  }
  answer(null, methods);
}

function clusterOf(leaderPort: number): InstanceType<typeof gossipPb.ClusterInfo> {
  const member = new gossipPb.MemberInfo();
  member.setInstanceId(new shared.UUID().setString('00000000-0000-4000-8000-000000000001'));
  member.setState(gossipPb.MemberInfo.VNodeState.LEADER);
  member.setIsAlive(true);
  member.setHttpEndPoint(new gossipPb.EndPoint().setAddress('127.0.0.1').setPort(leaderPort));
  return new gossipPb.ClusterInfo().setMembersList([member]);
}
