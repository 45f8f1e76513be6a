/**
 * Keys: the dotted snake_case names of configurable values (`ai.section_builder.model`).
 * One spelling is one key: camelCase is turned away with the spelling that would do (design note 001, 1).
 */

const keyPattern = /^[a-z][a-z0-9]*(?:_[a-z0-9]+)*(?:\.[a-z0-9]+(?:_[a-z0-9]+)*)*$/;

/** The longest key, in characters. */
export const maxKeyLength = 200;

/** Whether a text is a key: dotted snake_case, at most 200 characters. */
export function isKey(text: string): boolean {
  return text.length <= maxKeyLength && keyPattern.test(text);
}

/** What is wrong with a key, with the nearest right spelling where there is one. */
export function describeBadKey(text: string): string {
  const snake = text
    .slice(0, maxKeyLength)
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[\s-]+/g, '_')
    .toLowerCase();
  const hint = snake !== text && isKey(snake) ? `; did you mean ${snake}?` : '';
  return `a key is dotted snake_case, at most ${maxKeyLength} characters, like ai.planner.model${hint}`;
}
