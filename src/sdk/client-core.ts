/**
 * The parts of a client, put together: what is held, the connection that keeps it up to date, the clock, and who is told
 * of what. Settings come in; out goes what the calls of a client are made of.
 */
import { formatInstant } from '../domain/instant.ts';
import { Failure } from '../failure.ts';
import { type ApiClient, createApiClient, serverAddress } from './api-client.ts';
import type { ValuesChangeset } from './apply-changeset.ts';
import { type ArrivalReporter, createArrivalReporter } from './arrival-reporter.ts';
import { AskedContexts } from './asked-contexts.ts';
import { type BoundaryWatch, createBoundaryWatch } from './boundary-watch.ts';
import { CacheFile, type OnPiece } from './cache-file.ts';
import { ledgerOfKey } from './cache-lines.ts';
import type { VarveSettings } from './check-options.ts';
import { Connection, isOfOtherLog } from './connection.ts';
import { createFreshness, type Freshness } from './freshness.ts';
import { HeldValues } from './held-values.ts';
import { Listeners } from './listeners.ts';
import { createServerClock, type ServerClock } from './server-clock.ts';
import { createServerReads, type ReadSnapshot, type ServerReads } from './server-reads.ts';
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
  /** Who asked, when that is to be reported. */
  readonly asked: AskedContexts | undefined;
  isClosed = false;
  readonly #reporter: ArrivalReporter | undefined;
  readonly #boundaries: BoundaryWatch;
  readonly #cache: CacheFile | undefined;
  #closing: Promise<void> = Promise.resolve();
  #isFirstWait = true;
  #firstWait: NodeJS.Timeout | undefined;
  /** Those who wait look again when something has changed. */
  readonly #waiting = new Set<() => void>();

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
      onTime: (time) => this.#told(time),
      onFresh: (ageMs) => this.#fresh(ageMs),
      onRetry: (ms) => this.connection.startRetriesAt(ms),
      onActivation: () => this.#boundaries.check(),
    });
    this.#cache = this.#openCache(reads, parts);
    this.connection = new Connection({
      values,
      reads,
      parts,
      transport,
      pollMs,
      restore: () => this.#restore(parts),
      load: (snapshot) => this.#load(snapshot),
      apply: (changeset) => this.#apply(changeset),
      onChange: () => this.#check(),
      onTrouble: (failure) => this.#tellTrouble(failure),
    });
    this.statuses = createStatusWatch({ status: () => this.status(), staleAfterMs, onThrown });
    this.asked = settings.reportContexts ? new AskedContexts() : undefined;
    this.#reporter = this.#reporterOf(parts);
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
      ...(this.asked === undefined ? {} : { droppedContexts: this.asked.dropped }),
    };
  }

  /** Whether a start may still wait for the server although there are values from the file. */
  get mayHearSoon(): boolean {
    const { failure } = this.connection;
    const mayComeRight = failure === undefined || isOfOtherLog(failure);
    return this.values.loaded?.source === 'file' && this.#isFirstWait && mayComeRight;
  }

  /** Calls `look` now, and whenever something has changed that one may wait for; answers how to stop. */
  onMoved(look: () => void): () => void {
    this.#waiting.add(look);
    look();
    return () => this.#waiting.delete(look);
  }

  async close(): Promise<void> {
    if (this.isClosed) return this.#closing;
    this.isClosed = true;
    clearTimeout(this.#firstWait);
    this.#boundaries.close();
    this.#check();
    this.statuses.close();
    this.changes.clear();
    this.#closing = this.#end();
    return this.#closing;
  }

  async #end(): Promise<void> {
    await Promise.all([this.connection.close(), this.#reporter?.close()]);
    const state = this.values.loaded?.state;
    const isFresh = state !== undefined && this.freshness.ageMs() <= this.settings.staleAfterMs;
    await this.#cache?.close(
      isFresh
        ? { revision: state.revision, recordedAt: formatInstant(state.recordedAt), events: [] }
        : undefined,
    );
  }

  #openCache(reads: ServerReads, parts: VarveParts): CacheFile | undefined {
    const { cacheFile, apiKey, ledger = ledgerOfKey(apiKey), scopes, url } = this.settings;
    if (cacheFile === undefined) return undefined;
    return new CacheFile({
      path: cacheFile,
      owner: { server: serverAddress(url), ledger, scopes: scopes.query ?? null },
      scopes,
      now: () => this.clock.now(),
      wallClock: parts.wallClock,
      newId: parts.newId,
      againMs: parts.waits.cacheAgainMs,
      fetchSnapshot: (onPiece, signal) =>
        reads.copySnapshot({
          minRevision: this.values.revision,
          log: this.values.loaded?.log,
          onPiece,
          signal,
        }),
      onTrouble: (failure) => this.#tellTrouble(failure),
    });
  }

  /** Values of the file answer until the server does. */
  async #restore({ waits }: VarveParts): Promise<void> {
    const found = await this.#cache?.read();
    if (found === undefined || this.isClosed) return;
    this.freshness.cameAged(this.clock.now() - found.at);
    this.#firstWait = setTimeout(() => {
      this.#isFirstWait = false;
      this.#check();
    }, waits.fileFirstMs).unref();
    this.#boundaries.begin();
    const { state, ledger, log } = found;
    this.values.replace({ state, ledger, log, source: 'file' });
  }

  async #load(snapshot: (onPiece?: OnPiece) => Promise<ReadSnapshot>): Promise<void> {
    const newer = async (onPiece?: OnPiece) => {
      const found = await snapshot(onPiece);
      // What is refused must not get into the file either.
      this.values.checkIsNewer(found);
      return found;
    };
    const found = this.#cache === undefined ? await newer() : await this.#cache.keep(newer);
    this.#boundaries.begin();
    this.values.replace({ ...found, source: 'server' });
  }

  async #apply(changeset: ValuesChangeset): Promise<void> {
    const before = this.values.revision;
    if (await this.values.apply(changeset)) this.#cache?.append(changeset, before);
  }

  /** Undefined for a process that does not name itself. */
  #reporterOf(parts: VarveParts): ArrivalReporter | undefined {
    const { client } = this.settings;
    if (client === undefined) return undefined;
    const { api, values, asked } = this;
    const onTrouble = (failure: Failure) => this.#tellTrouble(failure);
    return createArrivalReporter({ api, parts, values, client, asked, onTrouble });
  }

  #state(ageMs: number): VarveStatus['state'] {
    if (this.isClosed) return 'closed';
    if (this.values.loaded === undefined) return 'starting';
    return ageMs > this.settings.staleAfterMs ? 'stale' : 'live';
  }

  #told(time: number): void {
    this.clock.told(time);
    this.#boundaries.check();
  }

  #fresh(ageMs: number | undefined): void {
    this.freshness.heard(ageMs);
    this.statuses.check();
  }

  #changed(change: ValuesChange): void {
    this.#check();
    this.changes.tell(change);
    this.#boundaries.check();
  }

  #check(): void {
    this.statuses.check();
    for (const look of this.#waiting) look();
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
