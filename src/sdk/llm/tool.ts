/**
 * Tools that a model may call, and which of them it should: read from the spellings that are about, into one.
 * Tools and choices are kept in parameters as they came; the request builders read them here.
 */
import { isJsonObject, isObject, type JsonObject } from './json-object.ts';

/** A function that a model may call. */
export interface ToolDefinition {
  /** 1–64 letters, digits, underscores, dashes: what all four APIs take. */
  readonly name: string;
  readonly description?: string;
  /** JSON Schema of the arguments, an object; its keys are the tool's own. */
  readonly parameters?: JsonObject;
  /** Arguments must satisfy the schema to the letter, where the API can promise that. */
  readonly strict?: boolean;
}

/** As OpenAI spells it. */
export interface OpenAiTool {
  readonly type: 'function';
  readonly function: ToolDefinition;
}

/** As Anthropic spells it. */
export interface AnthropicTool {
  readonly name: string;
  readonly description?: string;
  readonly input_schema: JsonObject;
}

export type Tool = ToolDefinition | OpenAiTool | AnthropicTool;

/** `auto`: the model decides; `none`: no call; `required`: some call; or the one tool that must be called. */
export type ToolChoice = 'auto' | 'none' | 'required' | { readonly tool: string };

interface Problem {
  readonly problem: string;
  readonly path: readonly string[];
}

const namePattern = /^[A-Za-z0-9_-]{1,64}$/;

/** The definition that any of the three spellings means, or what is wrong with it and where. */
export function readTool(value: unknown): { readonly tool: ToolDefinition } | Problem {
  if (!isJsonObject(value)) return { problem: 'a tool is an object', path: [] };
  if (value['type'] !== undefined) {
    if (value['type'] !== 'function') return { problem: 'only functions can be offered', path: ['type'] };
    const stranger = strangerIn(value, ['type', 'function']);
    if (stranger !== undefined) return stranger;
    const read = readDefinition(value['function'], 'parameters');
    return 'problem' in read ? { ...read, path: ['function', ...read.path] } : read;
  }
  return readDefinition(value, 'input_schema' in value ? 'input_schema' : 'parameters');
}

function readDefinition(
  value: unknown,
  schemaField: 'parameters' | 'input_schema',
): { readonly tool: ToolDefinition } | Problem {
  if (!isJsonObject(value)) return { problem: 'a function is an object', path: [] };
  const stranger = strangerIn(value, ['name', 'description', 'strict', schemaField]);
  if (stranger !== undefined) return stranger;
  const { name, description, strict, [schemaField]: parameters } = value;
  if (typeof name !== 'string' || !namePattern.test(name)) {
    return { problem: 'a name is 1 to 64 letters, digits, underscores or dashes', path: ['name'] };
  }
  if (description !== undefined && typeof description !== 'string') {
    return { problem: 'a description is a text', path: ['description'] };
  }
  if (strict !== undefined && strict !== null && typeof strict !== 'boolean') {
    return { problem: 'strict is true or false', path: ['strict'] };
  }
  if (parameters !== undefined && !isJsonObject(parameters)) {
    return { problem: 'parameters are described by a JSON Schema, an object', path: [schemaField] };
  }
  return {
    tool: {
      name,
      ...(description === undefined ? {} : { description }),
      ...(parameters === undefined ? {} : { parameters }),
      ...(typeof strict === 'boolean' ? { strict } : {}),
    },
  };
}

function strangerIn(value: JsonObject, known: readonly string[]): Problem | undefined {
  const stranger = Object.keys(value).find((name) => !known.includes(name));
  return stranger === undefined ? undefined : { problem: 'no such field of a tool', path: [stranger] };
}

/**
 * The choice that a spelling means: `auto`, `none`, `required` or `any`, a tool's name, OpenAI's
 * `{ type: 'function', function: { name } }`, Anthropic's `{ type: 'auto' | 'any' | 'none' | 'tool', name? }`;
 * undefined when it is none of them.
 */
export function readToolChoice(
  value: string | JsonObject,
  offered: readonly ToolDefinition[],
): ToolChoice | undefined {
  if (typeof value === 'string') return modeOf(value) ?? choiceOf(value, offered);
  if (value['type'] === 'function') {
    const named = value['function'];
    return isObject(named) ? choiceOf(named['name'], offered) : undefined;
  }
  if (value['type'] === 'tool') return choiceOf(value['name'], offered);
  return modeOf(value['type']);
}

function modeOf(word: unknown): ToolChoice | undefined {
  if (word === 'any') return 'required';
  return word === 'auto' || word === 'none' || word === 'required' ? word : undefined;
}

function choiceOf(name: unknown, offered: readonly ToolDefinition[]): ToolChoice | undefined {
  const tool = offered.find((each) => each.name === name);
  return tool === undefined ? undefined : { tool: tool.name };
}
