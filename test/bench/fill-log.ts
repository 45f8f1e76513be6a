/**
 * A log of so many events in PostgreSQL, as a busy ledger has them: mostly overrides of users and tenants, a few keys, models
 * and prices, in changesets of one to five. A number of events and a seed come in; the same events go out every time, through
 * the log's own append, 2,000 in a group. Nothing is projected.
 */
import { type EventBody, type RecordedEvent, subjectOf } from '../../src/domain/event.ts';
import { formatInstant } from '../../src/domain/instant.ts';
import type { Scope } from '../../src/domain/scope.ts';
import { schemaVersionOf } from '../../src/domain/upcast.ts';
import { encodeEvent } from '../../src/ledger/event-codec.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { createRandom, type Random } from './world.ts';

export const logLedger = 'default';

const seed = 20_261_127;
const startMs = Date.UTC(2025, 0, 1);
const stepMs = 500;
const groupEvents = 2_000;
const keyCount = 200;
const modelCount = 100;
const reasons = [
  'Premium plans answer better',
  'This customer asked for another model',
  'Cheaper, with the same scores',
  'Taken back after complaints about slow answers',
  'Experiment of the search team, second round',
];

export async function fillLog(log: Ledger, events: number): Promise<void> {
  const { revision: head } = await log.head(logLedger);
  let group: RecordedEvent[] = [];
  let appended = head;
  for (const changeset of changesets(events)) {
    group.push(...changeset);
    if (group.length < groupEvents && changeset.at(-1)?.revision !== events) continue;
    const result = await log.append(
      logLedger,
      appended,
      group.map((event) => encodeEvent(event)),
    );
    if (!result.appended) throw new Error('somebody else writes to this log');
    appended = group.at(-1)?.revision ?? appended;
    group = [];
  }
}

function* changesets(events: number): Iterable<readonly RecordedEvent[]> {
  const random = createRandom(seed);
  const versions = new Map<string, number>();
  let revision = 0;
  for (let number = 1; revision < events; number += 1) {
    const size = Math.min(1 + (number % 5), events - revision);
    const recordedAt = formatInstant(startMs + number * stepMs);
    const changeset: RecordedEvent[] = [];
    for (let place = 1; place <= size; place += 1) {
      revision += 1;
      const body = drawBody(revision, random);
      const subject = subjectOf(body);
      const version = (versions.get(subject) ?? 0) + 1;
      versions.set(subject, version);
      changeset.push({
        ...body,
        ledger: logLedger,
        revision,
        schemaVersion: schemaVersionOf(body.type),
        subject,
        version,
        recordedAt,
        actor: { id: `actor-${random(300)}`, kind: 'person', via: 'console' },
        reason: `${reasons[number % reasons.length]} (ticket ${number})`,
        source: 'console',
        changesetId: `01980000-0000-7000-8000-${String(number).padStart(12, '0')}`,
        last: place === size,
        requestId: `01980000-0000-7000-9000-${String(number).padStart(12, '0')}`,
      });
    }
    const [first] = changeset;
    yield changeset.map((event) => ({ ...event, actor: first?.actor ?? event.actor }));
  }
}

function drawBody(revision: number, random: Random): EventBody {
  if (revision <= keyCount) return keyDefined(revision - 1, random);
  if (revision <= keyCount + modelCount) {
    const id = `acme/model-${revision - keyCount - 1}`;
    const model = { name: `Model of Acme`, family: 'acme', contextWindow: 128_000 };
    const pricing = { input: '1', output: '3' };
    return { type: 'ModelAdded', data: { id, model: { ...model, status: 'active' }, pricing } };
  }
  const key = `ai.feature_${random(keyCount)}.setting`;
  const dice = random(100);
  if (dice < 88) {
    const value = `Answer like number ${random(500)}.`;
    return { type: 'OverrideSet', data: { key, scope: drawScope(random), value } };
  }
  if (dice < 94) return { type: 'OverrideCleared', data: { key, scope: drawScope(random) } };
  if (dice < 96) return keyDefined(random(keyCount), random);
  const id = `acme/model-${random(modelCount)}`;
  if (dice < 98)
    return { type: 'ModelUpdated', data: { id, updates: { contextWindow: 1000 + random(9_000) } } };
  return {
    type: 'ModelPriceChanged',
    data: { id, pricing: { input: String(1 + random(90)), output: '99' } },
  };
}

function keyDefined(place: number, random: Random): EventBody {
  const fallback = `Answer briefly, version ${random(1_000)}.`;
  const description = `What the feature ${place} is set to`;
  return {
    type: 'KeyDefined',
    data: { key: `ai.feature_${place}.setting`, valueType: 'string', fallback, description },
  };
}

function drawScope(random: Random): Scope {
  const dice = random(100);
  if (dice < 2) return 'global';
  if (dice < 10) return `tier:${random(40)}`;
  return dice < 40 ? `tenant:t-${random(2_000)}` : `user:u-${random(50_000)}`;
}
