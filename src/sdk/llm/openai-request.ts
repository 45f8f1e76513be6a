/**
 * Requests for APIs of OpenAI's style: `POST /chat/completions`. Who speaks it differs in a few words, which the dialect
 * says. Pure.
 */
import { type CallIdRule, fittingCallId } from './call-id.ts';
import { defined, type JsonObject } from './json-object.ts';
import type { AssistantMessage, Message, UserPart } from './message.ts';
import { type ModelTraits, traitsOf } from './model-traits.ts';
import {
  isLeftOut,
  leftOut,
  type ModelRequest,
  offeredTools,
  type Prompt,
  type RequestWarning,
  stopSequencesOf,
  unfit,
  withSettings,
} from './prompt.ts';
import type { ToolDefinition } from './tool.ts';

export interface OpenAiDialect {
  readonly seedField: 'seed' | 'random_seed';
  /** Takes `top_k` beside OpenAI's own parameters. */
  readonly takesTopK: boolean;
  /** A stream tells its tokens when it is asked by `stream_options`; otherwise it does so by itself. */
  readonly asksForUsage: boolean;
  /** How thinking is switched: `thinking: { type }`, `enable_thinking` with `thinking_budget`, or not at all. */
  readonly thinking: 'none' | 'type' | 'enable';
  /** Which ids of tool calls it takes; others are made to fit (call-id.ts). */
  readonly callIds: CallIdRule;
}

export const plainDialect: OpenAiDialect = {
  seedField: 'seed',
  takesTopK: false,
  asksForUsage: true,
  thinking: 'none',
  callIds: 'any',
};

export function buildOpenAiRequest(prompt: Prompt, dialect: OpenAiDialect = plainDialect): ModelRequest {
  const { params } = prompt;
  const traits = prompt.traits ?? traitsOf('openai', prompt.provider, prompt.model);
  const warnings: RequestWarning[] = [];
  const isStreaming = params.stream === true;
  const body = withSettings(
    {
      model: prompt.model,
      messages: messagesOf(prompt, dialect, warnings),
      [traits.isReasoning ? 'max_completion_tokens' : 'max_tokens']: params.maxTokens,
      ...sampling(prompt, traits, dialect, warnings),
      ...toolFields(prompt),
      ...reasoningFields(prompt, traits, dialect, warnings),
      ...(isStreaming ? { stream: true } : {}),
      ...(isStreaming && dialect.asksForUsage ? { stream_options: { include_usage: true } } : {}),
    },
    prompt.settings,
  );
  return { method: 'POST', path: '/chat/completions', headers: {}, body, isStreaming, warnings };
}

function messagesOf(
  { params, messages }: Prompt,
  dialect: OpenAiDialect,
  warnings: RequestWarning[],
): readonly JsonObject[] {
  const said = messages.filter((message, index) => !isLeftOut(message, index, 'openai', warnings));
  if (said.length === 0) throw unfit('messages', 'nobody says anything');
  const written = said.map((message) => messageOf(message, dialect));
  return params.systemPrompt === undefined
    ? written
    : [{ role: 'system', content: params.systemPrompt }, ...written];
}

function messageOf(message: Message, dialect: OpenAiDialect): JsonObject {
  switch (message.role) {
    case 'system':
      return { role: 'system', content: message.content };
    case 'user':
      return {
        role: 'user',
        content: typeof message.content === 'string' ? message.content : message.content.map(partOf),
      };
    case 'assistant': {
      const { content, toolCalls = [] } = message;
      if (toolCalls.length === 0) return { role: 'assistant', content };
      const calls = toolCalls.map((call) => ({
        id: fittingCallId(dialect.callIds, call.id),
        type: 'function',
        function: { name: call.name, arguments: JSON.stringify(call.arguments) },
      }));
      return {
        role: 'assistant',
        content: content === '' ? null : content,
        ...thoughtsBefore(message, dialect),
        tool_calls: calls,
      };
    }
    case 'tool':
      // There is no field for a failure: what went wrong is the content.
      return {
        role: 'tool',
        tool_call_id: fittingCallId(dialect.callIds, message.toolCallId),
        content: message.content,
      };
    default:
      return message satisfies never;
  }
}

