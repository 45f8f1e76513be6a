/**
 * An overlay: a view with some more events on top, without touching what is below.
 * A changeset is decided on one, a commit group stands on one under those; after the commit it is folded into
 * the live state, on a refusal, a lost race or an unknown outcome it is thrown away.
 */
import {
  apiKeySubject,
  keySubject,
  ledgerSubject,
  modelSubject,
  overrideSubject,
  subjectOf,
  tagSubject,
  webhookSubject,
} from './event.ts';
import { evolve, type Placed } from './evolve.ts';
import { splitOverride, type View } from './live-state.ts';
import type { Scope } from './scope.ts';
import type {
  ApiKeyState,
  KeyState,
  LedgerState,
  ModelState,
  OverrideState,
  SubjectKind,
  SubjectState,
  SubjectStates,
  TagState,
  WebhookState,
} from './subject-state.ts';
import { Tallies } from './tallies.ts';

export class Overlay implements View {
  revision: number;
  readonly #below: View;
  readonly #touched = new Map<string, SubjectState>();
  /** The touched overrides by key, so that asking for those of one key does not look at all of them. */
  readonly #overrides = new Map<string, Map<Scope, OverrideState>>();
  /** Where the assertions were placed that these events made. */
  readonly #placed = new Map<number, { readonly key: string; readonly scope: Scope }>();
  /** What is different from below. */
  readonly #tallies = new Tallies();

  constructor(below: View) {
    this.#below = below;
    this.revision = below.revision;
  }

  /** Puts an event on top; answers its subject's state before and after it. */
  apply(event: Placed): { readonly before: SubjectState | undefined; readonly after: SubjectState } {
    const subject = subjectOf(event);
    const before = this.subject(subject);
    const after = evolve(before, event);
    this.#touch(subject, after);
    this.#tallies.move(before, after);
    if (event.type === 'OverrideSet' || event.type === 'OverrideCleared') {
      this.#placed.set(event.revision, { key: event.data.key, scope: event.data.scope });
    }
    this.revision = event.revision;
    return { before, after };
  }

  /** Takes over what another overlay on top of this one has come to; that one is not asked any more. */
  absorb(above: Overlay): void {
    for (const [subject, state] of above.#touched) this.#touch(subject, state);
    for (const [revision, place] of above.#placed) this.#placed.set(revision, place);
    this.#tallies.absorb(above.#tallies);
    this.revision = above.revision;
  }

  /** The subjects that were touched and what they have become. */
  touched(): ReadonlyMap<string, SubjectState> {
    return this.#touched;
  }

  subject(subject: string): SubjectState | undefined {
    return this.#touched.get(subject) ?? this.#below.subject(subject);
  }

  key(key: string): KeyState | undefined {
    return (this.#touched.get(keySubject(key)) as KeyState | undefined) ?? this.#below.key(key);
  }

  override(key: string, scope: Scope): OverrideState | undefined {
    const touched = this.#touched.get(overrideSubject(key, scope)) as OverrideState | undefined;
    return touched ?? this.#below.override(key, scope);
  }

  model(id: string): ModelState | undefined {
    return (this.#touched.get(modelSubject(id)) as ModelState | undefined) ?? this.#below.model(id);
  }

  tag(name: string): TagState | undefined {
    return (this.#touched.get(tagSubject(name)) as TagState | undefined) ?? this.#below.tag(name);
  }

  apiKey(id: string): ApiKeyState | undefined {
    return (this.#touched.get(apiKeySubject(id)) as ApiKeyState | undefined) ?? this.#below.apiKey(id);
  }

  webhook(id: string): WebhookState | undefined {
    return (this.#touched.get(webhookSubject(id)) as WebhookState | undefined) ?? this.#below.webhook(id);
  }

  ledger(name: string): LedgerState | undefined {
    return (this.#touched.get(ledgerSubject(name)) as LedgerState | undefined) ?? this.#below.ledger(name);
  }

  keys(): Iterable<KeyState> {
    return this.#over('key', this.#below.keys(), (state) => keySubject(state.definition.key));
  }

  models(): Iterable<ModelState> {
    return this.#over('model', this.#below.models(), (state) => modelSubject(state.id));
  }

  ledgers(): Iterable<LedgerState> {
    return this.#over('ledger', this.#below.ledgers(), (state) => ledgerSubject(state.name));
  }

  apiKeys(): Iterable<ApiKeyState> {
    return this.#over('api-key', this.#below.apiKeys(), (state) => apiKeySubject(state.id));
  }

  webhooks(): Iterable<WebhookState> {
    return this.#over('webhook', this.#below.webhooks(), (state) => webhookSubject(state.id));
  }

  overridesOf(key: string): Iterable<readonly [Scope, OverrideState]> {
    const touched = this.#overrides.get(key);
    const below = this.#below.overridesOf(key);
    return touched === undefined ? below : replaced(below, touched);
  }

  scheduled(revision: number): { readonly key: string; readonly scope: Scope } | undefined {
    return this.#placed.get(revision) ?? this.#below.scheduled(revision);
  }

  knowsProvider(provider: string): boolean {
    return this.modelsOf(provider) > 0;
  }

  modelsOf(provider: string): number {
    return this.#below.modelsOf(provider) + this.#tallies.modelsOf(provider);
  }

  namesOf(id: string): number {
    return this.#below.namesOf(id) + this.#tallies.namesOf(id);
  }

  #touch(subject: string, state: SubjectState): void {
    this.#touched.set(subject, state);
    if (!('assertions' in state)) return;
    const [key, scope] = splitOverride(subject.slice('override:'.length));
    const ofKey = this.#overrides.get(key);
    if (ofKey === undefined) this.#overrides.set(key, new Map([[scope, state]]));
    else ofKey.set(scope, state);
  }

  *#over<K extends SubjectKind>(
    kind: K,
    below: Iterable<SubjectStates[K]>,
    subjectOfState: (state: SubjectStates[K]) => string,
  ): Iterable<SubjectStates[K]> {
    for (const state of below) {
      if (!this.#touched.has(subjectOfState(state))) yield state;
    }
    for (const [subject, state] of this.#touched) {
      if (subject.startsWith(`${kind}:`)) yield state as SubjectStates[K];
    }
  }
}

function* replaced(
  below: Iterable<readonly [Scope, OverrideState]>,
  touched: ReadonlyMap<Scope, OverrideState>,
): Iterable<readonly [Scope, OverrideState]> {
  for (const entry of below) if (!touched.has(entry[0])) yield entry;
  yield* touched;
}
