/**
 * Scenarios of Gherkin features, and what their steps do. In: the text of a feature, patterns of steps with their functions;
 * out: scenarios with Background and Examples filled in. A step that no pattern takes, or two, is an error.
 */
import { AstBuilder, compile, GherkinClassicTokenMatcher, Parser } from '@cucumber/gherkin';
import { IdGenerator } from '@cucumber/messages';

interface Step {
  readonly text: string;
  /** Of a table its rows; none where no table stands. */
  readonly table: readonly (readonly string[])[];
}

export interface Scenario {
  readonly name: string;
  readonly steps: readonly Step[];
}

/** A pattern of a whole step, and what it does with a world: groups of the pattern, then the table. */
export interface StepDefinition<W> {
  readonly pattern: RegExp;
  readonly act: (world: W, groups: readonly string[], table: Step['table']) => unknown;
}

/** Every scenario of a feature, each example of an outline one of its own. */
export function scenariosOf(text: string): readonly Scenario[] {
  const newId = IdGenerator.incrementing();
  const parser = new Parser(new AstBuilder(newId), new GherkinClassicTokenMatcher());
  return compile(parser.parse(text), 'feature', newId).map(({ name, steps }) => ({
    name,
    steps: steps.map((step) => ({
      text: step.text,
      table: (step.argument?.dataTable?.rows ?? []).map(({ cells }) => cells.map(({ value }) => value)),
    })),
  }));
}

/** Answers how many steps were taken: all of them. What a step expects and does not find is thrown. */
export async function runScenario<W>(
  { steps }: Scenario,
  definitions: readonly StepDefinition<W>[],
  world: W,
): Promise<number> {
  let taken = 0;
  for (const { text, table } of steps) {
    const matching = definitions.filter(({ pattern }) => pattern.test(text));
    const [definition] = matching;
    if (definition === undefined || matching.length > 1) {
      throw new SyntaxError(`${matching.length} definitions take the step: ${text}`);
    }
    const [, ...groups] = definition.pattern.exec(text) ?? [];
    await definition.act(world, groups, table);
    taken += 1;
  }
  return taken;
}