/** What was thought before a call, which APIs that switch thinking by `type` want back (DeepSeek, "Thinking Mode"). */
function thoughtsBefore({ native }: AssistantMessage, { thinking }: OpenAiDialect): JsonObject {
  if (thinking !== 'type' || native?.style !== 'openai') return {};
  return defined({ reasoning_content: native.content[0]?.['reasoning_content'] });
}

function partOf(part: UserPart): JsonObject {
  if (part.type === 'text') return { type: 'text', text: part.text };
  const url = 'url' in part ? part.url : `data:${part.mediaType};base64,${part.data}`;
  return { type: 'image_url', image_url: { url } };
}

const samplingNames = ['temperature', 'topP', 'topK', 'frequencyPenalty', 'presencePenalty'] as const;

function sampling(
  { params, model }: Prompt,
  traits: ModelTraits,
  dialect: OpenAiDialect,
  warnings: RequestWarning[],
): JsonObject {
  const stop = stopSequencesOf(params, 4, 'this API');
  const seed = { [dialect.seedField]: params.seed };
  // A reasoning model that is told not to reason takes them (OpenAI, "Using GPT-5.2").
  if (!traits.takesSampling && !(traits.isReasoning && params.reasoningEffort === 'none')) {
    warnings.push(...leftOut(params, [...samplingNames, 'stopSequences'], `${model} has no such parameter`));
    return defined(seed);
  }
  if (!dialect.takesTopK) warnings.push(...leftOut(params, ['topK'], 'this API has no such parameter'));
  return defined({
    temperature: params.temperature,
    top_p: params.topP,
    top_k: dialect.takesTopK ? params.topK : undefined,
    frequency_penalty: params.frequencyPenalty,
    presence_penalty: params.presencePenalty,
    stop,
    ...seed,
  });
}

function toolFields({ params }: Prompt): JsonObject {
  const { tools, choice, allowsParallelCalls } = offeredTools(params);
  if (tools.length === 0) return {};
  return defined({
    tools: tools.map(toolOf),
    tool_choice: typeof choice === 'object' ? { type: 'function', function: { name: choice.tool } } : choice,
    parallel_tool_calls: allowsParallelCalls ? undefined : false,
  });
}

function toolOf({ name, description, parameters, strict }: ToolDefinition): JsonObject {
  return { type: 'function', function: defined({ name, description, parameters, strict }) };
}

function reasoningFields(
  { params, model }: Prompt,
  traits: ModelTraits,
  { thinking }: OpenAiDialect,
  warnings: RequestWarning[],
): JsonObject {
  const { reasoningEffort, thinkingMode, thinkingTokens } = params;
  if (!traits.takesEffort) {
    warnings.push(...leftOut(params, ['reasoningEffort'], `${model} has no such parameter`));
  }
  warnings.push(
    ...leftOut(params, ['chainOfThought'], 'whether the reasoning is told is for this API to say'),
  );
  const effort = { reasoning_effort: traits.takesEffort ? reasoningEffort : undefined };
  switch (thinking) {
    case 'none':
      warnings.push(
        ...leftOut(
          params,
          ['thinkingMode', 'thinkingTokens'],
          'this API has no such parameter; reasoningEffort may be one',
        ),
      );
      return defined(effort);
    case 'type':
      warnings.push(...leftOut(params, ['thinkingTokens'], 'this API has no such parameter'));
      return defined({
        ...effort,
        thinking: thinkingMode === undefined ? undefined : { type: thinkingMode ? 'enabled' : 'disabled' },
      });
    case 'enable':
      return defined({ ...effort, enable_thinking: thinkingMode, thinking_budget: thinkingTokens });
    default:
      return thinking satisfies never;
  }
}
