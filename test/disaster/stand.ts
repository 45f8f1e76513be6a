/**
 * Where a disaster happens: servers, their clients, their database, and how to take it all away. Scenarios hurt it; the
 * run (run.ts) writes to it and judges it. Here is the stand of one server with its embedded database.
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { embeddedUser } from '../../src/database/postgres-cluster.ts';
import type { Client } from './client.ts';
import { type KeptServer, keepServer } from './kept-server.ts';
import { type DisasterPlace, makePlace, removePlace } from './place.ts';
import { clusterOf, databaseProcesses, type VarvePlace } from './varve-process.ts';

export interface Stand {
  /** Of each server; writers and readers are spread over them. */
  readonly clients: readonly [Client, ...Client[]];
  readonly servers: readonly KeptServer[];
  /** The database itself, past everything that Varve says about it and past every proxy. */
  databaseUrl(): string;
  /** Ends everything politely; answers what was not as it should be. */
  stop(): Promise<readonly string[]>;
  /** Takes the files away. */
  remove(): Promise<void>;
  /** Where they are. */
  readonly folder: string;
}

const stopLimitMs = 25_000;

export interface OwnStand extends Stand {
  readonly place: DisasterPlace;
  readonly server: KeptServer;
}

/** One server with its embedded database. `prepare` may change the place before anything runs on it. */
export async function openOwnStand(prepare?: (place: DisasterPlace) => void): Promise<OwnStand> {
  const place = await makePlace();
  prepare?.(place);
  const server = keepServer(place);
  const stand: OwnStand = {
    place,
    server,
    servers: [server],
    clients: [clientOf(place)],
    databaseUrl: () => urlOf(place),
    stop: async () => [...(await stopServer(server)), ...endOrphans(place)],
    remove: () => removePlace(place),
    folder: place.folder,
  };
  try {
    await server.started;
  } catch (error) {
    await stand.stop();
    throw error;
  }
  return stand;
}

export function clientOf(place: VarvePlace): Client {
  return { url: `http://127.0.0.1:${place.port}`, apiKey: place.adminKey };
}

/** A polite end after all of it: exit code 0, in time. */
export async function stopServer(server: KeptServer): Promise<readonly string[]> {
  const end = await server.stop(stopLimitMs);
  if (end === 0) return [];
  return [`a server did not stop cleanly when asked: ${end ?? `not in ${stopLimitMs} ms`}`];
}

function endOrphans(place: VarvePlace): readonly string[] {
  const orphans = databaseProcesses(place);
  for (const { pid } of orphans) process.kill(pid, 'SIGKILL');
  return orphans.length === 0 ? [] : [`${orphans.length} processes of the database were left behind`];
}

const lockSchema = z.object({ socketFile: z.string() });

/** By the embedded database's own socket. */
function urlOf(place: Pick<VarvePlace, 'dataDir'>): string {
  const lockFile = join(dirname(clusterOf(place)), 'owner.lock');
  const { socketFile } = lockSchema.parse(JSON.parse(readFileSync(lockFile, 'utf8')));
  const host = encodeURIComponent(dirname(socketFile));
  return `postgresql://${embeddedUser}@localhost:5432/${embeddedUser}?host=${host}&sslmode=disable`;
}
