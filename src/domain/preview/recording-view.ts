/**
 * A view that notes which subjects were looked up by name and at which version they stood: what a decision rests on.
 * In: another view, asked in its place; out: its answers. Subjects that are only passed by in a list are not noted.
 */
import {
  apiKeySubject,
  keySubject,
  ledgerSubject,
  modelSubject,
  overrideSubject,
  tagSubject,
  webhookSubject,
} from '../event.ts';
import type { View } from '../live-state.ts';
import type { Scope } from '../scope.ts';
import type { SubjectState } from '../subject-state.ts';

export class RecordingView implements View {
  readonly #view: View;
  readonly #read = new Map<string, number>();

  constructor(view: View) {
    this.#view = view;
  }

  /** By subject the version that was read; 0 where nothing was found. */
  get read(): ReadonlyMap<string, number> {
    return this.#read;
  }

  get revision(): number {
    return this.#view.revision;
  }

  key(key: string) {
    return this.#noted(keySubject(key), this.#view.key(key));
  }

  override(key: string, scope: Scope) {
    return this.#noted(overrideSubject(key, scope), this.#view.override(key, scope));
  }

  model(id: string) {
    return this.#noted(modelSubject(id), this.#view.model(id));
  }

  tag(name: string) {
    return this.#noted(tagSubject(name), this.#view.tag(name));
  }

  apiKey(id: string) {
    return this.#noted(apiKeySubject(id), this.#view.apiKey(id));
  }

  webhook(id: string) {
    return this.#noted(webhookSubject(id), this.#view.webhook(id));
  }

  ledger(name: string) {
    return this.#noted(ledgerSubject(name), this.#view.ledger(name));
  }

  subject(subject: string) {
    return this.#noted(subject, this.#view.subject(subject));
  }

  keys() {
    return this.#view.keys();
  }

  models() {
    return this.#view.models();
  }

  ledgers() {
    return this.#view.ledgers();
  }

  apiKeys() {
    return this.#view.apiKeys();
  }

  webhooks() {
    return this.#view.webhooks();
  }

  overridesOf(key: string) {
    return this.#view.overridesOf(key);
  }

  scheduled(revision: number) {
    return this.#view.scheduled(revision);
  }

  knowsProvider(provider: string): boolean {
    return this.#view.knowsProvider(provider);
  }

  modelsOf(provider: string): number {
    return this.#view.modelsOf(provider);
  }

  namesOf(id: string): number {
    return this.#view.namesOf(id);
  }

  #noted<S extends SubjectState>(subject: string, state: S | undefined): S | undefined {
    this.#read.set(subject, state?.version ?? 0);
    return state;
  }
}
