/**
 * Requests for APIs of Anthropic's style: `POST /messages`. Pure. How thinking is asked for stands in anthropic-thinking.ts.
 */
import { anthropicThinking } from './anthropic-thinking.ts';
import { fittingCallId } from './call-id.ts';
import { defined, type JsonObject } from './json-object.ts';
import { type Message, partsOf, type UserPart } from './message.ts';
import { type ModelTraits, traitsOf } from './model-traits.ts';
import {
  leftOut,
  type ModelRequest,
  type OfferedTools,
  offeredTools,
  type Prompt,
  type RequestWarning,
  takeSystem,
  unfit,
  withSettings,
} from './prompt.ts';

/** The version of the API that this speaks. */
const apiVersion = '2023-06-01';

export function buildAnthropicRequest(prompt: Prompt): ModelRequest {
  const { params } = prompt;
  const traits = prompt.traits ?? traitsOf('anthropic', prompt.provider, prompt.model);
  const warnings: RequestWarning[] = [];
  const { system, turns } = takeSystem(prompt, 'anthropic', warnings);
  const thinking = anthropicThinking(prompt, traits, warnings);
  const isStreaming = params.stream === true;
  const body = withSettings(
    {
      model: prompt.model,
      max_tokens: thinking.maxTokens,
      system,
      messages: messagesOf(turns),
      ...sampling(prompt, traits, thinking.isThinking, warnings),
      ...toolFields(offeredTools(params), thinking.isThinking, warnings),
      ...thinking.fields,
      ...(isStreaming ? { stream: true } : {}),
    },
    prompt.settings,
  );
  return {
    method: 'POST',
    path: '/messages',
    headers: { 'anthropic-version': apiVersion },
    body,
    isStreaming,
    warnings,
  };
}

/** Turns of one role after the other are one turn: the answers of all tools stand together (Anthropic, "Tool use"). */
function messagesOf(turns: readonly Message[]): readonly JsonObject[] {
  const written: { readonly role: 'user' | 'assistant'; readonly content: JsonObject[] }[] = [];
  for (const message of turns) {
    const role = message.role === 'assistant' ? 'assistant' : 'user';
    const last = written.at(-1);
    if (last?.role === role) last.content.push(...blocksOf(message));
    else written.push({ role, content: [...blocksOf(message)] });
  }
  const silent = written.find(({ content }) => content.length === 0);
  if (silent !== undefined) throw unfit('messages', `a turn of the ${silent.role} says nothing`);
  return written;
}

function blocksOf(message: Message): readonly JsonObject[] {
  switch (message.role) {
    case 'system':
      return textBlocks(message.content);
    case 'user':
      return partsOf(message.content).map(partOf);
    case 'assistant': {
      const { content, toolCalls = [], native } = message;
      if (native?.style === 'anthropic') return native.content.map(withFittingId);
      const calls = toolCalls.map((call) => ({
        type: 'tool_use',
        id: fittingCallId('word', call.id),
        name: call.name,
        input: call.arguments,
      }));
      return [...textBlocks(content), ...calls];
    }
    case 'tool':
      return [
        {
          type: 'tool_result',
          tool_use_id: fittingCallId('word', message.toolCallId),
          content: message.content,
          ...(message.isError === true ? { is_error: true } : {}),
        },
      ];
    default:
      return message satisfies never;
  }
}

/** What its like made may have ids that this API refuses. They are not signed; whatever fits stays word for word. */
function withFittingId(block: JsonObject): JsonObject {
  const { type, id } = block;
  return type === 'tool_use' && typeof id === 'string' ? { ...block, id: fittingCallId('word', id) } : block;
}

function textBlocks(text: string): readonly JsonObject[] {
  return text === '' ? [] : [{ type: 'text', text }];
}

function partOf(part: UserPart): JsonObject {
  if (part.type === 'text') return { type: 'text', text: part.text };
  const source =
    'url' in part
      ? { type: 'url', url: part.url }
      : { type: 'base64', media_type: part.mediaType, data: part.data };
  return { type: 'image', source };
}

function sampling(
  { params, model }: Prompt,
  traits: ModelTraits,
  isThinking: boolean,
  warnings: RequestWarning[],
): JsonObject {
  const { temperature, topP, topK, stopSequences } = params;
  warnings.push(
    ...leftOut(params, ['frequencyPenalty', 'presencePenalty', 'seed'], 'this API has no such parameter'),
  );
  if (stopSequences?.some((sequence) => sequence.trim() === '')) {
    throw unfit('stopSequences', 'this API takes no sequence of white space alone');
  }
  const stop = { stop_sequences: stopSequences };
  if (!traits.takesSampling) {
    warnings.push(...leftOut(params, ['temperature', 'topP', 'topK'], `${model} has no such parameter`));
    return defined(stop);
  }
  if (isThinking) {
    // Anthropic, "Extended thinking": a temperature of 1, a topP of 0.95 or more, no topK.
    const bent = { ...params };
    if (temperature === 1) delete bent.temperature;
    const keepsTopP = topP !== undefined && topP >= 0.95;
    if (keepsTopP) delete bent.topP;
    warnings.push(
      ...leftOut(bent, ['temperature', 'topP', 'topK'], 'does not go together with thinking in this API'),
    );
    return defined({ ...stop, top_p: keepsTopP ? topP : undefined });
  }
  if (temperature !== undefined && temperature > 1) {
    warnings.push({ code: 'adjusted', path: 'temperature', message: 'this API takes at most 1' });
  }
  const leavesTopP = temperature !== undefined && !traits.takesBoth;
  if (leavesTopP) {
    warnings.push(...leftOut(params, ['topP'], `${model} does not take it beside a temperature`));
  }
  return defined({
    ...stop,
    temperature: temperature === undefined ? undefined : Math.min(temperature, 1),
    top_p: leavesTopP ? undefined : topP,
    top_k: topK,
  });
}

function toolFields(
  { tools, choice, allowsParallelCalls }: OfferedTools,
  isThinking: boolean,
  warnings: RequestWarning[],
): JsonObject {
  if (tools.length === 0) return {};
  if (isThinking && choice !== undefined && choice !== 'auto' && choice !== 'none') {
    throw unfit(
      'toolChoice',
      'a call cannot be forced while the model thinks (Anthropic, "Extended thinking")',
    );
  }
  tools.forEach(({ strict }, index) => {
    if (strict !== true) return;
    warnings.push({
      code: 'not_carried',
      path: `tools.${index}.strict`,
      message: 'this API has no such promise for every model',
    });
  });
  return {
    tools: tools.map(({ name, description, parameters }) =>
      defined({ name, description, input_schema: parameters ?? { type: 'object' } }),
    ),
    ...(choice === undefined && allowsParallelCalls
      ? {}
      : { tool_choice: choiceOf(choice ?? 'auto', allowsParallelCalls) }),
  };
}

function choiceOf(choice: NonNullable<OfferedTools['choice']>, allowsParallelCalls: boolean): JsonObject {
  if (choice === 'none') return { type: 'none' };
  const one = allowsParallelCalls ? {} : { disable_parallel_tool_use: true };
  if (typeof choice === 'object') return { type: 'tool', name: choice.tool, ...one };
  return { type: choice === 'required' ? 'any' : 'auto', ...one };
}
