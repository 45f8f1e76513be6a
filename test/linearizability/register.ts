/**
 * One override as a register with a version: what each operation that touches it may have seen and done.
 * In: the history; out: for each subject the operations on it, and the model that judges them. Linearizability is local:
 * subjects are judged one by one, and what spans them (whole changesets, revisions) by ledger-laws.ts.
 * It knows nothing of the log: what nobody heard of may have happened or not.
 */
import type { Model, TimedOperation } from './checker.ts';
import type { Operation, Value, Write } from './history.ts';

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
  | { readonly kind: 'perhaps'; readonly value: Value; readonly expected: number | undefined }
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
      case 'perhaps':
        if (input.expected !== undefined && input.expected !== state.version) return undefined;
        // It would have changed nothing, which is as good as never.
        if (input.value === state.value) return undefined;
        return { version: state.version + 1, value: input.value };
      default:
        return input satisfies never;
    }
  },
};

/** By subject; reads that may be stale are left to ledger-laws.ts, as are refusals, which promise nothing. */
export function registersOf(
  operations: readonly Operation[],
): ReadonlyMap<string, readonly TimedOperation<RegisterInput>[]> {
  const bySubject = new Map<string, TimedOperation<RegisterInput>[]>();
  for (const operation of operations) {
    for (const [subject, input] of inputsOf(operation)) {
      const own = bySubject.get(subject) ?? [];
      own.push({
        call: operation.call,
        return: input.kind === 'perhaps' ? undefined : operation.return,
        input,
      });
      bySubject.set(subject, own);
    }
  }
  return bySubject;
}

function inputsOf(operation: Operation): readonly (readonly [subject: string, input: RegisterInput])[] {
  if (operation.kind === 'write') return writeInputs(operation);
  const { id, subject, value, version, isFresh } = operation;
  return isFresh ? [[subject, { kind: 'found', id, value, version }]] : [];
}

function writeInputs({ id, changes, guard, outcome }: Write): readonly [string, RegisterInput][] {
  const expectedOf = (place: number): number | undefined =>
    guard.kind === 'version' && place === 0 ? guard.expected : undefined;
  switch (outcome.kind) {
    case 'done':
      return changes.map(({ subject, value }, place): [string, RegisterInput] => {
        const event = outcome.events.find((one) => one.subject === subject);
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
    case 'unknown':
      return changes.map(({ subject, value }, place): [string, RegisterInput] => [
        subject,
        { kind: 'perhaps', id, value, expected: expectedOf(place) },
      ]);
    case 'refused':
      return [];
    default:
      return outcome satisfies never;
  }
}
