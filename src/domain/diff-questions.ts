/**
 * Questions about differences between two points and their answers, as types; bound to a pool with the others (questions.ts).
 */

export type DiffReads = object;
