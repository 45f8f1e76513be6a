/**
 * Which events of the history are about selected subjects, as SQL: overrides and keys by key and scope, models by id.
 * In: a filter; out: a condition on `h`, with its values behind those that are there. `*` in a pattern is anything.
 */
import { modelSubject } from '../domain/event.ts';
import type { SubjectFilter } from '../domain/rollback/restore-questions.ts';

/** Begins with ` and `, or is empty when all are selected. */
export function aboutSubjects({ key, scope, model }: SubjectFilter, values: unknown[]): string {
  const parameter = (value: string): string => `$${values.push(value)}`;
  // A key's own definition belongs to no scope.
  const placed = [
    ...(key === undefined ? [] : [`h.key like ${parameter(likePattern(key))}`]),
    ...(scope === undefined ? [] : [`h.scope = ${parameter(scope)}`]),
  ];
  const selected = [
    ...(placed.length === 0 ? [] : [placed.join(' and ')]),
    ...(model === undefined ? [] : [`h.subject like ${parameter(likePattern(modelSubject(model)))}`]),
  ];
  return selected.length === 0 ? '' : ` and (${selected.join(' or ')})`;
}

/** The pattern as LIKE has it: `*` is anything, everything else stands for itself. */
export function likePattern(pattern: string): string {
  return pattern.replace(/[\\%_]/g, '\\$&').replaceAll('*', '%');
}
