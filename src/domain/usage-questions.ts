/**
 * Questions about usage and cost and their answers, as types; bound to a pool with the others (questions.ts).
 */

export type UsageReads = object;
