/**
 * Whether a JSON number survives the way through a double: the literal comes from the strict parser, a yes or no
 * goes back. It compares digits as text and must never compare floats.
 */

/**
 * True if the literal (JSON's grammar) has the same decimal value as the shortest text of its double:
 * 0.1, 1e3 and 1.50 do; 9007199254740993, 0.30000000000000000001, 1e400 and 1e-400 do not.
 */
export function isExactNumber(literal: string): boolean {
  const shortest = String(Number(literal));
  // Most literals are the shortest text, because a JSON writer made them. Otherwise the digits decide: the nearest
  // double is never off by a power of ten, and where it is 0 or Infinity it has none of the literal's digits.
  return shortest === literal || significantDigits(shortest) === significantDigits(literal);
}

/** The digits without sign, point, exponent and the zeros at both ends; none for zero. */
function significantDigits(literal: string): string {
  const digits = literal.replace(/[eE].*$/, '').replace(/[-.]/g, '');
  let first = 0;
  while (digits[first] === '0') first += 1;
  // By hand, because /0+$/ takes quadratic time on a hostile row of zeros.
  let end = digits.length;
  while (end > first && digits[end - 1] === '0') end -= 1;
  return digits.slice(first, end);
}
