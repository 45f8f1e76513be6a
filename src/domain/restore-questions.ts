/**
 * Questions about what a rollback rests on and their answers, as types; bound to a pool with the others (questions.ts).
 */

export type RestoreReads = object;
