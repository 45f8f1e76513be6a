/** A number on the command line of a harness, as commander parses options. */
import { InvalidArgumentError } from 'commander';

/** Answers how to parse a whole number from `least` to `most`; anything else is told to whoever typed it. */
export const wholeNumber =
  (least: number, most: number) =>
  (text: string): number => {
    const number = Number(text);
    if (Number.isInteger(number) && number >= least && number <= most) return number;
    throw new InvalidArgumentError(`It is no whole number from ${least} to ${most}.`);
  };
