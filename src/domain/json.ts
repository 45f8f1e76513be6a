/**
 * The type of a JSON value, as it comes out of the strict parser (http/strict-json.ts) and goes into events.
 * A type only, readonly all the way down; it never knows what a value means.
 */

/** Any value that JSON can carry. Numbers are finite doubles; strings are well-formed Unicode without NUL. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue };
