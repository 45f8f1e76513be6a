/**
 * What a decider comes to: events, with warnings, or a refusal (thrown).
 * Shared by the deciders; holds no rule of its own.
 */
import { Failure } from '../failure.ts';
import type { EventBody, Source } from './event.ts';
import type { JsonValue } from './json.ts';
import type { View } from './live-state.ts';

/** Something a person should know about a change that was nevertheless accepted. */
export interface Warning {
  /** A stable snake_case word. */
  readonly code: string;
  readonly message: string;
  /** The change it is about: `changes.0`; of a rollback, the subject. */
  readonly path: string;
  /** Of a conflict, both values and whose they are (restore.ts). */
  readonly detail?: JsonValue;
}

export interface Decision {
  readonly events: readonly EventBody[];
  /** Looks at what the events come to, on the view with them on top; warns, or refuses by throwing. */
  readonly check?: (after: View) => Decision['warnings'];
  /** Without a path it is the change’s. */
  readonly warnings: readonly (Omit<Warning, 'path'> & Partial<Pick<Warning, 'path'>>)[];
}

/** What comes in with a change from outside the pure rules. */
export interface Circumstances {
  /** The recorded time that the events will have, epoch milliseconds. */
  readonly now: number;
  readonly source: Source;
  /** The revision that the changeset’s first event would get: what stands before it is the head. */
  readonly nextRevision: number;
}

/** A well-formed change that the rules forbid. */
export function refuse(reason: string, message: string): Failure {
  return new Failure('refused', message, { reason });
}

/** A change that is not well-formed in a way that the schemas cannot see; `path` is within the change. */
export function invalid(path: string, message: string): Failure {
  return new Failure('invalid', message, { details: [{ path, message }] });
}

/** One event, perhaps with warnings. */
export function decided(event: EventBody, warnings: Decision['warnings'] = []): Decision {
  return { events: [event], warnings };
}

/** No event: the change would change nothing. */
export function unchanged(message: string): Decision {
  return { events: [], warnings: [{ code: 'no_change', message }] };
}
