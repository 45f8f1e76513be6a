/**
 * Random histories for property tests: valid events of every kind, made by folding as the ledger does.
 * fast-check's choices come in, whole changesets of RecordedEvents go out, told from a small world (few keys, scopes
 * and models), so that events meet each other. It decides nothing: a choice that does not fit is another one that does.
 */
import fc from 'fast-check';
import type { EventBody, RecordedEvent } from '../../src/domain/event.ts';
import { subjectOf } from '../../src/domain/event.ts';
import { formatInstant } from '../../src/domain/instant.ts';
import { LiveState } from '../../src/domain/live-state.ts';
import type { Context, Scope } from '../../src/domain/scope.ts';
import type { ModelState } from '../../src/domain/subject-state.ts';
import { schemaVersionOf } from '../../src/domain/upcast.ts';

/** Whole changesets, in order; revisions 1, 2, 3 … */
export type History = readonly (readonly RecordedEvent[])[];

/** Who may ask about them. */
export const historyContexts: readonly Context[] = [
  {},
  { user: 'u-1' },
  { user: 'u-2', tenant: 'acme', tier: '1' },
  { user: 'a:b@c', tenant: 'ünïcode "q" \\' },
  { tenant: 'acme' },
  { tenant: 'beta', tier: '2' },
  { tier: '1' },
];

/** One choice: what to do, about what, and numbers that vary it. */
export interface Choice {
  readonly what: (typeof kinds)[number];
  readonly which: number;
  readonly where: number;
  readonly number: number;
}

const kinds = [
  'defineKey',
  'retireKey',
  'setValue',
  'setAllocation',
  'clear',
  'withdraw',
  'addModel',
  'updateModel',
  'changePrice',
  'correctPrice',
  'deprecate',
  'reinstate',
  'removeModel',
  'tag',
  'createApiKey',
  'revokeApiKey',
  'createWebhook',
  'removeWebhook',
  'createLedger',
] as const;

const keys = ['ai.planner.model', 'ai.writer.model', 'limits.tokens', 'flags.new_ui'];
const scopes: readonly Scope[] = [
  'global',
  'tier:1',
  'tenant:acme',
  'tenant:ünïcode "q" \\',
  'user:u-1',
  'user:a:b@c',
];
const models = ['openai/gpt-4o', 'openai/gpt-5', 'deepseek/deepseek-chat', 'gemini/gemini-3-pro'];
const hourMs = 3_600_000;
const start = Date.UTC(2026, 0, 1);

const choice: fc.Arbitrary<Choice> = fc.record({
  what: fc.constantFrom(...kinds),
  which: fc.nat(3),
  where: fc.nat(5),
  number: fc.nat(1_000),
});

/** Histories of up to `maxChangesets` changesets of one to six changes. */
export function histories(maxChangesets = 30, ledger = 'default'): fc.Arbitrary<History> {
  const changeset = fc.record({
    choices: fc.array(choice, { minLength: 1, maxLength: 6 }),
    pauseMs: fc.nat(72 * hourMs),
    author: fc.nat(2),
  });
  return fc
    .array(changeset, { minLength: 1, maxLength: maxChangesets })
    .map((wanted) => tell(wanted, ledger));
}

interface Wanted {
  readonly choices: readonly Choice[];
  readonly pauseMs: number;
  readonly author: number;
}

/** The history that the choices make; changesets in which nothing fits are left out. */
function tell(wanted: readonly Wanted[], ledger = 'default'): History {
  const state = new LiveState();
  const history: RecordedEvent[][] = [];
  let now = start;
  for (const { choices, pauseMs, author } of wanted) {
    now += pauseMs;
    const events: RecordedEvent[] = [];
    for (const one of choices) {
      const body = bodyOf(one, state, now);
      if (body === undefined) continue;
      const event = envelop(body, state, { ledger, now, author, number: history.length + 1 });
      state.apply(event);
      events.push(event);
    }
    const last = events.pop();
    if (last !== undefined) history.push([...events, { ...last, last: true }]);
  }
  return history;
}

function envelop(
  body: EventBody,
  state: LiveState,
  { ledger, now, author, number }: { ledger: string; now: number; author: number; number: number },
): RecordedEvent {
  const subject = subjectOf(body);
  const tail = String(number).padStart(12, '0');
  return {
    ...body,
    ledger,
    revision: state.revision + 1,
    schemaVersion: schemaVersionOf(body.type),
    subject,
    version: (state.subject(subject)?.version ?? 0) + 1,
    recordedAt: formatInstant(now),
    actor:
      author === 0 ? { id: 'ci', kind: 'api_key' } : { id: `person-${author}`, kind: 'person', via: 'ci' },
    reason: `Change no. ${number}: better <plans> & "quotes"`,
    source: 'api',
    changesetId: `0198c0de-0000-7000-8000-${tail}`,
    last: false,
    requestId: `request-${number}`,
    ...(number % 3 === 0 ? { idempotency: { key: `once-${number}`, bodyHash: tail } } : {}),
    ...(number % 5 === 0
      ? { undoes: `0198c0de-0000-7000-8000-${String(number - 1).padStart(12, '0')}` }
      : {}),
  };
}

