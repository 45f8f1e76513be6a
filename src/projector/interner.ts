/**
 * Makes one of many equal values: a million overrides say a few hundred different things.
 * States as they were read come in; states of the same content go out, whose values are shared. What is remembered is bounded.
 */
import type { JsonValue } from '../domain/json.ts';
import type { OverrideAssertion, SubjectState } from '../domain/subject-state.ts';

const maxRemembered = 20_000;
const longestRemembered = 10_000;

/** An interner for one load; forget it afterwards. */
export function createInterner(): (state: SubjectState) => SubjectState {
  const remembered = new Map<string, JsonValue>();
  const oneOf = <Value extends JsonValue>(value: Value): Value => {
    if (value === null || (typeof value !== 'object' && typeof value !== 'string')) return value;
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    const known = remembered.get(text);
    // An object and a string may have the same text.
    if (known !== undefined && typeof known === typeof value) return known as Value;
    if (remembered.size < maxRemembered && text.length <= longestRemembered) remembered.set(text, value);
    return value;
  };
  return (state) => {
    if (!('assertions' in state)) return state;
    return { ...state, assertions: state.assertions.map((assertion) => shared(assertion, oneOf)) };
  };
}

function shared(
  assertion: OverrideAssertion,
  oneOf: <V extends JsonValue>(value: V) => V,
): OverrideAssertion {
  return assertion.kind === 'value' ? { ...assertion, value: oneOf(assertion.value) } : assertion;
}
