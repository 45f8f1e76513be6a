/**
 * Ids of tool calls as an API takes them. Each provider makes them in its own way and some refuse those of others, so that
 * a conversation whose model is changed on its way brings ids that do not fit. Pure: the same id always becomes the same
 * one, in a call as in its answer.
 */
import { hash } from 'node:crypto';

/** `short`: at most 40 characters; `word`: letters, digits, `_` and `-`; `nine`: exactly nine letters and digits. */
export type CallIdRule = 'any' | 'short' | 'word' | 'nine';

const fitting: Readonly<Record<CallIdRule, RegExp>> = {
  any: /^/,
  short: /^.{1,40}$/s,
  word: /^[a-zA-Z0-9_-]+$/,
  nine: /^[a-zA-Z0-9]{9}$/,
};

/** The id itself where it fits, otherwise one that is made of it. */
export function fittingCallId(rule: CallIdRule, id: string): string {
  if (fitting[rule].test(id)) return id;
  const digits = hash('sha256', id, 'hex');
  return rule === 'nine' ? BigInt(`0x${digits}`).toString(36).slice(-9) : digits.slice(0, 32);
}