function bodyOf(
  { what, which, where, number }: Choice,
  state: LiveState,
  now: number,
): EventBody | undefined {
  const key = at(keys, which);
  const scope = at(scopes, where);
  const interval = intervalOf(number, now);
  switch (what) {
    case 'defineKey':
      return { type: 'KeyDefined', data: { key, valueType: 'string', fallback: `fallback ${number}` } };
    case 'retireKey':
      return state.key(key) === undefined ? undefined : { type: 'KeyRetired', data: { key } };
    case 'setValue': {
      const value = number % 4 === 0 ? { nested: [number, null, { of: 'ü' }] } : `value ${number % 10}`;
      return { type: 'OverrideSet', data: { key, scope, value, ...interval } };
    }
    case 'setAllocation': {
      const arms = [{ name: 'a', value: number, weight: 1 }];
      const allocation = { unit: 'user', share: number, salt: key, arms } as const;
      return { type: 'OverrideSet', data: { key, scope, allocation, ...interval } };
    }
    case 'clear':
      return { type: 'OverrideCleared', data: { key, scope, ...interval } };
    case 'withdraw': {
      const found = scheduledOf(state, now);
      return found === undefined ? undefined : { type: 'OverrideWithdrawn', data: found };
    }
    case 'tag': {
      const name = `tag-${number}`;
      if (state.tag(name) !== undefined || state.revision === 0) return undefined;
      return { type: 'RevisionTagged', data: { name, revision: state.revision } };
    }
    case 'createApiKey': {
      const id = `k${number}`;
      if (state.apiKey(id) !== undefined) return undefined;
      return {
        type: 'ApiKeyCreated',
        data: { id, name: `key ${number}`, role: 'operator', trusted: number % 2 === 0 },
      };
    }
    case 'revokeApiKey': {
      const [valid] = [...state.apiKeys()].filter(({ revoked }) => !revoked);
      return valid === undefined ? undefined : { type: 'ApiKeyRevoked', data: { id: valid.id } };
    }
    case 'createWebhook': {
      const id = `w${number}`;
      if (state.webhook(id) !== undefined) return undefined;
      const types = number % 2 === 0 ? (['*'] as const) : (['OverrideSet', 'activation'] as const);
      return { type: 'WebhookCreated', data: { id, url: `https://example.com/${id}`, types } };
    }
    case 'removeWebhook': {
      const [standing] = [...state.webhooks()].filter(({ removed }) => !removed);
      return standing === undefined ? undefined : { type: 'WebhookRemoved', data: { id: standing.id } };
    }
    case 'createLedger':
      return state.ledger(`l${number}`) === undefined
        ? { type: 'LedgerCreated', data: { name: `l${number}` } }
        : undefined;
    default:
      return modelBodyOf(what, at(models, which), at(models, where), number, state, now);
  }
}

/** An assertion that has not started, wherever it is. */
function scheduledOf(
  state: LiveState,
  now: number,
): { key: string; scope: Scope; revision: number } | undefined {
  for (const key of state.slots.keys()) {
    for (const [scope, { assertions }] of state.overridesOf(key)) {
      const future = assertions.find(({ from }) => from > now);
      if (future !== undefined) return { key, scope, revision: future.revision };
    }
  }
  return undefined;
}

function modelBodyOf(
  what: Extract<Choice['what'], `${string}Model` | `${string}Price` | 'deprecate' | 'reinstate'>,
  id: string,
  other: string,
  number: number,
  state: LiveState,
  now: number,
): EventBody | undefined {
  const model = state.model(id);
  const isThere = model !== undefined && model.status !== 'removed';
  const input = `${(number % 50) + 1}.5`;
  if (what === 'addModel' || !isThere) {
    if (what !== 'addModel' || isThere) return undefined;
    const fields = { name: id.toUpperCase(), status: number % 2 === 0 ? 'active' : 'beta' } as const;
    const pricing = number % 3 === 0 ? {} : { pricing: { input, output: '8' } };
    return { type: 'ModelAdded', data: { id, model: { ...fields, contextWindow: number }, ...pricing } };
  }
  switch (what) {
    case 'updateModel': {
      const family = number % 2 === 0 ? null : `family-${number % 5}`;
      return { type: 'ModelUpdated', data: { id, updates: { family, extra: { note: number, [id]: null } } } };
    }
    case 'changePrice': {
      const effectiveFrom = formatInstant(now + (number - 500) * hourMs);
      const from = number % 2 === 0 ? {} : { effectiveFrom, source: 'a price list' };
      return { type: 'ModelPriceChanged', data: { id, pricing: { input }, ...from } };
    }
    case 'correctPrice':
      return correction(model, input);
    case 'deprecate': {
      const sunset = number % 2 === 0 ? {} : { sunsetAt: formatInstant(now + number * hourMs) };
      return {
        type: 'ModelDeprecated',
        data: { id, ...(other === id ? {} : { successor: other }), ...sunset },
      };
    }
    case 'reinstate':
      return { type: 'ModelReinstated', data: { id } };
    case 'removeModel':
      return { type: 'ModelRemoved', data: { id } };
    default:
      return what satisfies never;
  }
}

function correction(model: ModelState, input: string): EventBody | undefined {
  const [wrong] = model.prices;
  if (wrong === undefined) return undefined;
  const { id } = model;
  const effectiveFrom = formatInstant(wrong.from);
  return {
    type: 'ModelPriceCorrected',
    data: { id, pricing: { input }, effectiveFrom, corrects: wrong.revision },
  };
}

function intervalOf(number: number, now: number): { effectiveFrom?: string; effectiveUntil?: string } {
  const from = now + (number % 7) * 20 * hourMs;
  const effectiveFrom = number % 3 === 0 ? {} : { effectiveFrom: formatInstant(from) };
  const effectiveUntil =
    number % 2 === 0 ? {} : { effectiveUntil: formatInstant(from + ((number % 11) + 1) * hourMs) };
  return { ...effectiveFrom, ...effectiveUntil };
}

function at<Item>(items: readonly Item[], index: number): Item {
  const item = items[index % items.length];
  if (item === undefined) throw new Error('nothing to choose from');
  return item;
}
