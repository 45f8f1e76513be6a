/** What the commands of the harnesses (bench, disaster, linearizability, mutants) share: their numbers and their ends. */
import { type Command, CommanderError, InvalidArgumentError } from 'commander';

/** Answers how to parse a whole number from `least` to `most`; anything else is told to whoever typed it. */
export const wholeNumber =
  (least: number, most: number) =>
  (text: string): number => {
    const number = Number(text);
    if (Number.isInteger(number) && number >= least && number <= most) return number;
    throw new InvalidArgumentError(`It is no whole number from ${least} to ${most}.`);
  };

/** Runs a command (with `exitOverride`): exit code 2 when it is wrongly called, 0 for --help; anything else is thrown on. */
export async function runHarness(command: Command): Promise<void> {
  try {
    await command.parseAsync();
  } catch (error) {
    // commander has said it already
    if (!(error instanceof CommanderError)) throw error;
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  }
}
