/**
 * The judgement over a history: each subject as a register, and what holds across them.
 * Out: a verdict per subject, the broken laws, and one word for all; undecided is its own word and never good.
 */
import { check, type Verdict } from './checker.ts';
import type { History } from './history.ts';
import { brokenLaws } from './ledger-laws.ts';
import { type Register, type RegisterInput, register, registersOf } from './register.ts';

export interface SubjectVerdict {
  readonly subject: string;
  readonly operations: number;
  readonly verdict: 'legal' | 'illegal' | 'undecided';
  /** Why not, in lines; empty when legal. */
  readonly excerpt: readonly string[];
}

export interface Judgement {
  readonly verdict: 'legal' | 'illegal' | 'undecided';
  readonly subjects: readonly SubjectVerdict[];
  readonly broken: readonly string[];
}

/** Steps of the search for one subject, and so seconds at most; histories of a minute take some ten thousands. */
const defaultBudget = 3_000_000;
const excerptLength = 5;

export function judge(history: History, budget = defaultBudget): Judgement {
  const subjects = [...registersOf(history)]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([subject, operations]): SubjectVerdict => {
      const verdict = check(register, operations, budget);
      return {
        subject,
        operations: operations.length,
        verdict: verdict.kind,
        excerpt: excerptOf(verdict),
      };
    });
  const broken = brokenLaws(history);
  const isIllegal = broken.length > 0 || subjects.some(({ verdict }) => verdict === 'illegal');
  const isUndecided = subjects.some(({ verdict }) => verdict === 'undecided');
  return { verdict: isIllegal ? 'illegal' : isUndecided ? 'undecided' : 'legal', subjects, broken };
}

/** The end of the longest order that works, the state there, and why nothing may follow. */
function excerptOf(verdict: Verdict<Register, RegisterInput>): readonly string[] {
  if (verdict.kind === 'legal') return [];
  if (verdict.kind === 'undecided') return [`given up after ${verdict.tried} steps`];
  const { order, state, stuck, candidates } = verdict;
  const others = candidates.filter((one) => one !== stuck);
  return [
    ...(order.length > excerptLength ? [`after ${order.length - excerptLength} others`] : []),
    ...order.slice(-excerptLength).map((one) => `  ${textOf(one)}`),
    `it is ${state.value ?? 'not set'}, version ${state.version}`,
    `${textOf(stuck)} had to happen before it was answered, and cannot`,
    ...others.slice(0, excerptLength).map((one) => `nor can, meanwhile, ${textOf(one)}`),
  ];
}

function textOf(input: RegisterInput): string {
  const value = 'value' in input ? (input.value ?? 'nothing') : '';
  switch (input.kind) {
    case 'set':
      return `${input.id} set ${value} as version ${input.version}`;
    case 'swap':
      return `${input.id} set ${value} as version ${input.version} if it was ${input.expected}`;
    case 'found':
      return `${input.id} found ${value}`;
    case 'moved':
      return `${input.id} found version ${input.version}, not ${input.expected}`;
    default:
      return input satisfies never;
  }
}
