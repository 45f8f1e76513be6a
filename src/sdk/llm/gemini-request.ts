/**
 * Requests for APIs of Gemini's style: `POST /models/{model}:generateContent`, `:streamGenerateContent` for a stream. Pure.
 */
import { geminiThinking } from './gemini-thinking.ts';
import { defined, type JsonObject, parseObject } from './json-object.ts';
import { type Message, partsOf, type UserPart } from './message.ts';
import { traitsOf } from './model-traits.ts';
import {
  type ModelRequest,
  type OfferedTools,
  offeredTools,
  type Prompt,
  type RequestWarning,
  stopSequencesOf,
  takeSystem,
  unfit,
  withSettings,
} from './prompt.ts';

const maxInt32 = 2_147_483_647;

export function buildGeminiRequest(prompt: Prompt): ModelRequest {
  const { params, model } = prompt;
  const traits = prompt.traits ?? traitsOf('gemini', prompt.provider, model);
  const warnings: RequestWarning[] = [];
  const { system, turns } = takeSystem(prompt, 'gemini', warnings);
  if (params.seed !== undefined && Math.abs(params.seed) > maxInt32) {
    throw unfit('seed', 'this API takes 32 bits');
  }
  const generationConfig = withSettings(
    {
      temperature: params.temperature,
      topP: params.topP,
      topK: params.topK,
      maxOutputTokens: params.maxTokens,
      stopSequences: stopSequencesOf(params, 5, 'this API'),
      frequencyPenalty: params.frequencyPenalty,
      presencePenalty: params.presencePenalty,
      seed: params.seed,
      thinkingConfig: geminiThinking(prompt, traits, warnings),
    },
    prompt.settings,
  );
  const isStreaming = params.stream === true;
  const verb = isStreaming ? 'streamGenerateContent?alt=sse' : 'generateContent';
  return {
    method: 'POST',
    path: `/models/${encodeURIComponent(model)}:${verb}`,
    headers: {},
    body: defined({
      contents: contentsOf(turns),
      systemInstruction: system === undefined ? undefined : { parts: [{ text: system }] },
      generationConfig: Object.keys(generationConfig).length === 0 ? undefined : generationConfig,
      ...toolFields(offeredTools(params), warnings),
    }),
    isStreaming,
    warnings,
  };
}

/** Turns of one role after the other are one turn, so that the answers of all tools stand together. */
function contentsOf(turns: readonly Message[]): readonly JsonObject[] {
  const calls = new Map<string, KnownCall>();
  const written: { readonly role: 'user' | 'model'; readonly parts: JsonObject[] }[] = [];
  turns.forEach((message, index) => {
    const role = message.role === 'assistant' ? 'model' : 'user';
    noteCalls(message, calls);
    const parts = partsIn(message, index, calls);
    const last = written.at(-1);
    if (last?.role === role) last.parts.push(...parts);
    else written.push({ role, parts: [...parts] });
  });
  if (written.some(({ parts }) => parts.length === 0)) throw unfit('messages', 'a turn says nothing');
  return written;
}

interface KnownCall {
  readonly name: string;
  /** Whether the id is the API's own, which wants it back. */
  readonly isOwn: boolean;
}

/**
 * The latest call of each id so far, as a tool's answer names the function and not the call. Earlier ones may have had the
 * same id: there are APIs that count anew in each turn.
 */
function noteCalls(message: Message, calls: Map<string, KnownCall>): void {
  if (message.role !== 'assistant') return;
  const native = message.native?.style === 'gemini' ? message.native.content : [];
  const own = new Set(native.map(({ functionCall }) => idOf(functionCall)));
  for (const { id, name } of message.toolCalls ?? []) calls.set(id, { name, isOwn: own.has(id) });
}

function idOf(call: unknown): unknown {
  return typeof call === 'object' && call !== null && 'id' in call ? call.id : undefined;
}

function partsIn(
  message: Message,
  index: number,
  calls: ReadonlyMap<string, KnownCall>,
): readonly JsonObject[] {
  switch (message.role) {
    case 'system':
      return [{ text: message.content }];
    case 'user':
      return partsOf(message.content).map((part) => partOf(part, index));
    case 'assistant': {
      const { content, toolCalls = [], native } = message;
      if (native?.style === 'gemini') return native.content;
      const said = toolCalls.map((call) => ({ functionCall: { name: call.name, args: call.arguments } }));
      return content === '' ? said : [{ text: content }, ...said];
    }
    case 'tool': {
      const call = calls.get(message.toolCallId);
      if (call === undefined) throw unfit(`messages.${index}.toolCallId`, 'no call before it has this id');
      // A function answers an object; a text stands under the names that the API's documentation gives.
      const response = parseObject(message.content) ?? { output: message.content };
      return [
        {
          functionResponse: defined({
            id: call.isOwn ? message.toolCallId : undefined,
            name: call.name,
            response: message.isError === true ? { error: message.content } : response,
          }),
        },
      ];
    }
    default:
      return message satisfies never;
  }
}

function partOf(part: UserPart, index: number): JsonObject {
  if (part.type === 'text') return { text: part.text };
  if ('data' in part) return { inlineData: { mimeType: part.mediaType, data: part.data } };
  throw unfit(`messages.${index}`, 'this API takes the bytes of an image, not an address');
}

function toolFields(
  { tools, choice, allowsParallelCalls }: OfferedTools,
  warnings: RequestWarning[],
): JsonObject {
  if (tools.length === 0) return {};
  if (!allowsParallelCalls) {
    const message = 'this API cannot be kept from several calls at once';
    warnings.push({ code: 'not_carried', path: 'parallelToolCalls', message });
  }
  tools.forEach(({ strict }, index) => {
    if (strict !== true) return;
    const message = 'this API has no such promise';
    warnings.push({ code: 'not_carried', path: `tools.${index}.strict`, message });
  });
  const functionDeclarations = tools.map(({ name, description, parameters }) =>
    defined({ name, description, parametersJsonSchema: parameters }),
  );
  return {
    tools: [{ functionDeclarations }],
    ...(choice === undefined ? {} : { toolConfig: { functionCallingConfig: callingConfig(choice) } }),
  };
}

function callingConfig(choice: NonNullable<OfferedTools['choice']>): JsonObject {
  if (typeof choice === 'object') return { mode: 'ANY', allowedFunctionNames: [choice.tool] };
  if (choice === 'required') return { mode: 'ANY' };
  return { mode: choice === 'none' ? 'NONE' : 'AUTO' };
}
