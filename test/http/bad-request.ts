/**
 * What a bad request is: something that must be answered with a 4xx problem that names the place.
 */

export interface BadRequest {
  readonly name: string;
  readonly method: string;
  /** As it stands in the request line. */
  readonly path: string;
  /** Beside Authorization (the admin's) and Content-Type (application/json when there is a body); '' leaves one of them out. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  readonly expectStatus: number;
  /** The place that the problem must name: the path of one of its errors; '' is the body as a whole. */
  readonly expectPlace: string;
}

/** What a socket sends as it is; these no HTTP client can express. */
export interface RawRequest {
  readonly name: string;
  /** `KEY` stands for the admin's key. */
  readonly bytes: string | Buffer;
  readonly expectStatus: number;
  readonly expectPlace: string;
}

export const path = '/v1/changesets';
export const key = 'ai.planner.model';
export const set = { type: 'setOverride', key, scope: 'tier:3', value: 'x' };

/** A changeset of one change, `set` with other fields. */
export function changeset(fields: object, around: object = {}): string {
  return JSON.stringify({ reason: 'a bad one', changes: [{ ...set, ...fields }], ...around });
}
