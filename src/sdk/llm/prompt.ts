/**
 * What a request builder gets and what it makes of it. Pure: a prompt comes in, an HTTP request without address and secret
 * goes out. What an API cannot carry is refused, or left out and told; product rule: nothing is dropped silently.
 */
import type { JsonValue } from '../../domain/json.ts';
import { Failure } from '../../failure.ts';
import type { ApiStyle } from './api-style.ts';
import { defined, isSameJson, type JsonObject } from './json-object.ts';
import { isSilent, type Message } from './message.ts';
import type { ModelTraits } from './model-traits.ts';
import type { ChatParams, GenerationParams, LlmParams, ReasoningParams } from './params.ts';
import { readTool, readToolChoice, type ToolChoice, type ToolDefinition } from './tool.ts';

export interface Prompt {
  readonly provider: string;
  /** The name within the provider, as the API knows it. */
  readonly model: string;
  readonly messages: readonly Message[];
  readonly params: LlmParams;
  /** What the model can be told; those of its name when absent (model-traits.ts). */
  readonly traits?: ModelTraits;
  /** Fields of the model's own API (design note 003), sent as they are; they never replace what a builder writes. */
  readonly settings?: JsonObject;
}

/**
 * `not_carried`: the API or the model has no place for it, it was left out; `adjusted`: brought into the API's range;
 * `assumed`: the API wants what nobody said.
 */
export interface RequestWarning {
  readonly code: 'not_carried' | 'adjusted' | 'assumed';
  /** The parameter: `topK`, `messages.3`. */
  readonly path: string;
  readonly message: string;
}

export interface ModelRequest {
  readonly method: 'POST';
  /** Follows the base address, begins with a slash; a query may stand in it. */
  readonly path: string;
  /** Without those of authentication. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: JsonObject;
  readonly isStreaming: boolean;
  readonly warnings: readonly RequestWarning[];
}

export interface OfferedTools {
  readonly tools: readonly ToolDefinition[];
  /** Absent when nobody chose. */
  readonly choice?: ToolChoice;
  readonly allowsParallelCalls: boolean;
}

/** One object of what a call says in three. Failures: invalid when two of them say the same parameter differently. */
export function mergeParams(
  generation: GenerationParams,
  chat: Partial<ChatParams> = {},
  reasoning: ReasoningParams = {},
): LlmParams {
  // The chat's default is no wish: only a stream that is wanted there counts against the generation's.
  const { stream = false, ...chatWithoutStream } = chat;
  const merged = { ...chatWithoutStream, ...generation, ...reasoning };
  const { stopSequences } = chat;
  if (stopSequences !== undefined && !isSameJson(stopSequences, merged.stopSequences)) {
    throw unfit('stopSequences', 'the parameters of generation and chat say different sequences');
  }
  return { ...merged, stream: generation.stream ?? stream };
}

/** Failure invalid: the parameters do not fit the API or each other. */
export function unfit(path: string, message: string): Failure {
  return new Failure('invalid', `${path}: ${message}`, {
    reason: 'unfit_params',
    details: [{ path, message }],
  });
}

/** Tools and choice as the builders need them. Failures: invalid for a tool or choice that is none, or a choice without tools. */
export function offeredTools({ tools = [], toolChoice, parallelToolCalls = true }: LlmParams): OfferedTools {
  const definitions = tools.map((each, index) => {
    const read = readTool(each);
    if ('tool' in read) return read.tool;
    throw unfit(['tools', index, ...read.path].join('.'), read.problem);
  });
  if (toolChoice === undefined) return { tools: definitions, allowsParallelCalls: parallelToolCalls };
  const choice = readToolChoice(toolChoice, definitions);
  if (choice === undefined) throw unfit('toolChoice', 'is no choice of one of the offered tools');
  if (definitions.length === 0 && choice !== 'none' && choice !== 'auto') {
    throw unfit('toolChoice', 'asks for a call, but no tools are offered');
  }
  return { tools: definitions, choice, allowsParallelCalls: parallelToolCalls };
}

/** Stop sequences within an API's bounds. Failures: invalid for more than it takes: which to leave out is nobody's to say. */
export function stopSequencesOf({ stopSequences }: LlmParams, most: number, api: string) {
  if (stopSequences !== undefined && stopSequences.length > most) {
    throw unfit('stopSequences', `${api} takes at most ${most}, these are ${stopSequences.length}`);
  }
  return stopSequences;
}

/** The parameters of those names that are said, each told as left out. */
export function leftOut(
  params: LlmParams,
  names: readonly (keyof LlmParams)[],
  why: string,
): readonly RequestWarning[] {
  return names.flatMap((path) =>
    params[path] === undefined ? [] : [{ code: 'not_carried', path, message: why }],
  );
}

/** Whether a message is left out because nothing is said in it; told then. */
export function isLeftOut(
  message: Message,
  index: number,
  style: ApiStyle,
  warnings: RequestWarning[],
): boolean {
  if (!isSilent(message, style)) return false;
  const why = 'an assistant turn without text and calls was left out';
  warnings.push({ code: 'not_carried', path: `messages.${index}`, message: why });
  return true;
}

/** The system prompt and the system messages before the conversation, for APIs that have one place for them. */
export function takeSystem(
  { messages, params }: Prompt,
  style: ApiStyle,
  warnings: RequestWarning[],
): { readonly system: string | undefined; readonly turns: readonly Message[] } {
  const texts = params.systemPrompt === undefined ? [] : [params.systemPrompt];
  let hasBegun = false;
  const turns = messages.filter((message, index) => {
    if (isLeftOut(message, index, style, warnings)) return false;
    if (message.role !== 'system') {
      hasBegun = true;
      return true;
    }
    texts.push(message.content);
    if (hasBegun) {
      warnings.push({
        code: 'adjusted',
        path: `messages.${index}`,
        message: 'a system message in the midst of the conversation was moved to its beginning',
      });
    }
    return false;
  });
  if (turns.length === 0) throw unfit('messages', 'nobody says anything but the system');
  return { system: texts.length === 0 ? undefined : texts.join('\n\n'), turns };
}

/** Members and settings in one object. Failures: invalid for a setting that the members say already. */
export function withSettings(
  members: Readonly<Record<string, JsonValue | undefined>>,
  settings: JsonObject = {},
): JsonObject {
  const said = defined(members);
  for (const name of Object.keys(settings)) {
    if (Object.hasOwn(said, name)) throw unfit(`settings.${name}`, 'is said by the parameters already');
  }
  return { ...said, ...settings };
}
