/**
 * Model references: every spelling of a model brought to the one that is stored, `provider/model`.
 * In: a string or `{ provider, model }`; out: the id, or why it cannot be told.
 */
import { isPrintable } from './scope.ts';

const providerPattern = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/** Longest model id (`provider/model`), in UTF-16 units. */
export const maxModelIdLength = 200;

export interface ModelParts {
  readonly provider: string;
  readonly model: string;
}

export type ModelReference = { readonly id: string } | { readonly problem: string };

/** Whether a text can name a provider: lower case letters, digits, dots, dashes, underscores; at most 64. */
export function isProvider(text: string): boolean {
  return providerPattern.test(text);
}

/** Whether a text is a canonical model id, `provider/model`. */
export function isModelId(text: string): boolean {
  const slash = text.indexOf('/');
  if (slash < 1 || text.length > maxModelIdLength) return false;
  return isProvider(text.slice(0, slash)) && isModelName(text.slice(slash + 1));
}

/** The halves of a canonical model id. */
export function splitModelId(id: string): ModelParts {
  const slash = id.indexOf('/');
  return { provider: id.slice(0, slash), model: id.slice(slash + 1) };
}

/**
 * The canonical id that a spelling means (product.md, "How a value is resolved").
 * A prefix before the first `/` or `:` names a provider when the catalogue knows it or it is the default;
 * otherwise a string without `/` belongs to the default provider; anything else is a problem.
 */
export function readModelReference(
  spelling: string | ModelParts,
  defaultProvider: string | undefined,
  knowsProvider: (provider: string) => boolean,
): ModelReference {
  if (typeof spelling !== 'string') return checked(spelling.provider, spelling.model);
  const separator = spelling.search(/[/:]/);
  const prefix = separator < 0 ? '' : spelling.slice(0, separator);
  if (prefix !== '' && (prefix === defaultProvider || knowsProvider(prefix))) {
    return checked(prefix, spelling.slice(separator + 1));
  }
  if (!spelling.includes('/') && defaultProvider !== undefined) return checked(defaultProvider, spelling);
  return {
    problem: `the provider of ${JSON.stringify(spelling)} cannot be told; write { "provider": …, "model": … }`,
  };
}

/** The id meant by a path or filter, where both `openai/gpt-4o` and `openai:gpt-4o` are spelled. */
export function canonicalModelId(spelling: string, knowsProvider: (provider: string) => boolean): string {
  const reference = readModelReference(spelling, undefined, knowsProvider);
  return 'id' in reference ? reference.id : spelling;
}

function checked(provider: string, model: string): ModelReference {
  if (!isProvider(provider)) {
    return {
      problem: `${JSON.stringify(provider)} is no provider: lower case letters, digits, . _ -, at most 64`,
    };
  }
  const id = `${provider}/${model}`;
  if (!isModelName(model) || id.length > maxModelIdLength) {
    return { problem: `a model's name is 1 to ${maxModelIdLength} printable characters without spaces` };
  }
  return { id };
}

function isModelName(text: string): boolean {
  return text.length > 0 && isPrintable(text) && !/\s/.test(text);
}
