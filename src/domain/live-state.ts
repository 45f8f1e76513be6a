/**
 * The live state: one compact fold of a ledger's head, the same structure for deciding and for resolving now.
 * In: subject states at start, then whole changesets in order of revision; out: look-ups.
 * It answers for every moment from its head's recorded time on; the past is asked of the read models.
 */
import { Failure } from '../failure.ts';
import { copied } from './copied.ts';
import { subjectOf } from './event.ts';
import { evolve, type Placed } from './evolve.ts';
import { parseInstant } from './instant.ts';
import { type Scope, splitScope } from './scope.ts';
import type {
  ApiKeyState,
  KeyState,
  LedgerState,
  ModelState,
  OverrideState,
  SubjectKind,
  SubjectState,
  TagState,
  WebhookState,
} from './subject-state.ts';
import { Tallies } from './tallies.ts';

/** Everything that is said about one key: its definition and, by scope, its overrides. */
export interface KeySlots {
  readonly name: string;
  definition: KeyState | undefined;
  global: OverrideState | undefined;
  readonly tier: Map<string, OverrideState>;
  readonly tenant: Map<string, OverrideState>;
  readonly user: Map<string, OverrideState>;
}

/** What the deciders look at: subjects as they stand just before the change. */
export interface View {
  /** The revision that precedes the change. */
  readonly revision: number;
  key(key: string): KeyState | undefined;
  override(key: string, scope: Scope): OverrideState | undefined;
  model(id: string): ModelState | undefined;
  tag(name: string): TagState | undefined;
  apiKey(id: string): ApiKeyState | undefined;
  webhook(id: string): WebhookState | undefined;
  ledger(name: string): LedgerState | undefined;
  subject(subject: string): SubjectState | undefined;
  keys(): Iterable<KeyState>;
  models(): Iterable<ModelState>;
  ledgers(): Iterable<LedgerState>;
  apiKeys(): Iterable<ApiKeyState>;
  webhooks(): Iterable<WebhookState>;
  overridesOf(key: string): Iterable<readonly [Scope, OverrideState]>;
  /** The override that holds the not yet started assertion of that revision. */
  scheduled(revision: number): { readonly key: string; readonly scope: Scope } | undefined;
  knowsProvider(provider: string): boolean;
  /** How many models of a provider are not removed. */
  modelsOf(provider: string): number;
  /** At most so many successors, fallbacks and override values name a model. */
  namesOf(id: string): number;
}

/** Keeps what a subject was, for somebody who still looks at the state before the change. */
type Keeper = (subject: string, before: SubjectState | undefined) => void;

/** A key about which nothing is said yet. */
export function emptySlots(name: string): KeySlots {
  return {
    name,
    definition: undefined,
    global: undefined,
    tier: new Map(),
    tenant: new Map(),
    user: new Map(),
  };
}

export class LiveState implements View {
  revision = 0;
  /** Recorded time of the head, epoch milliseconds; "now" is never before it. */
  recordedAt = 0;
  /** How many overrides are held. */
  overrideCount = 0;
  readonly slots = new Map<string, KeySlots>();
  readonly #models = new Map<string, ModelState>();
  readonly #tags = new Map<string, TagState>();
  readonly #apiKeys = new Map<string, ApiKeyState>();
  readonly #webhooks = new Map<string, WebhookState>();
  readonly #ledgers = new Map<string, LedgerState>();
  readonly #tallies = new Tallies();
  readonly #scheduled = new Map<
    number,
    { readonly key: string; readonly scope: Scope; readonly from: number }
  >();
  readonly #keepers = new Set<Keeper>();

  /** Folds one event. Throws Failure `corrupt` when it is not the next one. */
  apply(event: Placed): void {
    if (event.revision !== this.revision + 1) {
      throw new Failure('corrupt', `revision ${event.revision} does not follow ${this.revision}`, {
        reason: 'not_contiguous',
      });
    }
    const subject = subjectOf(event);
    const state = evolve(this.subject(subject), event);
    this.recordedAt = parseInstant(event.recordedAt) ?? this.recordedAt;
    this.put(subject, state);
    this.revision = event.revision;
  }

  /** Folds what an overlay has come to, once it is durable. */
  absorb(
    overlay: { readonly revision: number; touched(): ReadonlyMap<string, SubjectState> },
    recordedAt: number,
  ): void {
    this.recordedAt = recordedAt;
    for (const [subject, state] of overlay.touched()) this.put(subject, state);
    this.revision = overlay.revision;
  }

  /** Tells a keeper from now on of every subject that changes, just before it does; answers how to stop. */
  beforeChange(keeper: Keeper): () => void {
    this.#keepers.add(keeper);
    return () => this.#keepers.delete(keeper);
  }

