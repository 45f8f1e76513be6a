/**
 * What a model can be told, known by its name: which parameters its maker's API refuses for it. The catalogue's
 * capabilities are not among the values that resolution needs, so they are not at hand here; who gives models names of
 * their own says their traits with the endpoint.
 */
import type { ApiStyle } from './api-style.ts';

export interface ModelTraits {
  /** Takes temperature, topP, topK and penalties. */
  readonly takesSampling: boolean;
  /** Takes topP beside a temperature. */
  readonly takesBoth: boolean;
  /** Takes a word of effort. */
  readonly takesEffort: boolean;
  /** `budget`: so many tokens; `adaptive`: on, and the model says how much; `level`: a word; `none`: nothing to be told. */
  readonly thinking: 'none' | 'budget' | 'adaptive' | 'level';
  /** Counts its reasoning among the tokens of the answer and wants them under `max_completion_tokens`. */
  readonly isReasoning: boolean;
}

const plain: ModelTraits = {
  takesSampling: true,
  takesBoth: true,
  takesEffort: true,
  thinking: 'none',
  isReasoning: false,
};

/** Traits of a model by its maker's rules; those of a name that is not known are the maker's newest. */
export function traitsOf(style: ApiStyle, provider: string, model: string): ModelTraits {
  switch (style) {
    case 'openai':
      return provider === 'openai' || provider === 'azure' ? openAiTraits(model) : plain;
    case 'anthropic':
      return claudeTraits(model);
    case 'gemini':
      return geminiTraits(model);
    case 'replicate':
      return { ...plain, takesEffort: false };
    default:
      return style satisfies never;
  }
}

/** OpenAI, "Reasoning models": no sampling, no stop sequences, `max_completion_tokens`; others know no effort. */
function openAiTraits(model: string): ModelTraits {
  const isReasoning = /^(o\d|gpt-[5-9]|codex)/.test(model) && !/^gpt-[5-9](\.\d+)?-chat/.test(model);
  return { ...plain, isReasoning, takesSampling: !isReasoning, takesEffort: isReasoning };
}

/**
 * Anthropic, "Extended thinking" and "Migrating to Claude Opus 4.7": from Opus 4.7 on thinking is adaptive only and
 * sampling is refused; 4.6 was the first to know a word of effort, 4.1 the first to refuse topP beside a temperature,
 * 3.7 the first to think.
 */
function claudeTraits(model: string): ModelTraits {
  if (/^claude-(2|instant|3-(opus|sonnet|haiku|5))/.test(model)) return { ...plain, takesEffort: false };
  if (/^claude-(3-7|(opus|sonnet|haiku)-4(-[015])?(-2\d{7}|-latest)?$)/.test(model)) {
    return { ...plain, takesBoth: !/-4-[15]/.test(model), takesEffort: false, thinking: 'budget' };
  }
  if (/^claude-(opus|sonnet|haiku)-4-6/.test(model)) {
    return { ...plain, takesBoth: false, thinking: 'budget' };
  }
  return { ...plain, takesSampling: false, thinking: 'adaptive' };
}

/** Gemini, "Thinking": 2.5 takes a budget, 3 and later a level, what came before and other families nothing. */
function geminiTraits(model: string): ModelTraits {
  const [, major = '0', minor = '0'] = /gemini-(\d+)(?:\.(\d+))?/.exec(model) ?? [];
  const version = Number(major) + Number(minor) / 10;
  if (version >= 3) return { ...plain, thinking: 'level' };
  return { ...plain, takesEffort: false, thinking: version >= 2.5 ? 'budget' : 'none' };
}
