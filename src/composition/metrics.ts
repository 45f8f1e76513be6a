/**
 * Prometheus metrics: those of design note 001 (config_*), and what tells whether the ledger is well (varve_*).
 * Fed by the writer, the projector and the HTTP side; read at /metrics.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { DeliveryState } from '../domain/background-questions.ts';
import type { HttpMetrics } from '../http/dependencies.ts';
import type { ChangesetResult } from '../ledger/changeset.ts';
import type { WriterObserver } from '../ledger/writer.ts';

/** Series of config_changes_total before further keys are counted together. */
const maxSeries = 5_000;
const latencySeconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export interface Gauges {
  /** Revisions that each projection is behind, of each ledger. */
  projectionLags(): Promise<
    readonly { ledger: string; projection: string; lag: number; isStopped: boolean }[]
  >;
  /** Deliveries of webhooks in each state. */
  deliveries(): Promise<Readonly<Record<DeliveryState, number>>>;
  ledgers(): readonly { ledger: string; revision: number; ageMs: number; waiting: number }[];
  isDatabaseUp(): boolean;
}

export interface Metrics {
  readonly http: HttpMetrics;
  readonly writer: WriterObserver;
  /** Told of every attempt at a delivery: what became of it. */
  readonly attempted: (state: DeliveryState) => void;
}

/** `elapsed` is a clock for durations in milliseconds. */
export function createMetrics(gauges: Gauges, elapsed: () => number): Metrics {
  const registers = [new Registry()];
  const [registry] = registers as [Registry];
  collectDefaultMetrics({ register: registry });
  const make = { registers };

  const changes = new Counter({
    ...make,
    name: 'config_changes_total',
    help: 'Events appended by this server, by configuration key (or kind of subject) and actor.',
    labelNames: ['key', 'actor'],
  });
  const hits = new Counter({
    ...make,
    name: 'config_cache_hits_total',
    help: 'Resolutions answered from the live state in memory.',
  });
  const loads = new Histogram({
    ...make,
    name: 'config_load_seconds',
    help: 'Time to resolve what had to be loaded from the read models (the past).',
    buckets: latencySeconds,
  });
  const appends = new Histogram({
    ...make,
    name: 'varve_append_seconds',
    help: 'Time from sending a commit group to the log until it is durable.',
    buckets: latencySeconds,
  });
  const groups = new Histogram({
    ...make,
    name: 'varve_commit_group_changesets',
    help: 'Changesets in one commit group.',
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_000],
  });
  const races = new Counter({
    ...make,
    name: 'varve_lost_races_total',
    help: 'Commit groups decided again because another server was faster.',
  });
  const requests = new Histogram({
    ...make,
    name: 'varve_http_request_seconds',
    help: 'Time to answer a request, by route.',
    labelNames: ['method', 'route', 'status'],
    buckets: latencySeconds,
  });
  const attempts = new Counter({
    ...make,
    name: 'varve_webhook_attempts_total',
    help: 'Attempts at deliveries of webhooks by this process, by what the delivery became.',
    labelNames: ['state'],
  });
  registerGauges(registers, gauges);

  const series = new Set<string>();
  const countChange = (key: string, actor: string) => {
    const name = `${key}\n${actor}`;
    const isKnown = series.has(name) || (series.size < maxSeries && series.add(name).has(name));
    changes.inc(isKnown ? { key, actor } : { key: 'other', actor: 'other' });
  };

  return {
    attempted: (state) => attempts.inc({ state }),
    http: {
      text: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
      resolvedFromMemory: (count) => hits.inc(count),
      loaded: (seconds) => loads.observe(seconds),
      request: (method, route, status, seconds) => requests.observe({ method, route, status }, seconds),
    },
    writer: {
      grouped: (count) => groups.observe(count),
      appending: () => {
        const startedAt = elapsed();
        return () => appends.observe((elapsed() - startedAt) / 1000);
      },
      lostRace: () => races.inc(),
      changed: (result) => {
        for (const event of result.events) countChange(keyOf(event), event.actor.id);
      },
    },
  };
}

function keyOf(event: ChangesetResult['events'][number]): string {
  return 'key' in event.data ? event.data.key : event.subject.slice(0, event.subject.indexOf(':'));
}

function registerGauges(registers: Registry[], gauges: Gauges): void {
  const ledgerLabels = ['ledger'] as const;
  const perLedger = (
    name: string,
    help: string,
    value: (row: ReturnType<Gauges['ledgers']>[number]) => number,
  ) =>
    new Gauge({
      registers,
      name,
      help,
      labelNames: ledgerLabels,
      collect() {
        for (const row of gauges.ledgers()) this.set({ ledger: row.ledger }, value(row));
      },
    });
  perLedger('varve_revision', 'Revision of the live state.', (row) => row.revision);
  perLedger(
    'varve_age_seconds',
    'Time since this server last heard from the log.',
    (row) => row.ageMs / 1000,
  );
  perLedger('varve_waiting_changesets', 'Changesets that wait to be written.', (row) => row.waiting);
  new Gauge({
    registers,
    name: 'varve_database_up',
    help: 'Whether the database answers: 1, or 0 while reads go on from memory and writes are unavailable.',
    collect() {
      this.set(gauges.isDatabaseUp() ? 1 : 0);
    },
  });
  new Gauge({
    registers,
    name: 'varve_webhook_deliveries',
    help: 'Deliveries of webhooks, by state; delivered ones until they are forgotten.',
    labelNames: ['state'],
    async collect() {
      const counts = await gauges.deliveries().catch(() => undefined);
      // What cannot be counted just now is not told, and keeps nobody from the rest.
      if (counts === undefined) return this.reset();
      for (const [state, count] of Object.entries(counts)) this.set({ state }, count);
    },
  });
  new Gauge({
    registers,
    name: 'varve_projection_lag',
    help: 'Revisions that a projection is behind the live state; -1 when it has stopped.',
    labelNames: ['ledger', 'projection'],
    async collect() {
      for (const { ledger, projection, lag, isStopped } of await gauges.projectionLags()) {
        this.set({ ledger, projection }, isStopped ? -1 : lag);
      }
    },
  });
}
