/**
 * The parameters of a call (design note 001, items 2, 4, 5, 10): what may be said about sampling, the chat and reasoning.
 * camelCase here; params-spelling.ts reads and writes the other spelling. A parameter that is absent is the API's default.
 * The ranges are the widest that one of the four APIs states; each request builder holds them against its own.
 */
import { z } from 'zod';
import { isJsonObject, type JsonObject } from './json-object.ts';
import { readTool, type Tool } from './tool.ts';

const maxInt32 = 2_147_483_647;

const count = (least: number) => z.int().min(least).max(maxInt32);

const toolSchema = z.custom<Tool>().check((context) => {
  const read = readTool(context.value);
  if ('tool' in read) return;
  context.issues.push({
    code: 'custom',
    message: read.problem,
    input: context.value,
    path: [...read.path],
  });
});

/** Both of sampling and of the chat. */
const shared = {
  /** Where the answer ends; the sequence is not part of it. OpenAI takes 4, Gemini 5, Anthropic more. */
  stopSequences: z.array(z.string().min(1).max(1_000)).min(1).max(64).exactOptional(),
  stream: z.boolean().exactOptional(),
};

const generation = {
  /** 0–2 (OpenAI, "Create chat completion"; Gemini, GenerationConfig); Anthropic takes 0–1 (Messages). */
  temperature: z.number().min(0).max(2).exactOptional(),
  /** Tokens of the answer, reasoning included where the API counts it so. At least 1 (all four). */
  maxTokens: count(1).exactOptional(),
  /** 0–1 (all four). */
  topP: z.number().min(0).max(1).exactOptional(),
  /** At least 0 (Anthropic, Messages); OpenAI has none. */
  topK: count(0).exactOptional(),
  /** −2–2 (OpenAI, "Create chat completion"; Gemini). */
  frequencyPenalty: z.number().min(-2).max(2).exactOptional(),
  presencePenalty: z.number().min(-2).max(2).exactOptional(),
  ...shared,
  /** Any integer that JSON carries exactly; Gemini takes 32 bits. */
  seed: z.int().exactOptional(),
  /** At most 128 (OpenAI, "Create chat completion"). */
  tools: z.array(toolSchema).max(128).exactOptional(),
};

const chat = {
  /** Stands before the system messages of the call. */
  systemPrompt: z.string().min(1).max(1_000_000).exactOptional(),
  ...shared,
  /** A word, a tool's name, or an object as OpenAI or Anthropic spell it (tool.ts); never changed. */
  toolChoice: z
    .union([z.string().min(1).max(64), z.custom<JsonObject>(isJsonObject, { error: 'a text or an object' })])
    .exactOptional(),
  /** Whether the model may ask for several calls at once. */
  parallelToolCalls: z.boolean().exactOptional(),
};

const reasoning = {
  /** `none`, `minimal`, `low`, `medium`, `high`, `xhigh`, `max`, or a word that is newer than this; each model knows some. */
  reasoningEffort: z
    .string()
    .regex(/^[a-z]{1,32}$/, { error: 'one word in lower case letters' })
    .exactOptional(),
  /** Whether the model thinks before it answers. */
  thinkingMode: z.boolean().exactOptional(),
  /** How many tokens it may think. At least 0 (Gemini: 0 is off); Anthropic wants 1,024 and fewer than maxTokens. */
  thinkingTokens: count(0).exactOptional(),
  /** Whether the answer tells what was thought, where the API can. */
  chainOfThought: z.boolean().exactOptional(),
};

export const generationParamsSchema = z.strictObject(generation);
export type GenerationParams = Readonly<z.output<typeof generationParamsSchema>>;

/** With the defaults of the note: no stream, parallel calls allowed. */
export const chatParamsSchema = z.strictObject({
  ...chat,
  stream: z.boolean().default(false),
  parallelToolCalls: z.boolean().default(true),
});
export type ChatParams = Readonly<z.output<typeof chatParamsSchema>>;

export const reasoningParamsSchema = z.strictObject(reasoning);
export type ReasoningParams = Readonly<z.output<typeof reasoningParamsSchema>>;

/** All of them in one object, without defaults: what a key of the ledger holds and a call overrides. */
export const llmParamsSchema = z.strictObject({ ...generation, ...chat, ...reasoning });
export type LlmParams = Readonly<z.output<typeof llmParamsSchema>>;
