/** What /metrics tells after some work: the measures of design note 001 and those of the ledger, and what it keeps to itself. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createMetrics } from '../../src/composition/metrics.ts';
import type { ChangesetResult } from '../../src/ledger/changeset.ts';
import { startTestVarve, type TestVarve } from '../support/varve.ts';

interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** The Prometheus text format, as much of it as is used. */
function parseMetrics(text: string): readonly Sample[] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, name = '', inner = '', value = ''] = /^([a-z_A-Z0-9:]+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
      const labels = [...inner.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label = '', said = '']) => [
        label,
        said,
      ]);
      return { name, labels: Object.fromEntries(labels), value: Number(value) };
    });
}

function sumOf(
  samples: readonly Sample[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  const found = samples.filter(
    (sample) =>
      sample.name === name && Object.entries(labels).every(([label, said]) => sample.labels[label] === said),
  );
  if (found.length === 0) throw new Error(`there is no ${name} ${JSON.stringify(labels)}`);
  return found.reduce((sum, { value }) => sum + value, 0);
}

describe('of a server at work', () => {
  const key = 'limits.tokens';
  const secret = 'a-value-that-nobody-may-see';
  let varve: TestVarve;
  let samples: readonly Sample[];
  let text: string;
  beforeAll(async () => {
    varve = await startTestVarve();
    const define = { type: 'defineKey', key, valueType: 'string', fallback: secret };
    await varve.change([define]);
    const set = (scope: string) => ({ type: 'setOverride', key, scope, value: `${secret}-${scope}` });
    const { body } = await varve.change([set('global'), set('tenant:acme-and-sons'), set('user:alice')]);
    for (let count = 0; count < 4; count += 1) await varve.call('GET', `/v1/resolve/${key}?user=alice`);
    await varve.call('POST', '/v1/resolve', {
      contexts: [{ user: 'alice' }, { tenant: 'acme-and-sons' }],
      keys: [key],
    });
    await varve.call('GET', `/v1/resolve/${key}?user=alice&asOf=${body.revisions.first}`);
    await varve.call('GET', '/v1/resolve/no.such_key');
    await varve.call('GET', `/v1/no-such-page/${secret}`);
    await varve.call('GET', `/v1/history?minRevision=${body.revisions.last}`);
    await varve.call('POST', '/v1/changesets', { reason: 'wrong', changes: [{ type: 'nothing' }] });
    text = (await varve.call('GET', '/metrics')).body;
    samples = parseMetrics(text);
  });
  afterAll(() => varve.stop());

  test('config_changes_total counts events by key and actor', () => {
    expect(sumOf(samples, 'config_changes_total', { key, actor: 'admin' })).toBe(4);
    expect(sumOf(samples, 'config_changes_total', { key: 'api-key', actor: 'varve' })).toBe(1);
    expect(sumOf(samples, 'config_changes_total', { actor: 'varve' })).toBe(12);
  });

  test('config_cache_hits_total counts resolutions from memory, config_load_seconds those of the past', () => {
    expect(sumOf(samples, 'config_cache_hits_total')).toBe(6);
    expect(sumOf(samples, 'config_load_seconds_count')).toBe(1);
    expect(sumOf(samples, 'config_load_seconds_sum')).toBeGreaterThan(0);
  });

  test('the writer tells its groups, how long the log takes, and lost races', () => {
    // The seed, the admin, and what the test sent one after the other.
    expect(sumOf(samples, 'varve_append_seconds_count')).toBe(4);
    expect(sumOf(samples, 'varve_append_seconds_sum')).toBeGreaterThan(0);
    expect(sumOf(samples, 'varve_commit_group_changesets_count')).toBe(4);
    expect(sumOf(samples, 'varve_commit_group_changesets_sum')).toBe(4);
    expect(sumOf(samples, 'varve_lost_races_total')).toBe(0);
  });

  test('the ledger tells where it is, how old that is, and how far each projection is behind', () => {
    const ledger = 'default';
    expect(sumOf(samples, 'varve_revision', { ledger })).toBe(16);
    expect(sumOf(samples, 'varve_waiting_changesets', { ledger })).toBe(0);
    expect(sumOf(samples, 'varve_age_seconds', { ledger })).toBeLessThan(60);
    const lags = samples.filter(({ name }) => name === 'varve_projection_lag');
    const names = ['assertions', 'catalogue', 'changesets', 'history', 'keys', 'prices', 'tags'];
    expect(new Set(lags.map(({ labels }) => labels['projection']))).toEqual(new Set(names));
    expect(lags).toHaveLength(names.length);
    expect(sumOf(lags, 'varve_projection_lag', { projection: 'history' })).toBe(0);
  });

  test('requests are counted and timed by the pattern of their route, not by their path', () => {
    const count = 'varve_http_request_seconds_count';
    expect(sumOf(samples, count, { method: 'GET', route: '/v1/resolve/:key', status: '200' })).toBe(5);
    expect(sumOf(samples, count, { route: '/v1/changesets', status: '201' })).toBe(2);
    expect(sumOf(samples, count, { route: '/v1/changesets', status: '400' })).toBe(1);
    expect(sumOf(samples, 'varve_http_request_seconds_sum', { route: '/v1/changesets' })).toBeGreaterThan(0);
    const routes = new Set(samples.flatMap(({ labels }) => labels['route'] ?? []));
    for (const route of routes) expect(route).toMatch(/^(?:\/[a-z0-9.:-]+)+$|^[a-z ]+$/);
  });

  test('no value, scope or secret stands anywhere in it', () => {
    for (const hidden of [secret, 'alice', 'acme-and-sons', varve.adminKey, 's'.repeat(20)]) {
      expect(text).not.toContain(hidden);
    }
  });

  test('every measure says what it is', () => {
    for (const { name } of samples) {
      const family = name.replace(/_(?:bucket|sum|count)$/, '');
      expect(text).toMatch(new RegExp(`^# HELP (?:${name}|${family}) \\S`, 'm'));
    }
  });
});

test('the series of changes are bounded: what is more is counted together', async () => {
  const metrics = createMetrics(
    {
      projectionLags: async () => [],
      ledgers: () => [],
      isDatabaseUp: () => true,
      deliveries: async () => ({ pending: 1, delivered: 2, given_up: 3 }),
    },
    () => 0,
  );
  const change = (key: string, actor: string) => metrics.writer.changed(keyRetired(key, actor));
  for (let number = 0; number < 6_000; number += 1) change(`limits.k${number}`, 'ci');
  change('limits.k0', 'ci');
  change('limits.k5999', 'somebody "quoted"\n');
  const changes = parseMetrics((await metrics.http.text()).body).filter(
    ({ name }) => name === 'config_changes_total',
  );
  expect(changes).toHaveLength(5_001);
  expect(sumOf(changes, 'config_changes_total', { key: 'limits.k0' })).toBe(2);
  expect(sumOf(changes, 'config_changes_total', { key: 'other', actor: 'other' })).toBe(1_001);
});

function keyRetired(key: string, actor: string): ChangesetResult {
  const event: ChangesetResult['events'][number] = {
    type: 'KeyRetired',
    data: { key },
    ledger: 'default',
    revision: 1,
    schemaVersion: 1,
    subject: `key:${key}`,
    version: 1,
    recordedAt: '2026-03-01T12:00:00.000Z',
    actor: { id: actor, kind: 'person' },
    reason: 'a test',
    source: 'api',
    changesetId: '0198c0de-0000-7000-8000-000000000001',
    requestId: 'test',
    last: true,
    changes: [],
  };
  return { changesetId: event.changesetId, events: [event], warnings: [], revision: 1, replayed: false };
}
