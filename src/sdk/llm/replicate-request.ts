/**
 * Requests for Replicate's API: a prediction of a model, with its input. What the input is called is for each model to
 * say; these are the names of the language models there. Fields of other models come as settings (design note 003). Pure.
 */
import { type Message, partsOf } from './message.ts';
import {
  leftOut,
  type ModelRequest,
  offeredTools,
  type Prompt,
  type RequestWarning,
  takeSystem,
  unfit,
  withSettings,
} from './prompt.ts';

export function buildReplicateRequest(prompt: Prompt): ModelRequest {
  const { params } = prompt;
  const warnings: RequestWarning[] = [];
  const { system, turns } = takeSystem(prompt, 'replicate', warnings);
  const { tools, choice } = offeredTools(params);
  if (tools.length > 0 && choice !== 'none') throw unfit('tools', 'this API knows no tools');
  const thinking = ['reasoningEffort', 'thinkingMode', 'thinkingTokens', 'chainOfThought'] as const;
  const why = 'this API has no such parameter; a model that has one takes it in its settings';
  warnings.push(...leftOut(params, thinking, why));
  const isStreaming = params.stream === true;
  const input = withSettings(
    {
      prompt: promptOf(turns, warnings),
      system_prompt: system,
      temperature: params.temperature,
      max_tokens: params.maxTokens,
      top_p: params.topP,
      top_k: params.topK,
      frequency_penalty: params.frequencyPenalty,
      presence_penalty: params.presencePenalty,
      stop_sequences: stopText(params.stopSequences),
      seed: params.seed,
    },
    prompt.settings,
  );
  const { path, version } = placeOf(prompt);
  return {
    method: 'POST',
    path,
    // Holds the answer back until it is there, for a second at most: what has told no id yet cannot be cancelled.
    headers: isStreaming ? {} : { prefer: 'wait=1' },
    body: {
      ...(version === undefined ? {} : { version }),
      input,
      ...(isStreaming ? { stream: true } : {}),
    },
    isStreaming,
    warnings,
  };
}

/** `owner/name`, or `owner/name:version` for what is no official model; the owner is the provider unless it is Replicate. */
function placeOf({ provider, model }: Prompt): { readonly path: string; readonly version?: string } {
  const [owner = '', name = '', ...rest] = (provider === 'replicate' ? model : `${provider}/${model}`).split(
    '/',
  );
  if (owner === '' || name === '' || rest.length > 0) throw unfit('model', 'a model here is owner/name');
  const [bare = '', version] = name.split(':');
  if (version !== undefined) return { path: '/predictions', version };
  return { path: `/models/${encodeURIComponent(owner)}/${encodeURIComponent(bare)}/predictions` };
}

/** One message as it is; a conversation written down, because there is one field for it. */
function promptOf(turns: readonly Message[], warnings: RequestWarning[]): string {
  const spoken = turns.map(spokenBy);
  const [only] = spoken;
  if (spoken.length === 1 && only?.who === 'User') return only.text;
  const message = 'this API takes one text: the conversation was written down in it';
  warnings.push({ code: 'adjusted', path: 'messages', message });
  return [...spoken.map(({ who, text }) => `${who}: ${text}`), 'Assistant:'].join('\n\n');
}

function spokenBy(message: Message, index: number): { readonly who: string; readonly text: string } {
  if (message.role === 'tool' || (message.role === 'assistant' && (message.toolCalls ?? []).length > 0)) {
    throw unfit(`messages.${index}`, 'this API knows no tools');
  }
  if (message.role !== 'user') return { who: 'Assistant', text: message.content };
  const texts = partsOf(message.content).map((part) => {
    if (part.type === 'text') return part.text;
    throw unfit(`messages.${index}`, 'an image is an input of its own: say it in the settings');
  });
  return { who: 'User', text: texts.join('\n') };
}

/** One text with commas between the sequences. */
function stopText(sequences: readonly string[] | undefined): string | undefined {
  if (sequences?.some((sequence) => sequence.includes(','))) {
    throw unfit('stopSequences', 'this API parts them with commas, so none may hold one');
  }
  return sequences?.join(',');
}
