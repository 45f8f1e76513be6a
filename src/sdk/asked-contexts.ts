/**
 * The contexts for which something was resolved since they were last reported, each once and at most a thousand; the others are
 * dropped and counted. In: contexts as they ask; out: a list for the next heartbeat.
 */
import { type Context, isScopeId } from '../domain/scope.ts';

/** As many as a heartbeat takes. */
export const maxAskedContexts = 1_000;

export class AskedContexts {
  #contexts = new Map<string, Context>();
  #dropped = 0;

  /** How many calls asked for a context that found no room. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Stands before every answer, so it does no more than it must. */
  note(context: Context): void {
    const { user, tenant, tier } = context;
    const name = `${user ?? ''}\n${tenant ?? ''}\n${tier ?? ''}`;
    if (this.#contexts.has(name)) return;
    if (this.#contexts.size >= maxAskedContexts) {
      this.#dropped += 1;
      return;
    }
    this.#contexts.set(name, {
      ...(user === undefined ? {} : { user }),
      ...(tenant === undefined ? {} : { tenant }),
      ...(tier === undefined ? {} : { tier }),
    });
  }

  /** Takes out what was noted; ids that the server would refuse are left out. */
  take(): readonly Context[] {
    const contexts = [...this.#contexts.values()];
    this.#contexts = new Map();
    return contexts.filter(({ user = 'x', tenant = 'x', tier = 'x' }) =>
      [user, tenant, tier].every(isScopeId),
    );
  }

  /** They could not be reported. */
  putBack(contexts: readonly Context[]): void {
    for (const context of contexts) this.note(context);
  }
}
