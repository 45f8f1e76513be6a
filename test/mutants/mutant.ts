/**
 * A mutant: a patch that plants a bug somebody could write, and the tests that must see it.
 * In: the text of a patch file, the text of source files; out: the files with the bug in them. Touches no file itself.
 *
 * A patch file begins with two lines, `Bug: <what is wrong>` and `Tests: <files, with spaces between>`, and goes on as
 * a unified diff (`git diff`). It must fit the sources without any fuzz: one that does not has gone stale.
 */
import { applyPatch, parsePatch, type StructuredPatch } from 'diff';

export interface Mutant {
  /** The file's name without `.patch`. */
  readonly name: string;
  readonly bug: string;
  /** Test files, from the project's folder; each is of one vitest project, by its name. */
  readonly tests: readonly string[];
  readonly changes: readonly StructuredPatch[];
}

/** Throws an Error that says what is wrong with the file. */
export function parseMutant(name: string, text: string): Mutant {
  const start = text.indexOf('\n--- ');
  const head = start < 0 ? text : text.slice(0, start);
  const bug = /^Bug: (.+)$/m.exec(head)?.[1];
  const tests = /^Tests: (.+)$/m.exec(head)?.[1]?.split(' ');
  if (start < 0 || bug === undefined || tests === undefined) {
    throw new Error(`${name} does not begin with Bug: and Tests:, or holds no diff`);
  }
  return { name, bug, tests, changes: parsePatch(text.slice(start + 1)) };
}

/**
 * The mutated text of each file that the mutant touches. `read` gives a file's text by its path. Undefined when the
 * patch no longer fits: its bug may have moved, or have become impossible.
 */
export function mutate(
  { changes }: Mutant,
  read: (path: string) => string,
): ReadonlyMap<string, string> | undefined {
  const mutated = new Map<string, string>();
  for (const change of changes) {
    const path = pathOf(change);
    const text = applyPatch(mutated.get(path) ?? read(path), change, { fuzzFactor: 0 });
    if (text === false) return undefined;
    mutated.set(path, text);
  }
  return mutated;
}

/** The path that a change is about, from the project's folder. */
function pathOf({ newFileName = '' }: StructuredPatch): string {
  return newFileName.replace(/^b\//, '').trim();
}
