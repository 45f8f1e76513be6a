/**
 * Questions about what will change when, and since when and their answers, as types; bound to a pool with the others (questions.ts).
 */

export type ScheduleReads = object;
