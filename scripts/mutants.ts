/**
 * npm run mutants: plants bugs, one after the other, and shows that a test sees each.
 * Out: a table of bugs and the tests that caught them; progress on stderr; exit code 0 when all are caught, 1 when one
 * survived, no longer applies or cannot be told, 2 when it is wrongly called.
 */
import { Command } from 'commander';
import { elapsed } from '../src/clock-and-ids.ts';
import { readMutants } from '../test/mutants/mutant-files.ts';
import { type MutantResult, runMutants, wordsOf } from '../test/mutants/mutant-run.ts';
import { runHarness } from '../test/support/harness-command.ts';

const command = new Command('mutants')
  .description(
    'Plant bugs in a copy of the project and see that the tests catch them (test/mutants/*.patch).',
  )
  .argument('[names...]', 'which ones; all when left out')
  .option('--json', 'the results as JSON on stdout', false)
  .addHelpText(
    'after',
    `
A patch file begins with \`Bug:\` and \`Tests:\` and goes on as \`git diff\` prints it. The named tests run first without
any bug, then on each mutant. Exit code 1 when a mutant survives, a patch no longer applies, or a run broke off.`,
  )
  .exitOverride()
  .action(run);

await runHarness(command);

async function run(names: readonly string[], { json }: { readonly json: boolean }): Promise<void> {
  const all = readMutants();
  const unknown = names.filter((name) => !all.some((mutant) => mutant.name === name));
  if (unknown.length > 0) command.error(`there is no mutant ${unknown.join(', ')}`);
  const mutants = names.length === 0 ? all : all.filter(({ name }) => names.includes(name));
  const say = (line: string) => console.error(line);
  const results = await runMutants({ mutants, say, elapsed }, ({ verdict, seconds }) =>
    say(`  ${verdict.kind} in ${seconds.toFixed(1)} s: ${wordsOf(verdict)}`),
  );
  if (json) console.log(JSON.stringify(results.map(plain), undefined, 2));
  else console.log(table(results));
  const caught = results.filter(({ verdict }) => verdict.kind === 'caught').length;
  (json ? console.error : console.log)(`mutants: ${caught}/${results.length} caught`);
  if (caught < results.length) process.exitCode = 1;
}

function plain({ mutant: { name, bug }, verdict, seconds }: MutantResult) {
  return { name, bug, ...verdict, seconds };
}

function table(results: readonly MutantResult[]): string {
  const width = Math.max(...results.map(({ mutant }) => mutant.name.length));
  return results
    .map(({ mutant: { name, bug }, verdict }) => {
      return `${name.padEnd(width)}  ${bug}\n${' '.repeat(width)}    ${wordsOf(verdict)}`;
    })
    .join('\n');
}
