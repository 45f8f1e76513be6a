/**
 * The parts of a client, put together: what is held, the connection that keeps it up to date, the clock, and who is told
 * of what. Settings come in; out goes what the calls of a client are made of.
 */
import { Failure } from '../failure.ts';
import { type ApiClient, createApiClient } from './api-client.ts';
import { type BoundaryWatch, createBoundaryWatch } from './boundary-watch.ts';
import type { VarveSettings } from './check-options.ts';
import { Connection } from './connection.ts';
import { createFreshness, type Freshness } from './freshness.ts';
import { HeldValues } from './held-values.ts';
import { Listeners } from './listeners.ts';
import { createServerClock, type ServerClock } from './server-clock.ts';
import { createServerReads } from './server-reads.ts';
import { createStatusWatch, type StatusWatch } from './status-watch.ts';
import type { ValuesChange, VarveStatus } from './varve.ts';
import type { VarveParts } from './varve-parts.ts';

export class ClientCore {
  readonly settings: VarveSettings;
  readonly api: ApiClient;
  readonly clock: ServerClock;
  readonly freshness: Freshness;
  readonly values: HeldValues;
  readonly changes: Listeners<ValuesChange>;
  readonly statuses: StatusWatch;
  readonly connection: Connection;
  isClosed = false;
  readonly #boundaries: BoundaryWatch;
  /** Those who wait for the first values look again when something has changed. */
  readonly #starts = new Set<() => void>();

  constructor(settings: VarveSettings, parts: VarveParts) {
    this.settings = settings;
    const { url, apiKey, ledger, scopes, staleAfterMs, transport, pollMs } = settings;
    this.api = createApiClient({ url, apiKey, ...(ledger === undefined ? {} : { ledger }) });
    this.clock = createServerClock(parts);
    this.freshness = createFreshness(parts.elapsed);
    const onThrown = (thrown: unknown) => this.#tellTrouble(listenerThrew(thrown));
    this.changes = new Listeners(onThrown);
    this.values = new HeldValues(scopes, (change) => this.#changed(change));
    const { values } = this;
    const now = () => this.clock.now();
    this.#boundaries = createBoundaryWatch({ values, now, tell: (change) => this.changes.tell(change) });
    const reads = createServerReads({
      api: this.api,
      elapsed: parts.elapsed,
      waits: parts.waits,
      scopes: scopes.query,
      onHeard: (time, ageMs) => this.#heard(time, ageMs),
      onRetry: (ms) => this.connection.startRetriesAt(ms),
      onActivation: () => this.#boundaries.check(),
    });
    this.connection = new Connection({
      values,
      reads,
      parts,
      transport,
      pollMs,
      load: async (snapshot) => values.replace({ ...(await snapshot()), source: 'server' }),
      onChange: () => this.#check(),
      onTrouble: (failure) => this.#tellTrouble(failure),
    });
    this.statuses = createStatusWatch({ status: () => this.status(), staleAfterMs, onThrown });
  }

  status(): VarveStatus {
    const { loaded, revision } = this.values;
    const ageMs = this.freshness.ageMs();
    const failure = this.connection.failure;
    return {
      state: this.#state(ageMs),
      transport: this.isClosed ? 'none' : this.connection.transport,
      ledger: loaded?.ledger ?? this.settings.ledger ?? 'default',
      revision,
      source: loaded?.source ?? 'none',
      ageMs,
      ...(failure === undefined ? {} : { failure }),
    };
  }

  /** Calls `look` whenever something has changed that a start may wait for; answers how to stop. */
  onStart(look: () => void): () => void {
    this.#starts.add(look);
    look();
    return () => this.#starts.delete(look);
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.#boundaries.close();
    this.changes.clear();
    this.#check();
    this.statuses.close();
    await this.connection.close();
  }

  #state(ageMs: number): VarveStatus['state'] {
    if (this.isClosed) return 'closed';
    if (this.values.loaded === undefined) return 'starting';
    return ageMs > this.settings.staleAfterMs ? 'stale' : 'live';
  }

  #heard(time: number | undefined, ageMs: number | undefined): void {
    this.freshness.heard(ageMs);
    if (time !== undefined) {
      this.clock.told(time);
      this.#boundaries.check();
    }
    this.statuses.check();
  }

  #changed(change: ValuesChange): void {
    this.#check();
    this.changes.tell(change);
    this.#boundaries.check();
  }

  #check(): void {
    this.statuses.check();
    for (const look of this.#starts) look();
  }

  #tellTrouble(failure: Failure): void {
    try {
      this.settings.onTrouble(failure);
    } catch {
      // Nobody is left to be told.
    }
  }
}

function listenerThrew(cause: unknown): Failure {
  return new Failure('invalid', 'a listener threw', { reason: 'listener_threw', cause });
}
