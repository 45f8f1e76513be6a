/**
 * One override as a register with a version: what each operation that touches it may have seen and done.
 * In: the history; out: for each subject the operations on it, and the model that judges them. Linearizability is local:
 * subjects are judged one by one, and what spans them (whole changesets, revisions) by ledger-laws.ts.
 * Of the log it asks one thing only: which of the writes that nobody heard of have happened, and as which versions. To
 * try them all would take for ever; what the log gets wrong there, it gets wrong for the reads as well.
 */
import type { Model, TimedOperation } from './checker.ts';
import { groupBy } from './group-by.ts';
import type { AnsweredEvent, History, Operation, Value, Write } from './history.ts';

export interface Register {
  readonly version: number;
  readonly value: Value;
}

export type RegisterInput = {
  readonly id: string;
} /** It was set to `value`, and its version was `version` afterwards. */ & (
  | { readonly kind: 'set'; readonly value: Value; readonly version: number }
  /** Its version was compared first. */
  | { readonly kind: 'swap'; readonly value: Value; readonly version: number; readonly expected: number }
  /** It was found at `value`: by a read, or because nothing had to change. */
  | { readonly kind: 'found'; readonly value: Value; readonly version: number | undefined }
  /** Its version was `version`, which was not the expected one. */
  | { readonly kind: 'moved'; readonly version: number; readonly expected: number }
);

export const register: Model<Register, RegisterInput> = {
  initial: { version: 0, value: null },
  keyOf: ({ version, value }) => `${version} ${value ?? ''}`,
  step(state, input) {
    switch (input.kind) {
      case 'set':
        return input.version === state.version + 1
          ? { version: input.version, value: input.value }
          : undefined;
      case 'swap':
        return input.expected === state.version && input.version === state.version + 1
          ? { version: input.version, value: input.value }
          : undefined;
      case 'found':
        return input.value === state.value && (input.version ?? state.version) === state.version
          ? state
          : undefined;
      case 'moved':
        return input.version === state.version && input.expected !== state.version ? state : undefined;
      default:
        return input satisfies never;
    }
  },
};

/** By subject; reads that may be stale are left to ledger-laws.ts, as are refusals, which promise nothing. */
export function registersOf({
  operations,
  log,
}: History): ReadonlyMap<string, readonly TimedOperation<RegisterInput>[]> {
  const bySubject = new Map<string, TimedOperation<RegisterInput>[]>();
  const byWrite = groupBy(log, ({ writeId }) => writeId);
  for (const operation of operations) {
    for (const [subject, input] of inputsOf(operation, byWrite.get(operation.id) ?? [])) {
      const own = bySubject.get(subject) ?? [];
      own.push({ call: operation.call, return: operation.return, input });
      bySubject.set(subject, own);
    }
  }
  return bySubject;
}

type Inputs = readonly (readonly [subject: string, input: RegisterInput])[];

function inputsOf(operation: Operation, logged: readonly AnsweredEvent[]): Inputs {
  if (operation.kind === 'write') return writeInputs(operation, logged);
  const { id, subject, value, version, isFresh } = operation;
  return isFresh ? [[subject, { kind: 'found', id, value, version }]] : [];
}

function writeInputs({ id, changes, guard, outcome }: Write, logged: readonly AnsweredEvent[]): Inputs {
  const expectedOf = (place: number): number | undefined =>
    guard.kind === 'version' && place === 0 ? guard.expected : undefined;
  const writing = (events: readonly AnsweredEvent[]): Inputs =>
    changes.map(({ subject, value }, place) => {
      const event = events.find((one) => one.subject === subject);
      const expected = expectedOf(place);
      if (event === undefined) return [subject, { kind: 'found', id, value, version: expected }];
      const { version } = event;
      return [
        subject,
        expected === undefined
          ? { kind: 'set', id, value, version }
          : { kind: 'swap', id, value, version, expected },
      ];
    });
  switch (outcome.kind) {
    case 'done':
      return writing(outcome.events);
    case 'unknown':
      return logged.length === 0 ? [] : writing(logged);
    case 'same':
      return changes.map(({ subject, value }, place): [string, RegisterInput] => [
        subject,
        { kind: 'found', id, value, version: expectedOf(place) },
      ]);
    case 'moved': {
      const first = changes[0];
      if (guard.kind !== 'version' || first === undefined) return [];
      return [[first.subject, { kind: 'moved', id, version: outcome.at, expected: guard.expected }]];
    }
    case 'refused':
      return [];
    default:
      return outcome satisfies never;
  }
}