  /** Sets the state of a subject as it was folded elsewhere: at start from a read model. */
  put(subject: string, state: SubjectState): void {
    if (this.#keepers.size > 0) {
      const before = this.subject(subject);
      for (const keep of this.#keepers) keep(subject, before);
    }
    const colon = subject.indexOf(':');
    const kind = subject.slice(0, colon);
    const name = subject.slice(colon + 1);
    if ('assertions' in state) this.#putOverride(name, state);
    else if ('definition' in state) this.#putKey(name, state);
    else if ('prices' in state) this.#putModel(state);
    else if (kind === 'tag' && 'taggedAt' in state) this.#tags.set(name, state);
    else if (kind === 'api-key' && 'revoked' in state) this.#apiKeys.set(name, state);
    else if (kind === 'webhook' && 'removed' in state) this.#webhooks.set(name, state);
    else if (kind === 'ledger') this.#ledgers.set(name, state as LedgerState);
    else throw new Failure('corrupt', `${subject} is of an unknown kind`, { reason: 'unknown_subject' });
  }

  key(key: string): KeyState | undefined {
    return this.slots.get(key)?.definition;
  }

  override(key: string, scope: Scope): OverrideState | undefined {
    const slots = this.slots.get(key);
    if (slots === undefined) return undefined;
    const { kind, id } = splitScope(scope);
    return kind === 'global' ? slots.global : slots[kind].get(id);
  }

  model(id: string): ModelState | undefined {
    return this.#models.get(id);
  }

  tag(name: string): TagState | undefined {
    return this.#tags.get(name);
  }

  apiKey(id: string): ApiKeyState | undefined {
    return this.#apiKeys.get(id);
  }

  webhook(id: string): WebhookState | undefined {
    return this.#webhooks.get(id);
  }

  ledger(name: string): LedgerState | undefined {
    return this.#ledgers.get(name);
  }

  subject(subject: string): SubjectState | undefined {
    const colon = subject.indexOf(':');
    const name = subject.slice(colon + 1);
    switch (subject.slice(0, colon) as SubjectKind) {
      case 'override': {
        const [key, scope] = splitOverride(name);
        return this.override(key, scope);
      }
      case 'key':
        return this.key(name);
      case 'model':
        return this.model(name);
      case 'tag':
        return this.tag(name);
      case 'api-key':
        return this.apiKey(name);
      case 'webhook':
        return this.webhook(name);
      case 'ledger':
        return this.ledger(name);
      default:
        return undefined;
    }
  }

  *keys(): Iterable<KeyState> {
    for (const { definition } of this.slots.values()) if (definition !== undefined) yield definition;
  }

  models(): Iterable<ModelState> {
    return this.#models.values();
  }

  tags(): Iterable<TagState> {
    return this.#tags.values();
  }

  ledgers(): Iterable<LedgerState> {
    return this.#ledgers.values();
  }

  apiKeys(): Iterable<ApiKeyState> {
    return this.#apiKeys.values();
  }

  webhooks(): Iterable<WebhookState> {
    return this.#webhooks.values();
  }

  *overridesOf(key: string): Iterable<readonly [Scope, OverrideState]> {
    const slots = this.slots.get(key);
    if (slots === undefined) return;
    if (slots.global !== undefined) yield ['global', slots.global];
    for (const kind of ['tier', 'tenant', 'user'] as const) {
      for (const [id, state] of slots[kind]) yield [`${kind}:${id}`, state];
    }
  }

  scheduled(revision: number): { readonly key: string; readonly scope: Scope } | undefined {
    return this.#scheduled.get(revision);
  }

  knowsProvider(provider: string): boolean {
    return this.modelsOf(provider) > 0;
  }

  modelsOf(provider: string): number {
    return this.#tallies.modelsOf(provider);
  }

  namesOf(id: string): number {
    return this.#tallies.namesOf(id);
  }

  /** How many assertions have not started yet, as of the last time that their subjects were touched. */
  get scheduledCount(): number {
    return this.#scheduled.size;
  }

  #slotsOf(key: string): KeySlots {
    let slots = this.slots.get(key);
    if (slots === undefined) {
      const name = copied(key);
      slots = emptySlots(name);
      this.slots.set(name, slots);
    }
    return slots;
  }

  #putOverride(name: string, state: OverrideState): void {
    const [key, scope] = splitOverride(name);
    const before = this.override(key, scope);
    if (before === undefined) this.overrideCount++;
    else for (const { revision } of before.assertions) this.#scheduled.delete(revision);
    this.#tallies.move(before, state);
    const slots = this.#slotsOf(key);
    const { kind, id } = splitScope(scope);
    if (kind === 'global') slots.global = state;
    else slots[kind].set(before === undefined ? copied(id) : id, state);
    for (const { revision, from } of state.assertions) {
      if (from > this.recordedAt) this.#scheduled.set(revision, { key, scope, from });
    }
  }

  #putKey(name: string, state: KeyState): void {
    const slots = this.#slotsOf(name);
    this.#tallies.move(slots.definition, state);
    slots.definition = state;
  }

  #putModel(state: ModelState): void {
    this.#tallies.move(this.#models.get(state.id), state);
    this.#models.set(state.id, state);
  }
}

/** The key and scope of an override's name, `<key>@<scope>`; keys hold no `@`. */
export function splitOverride(name: string): readonly [key: string, scope: Scope] {
  const at = name.indexOf('@');
  return [name.slice(0, at), name.slice(at + 1) as Scope];
}
