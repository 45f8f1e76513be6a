/**
 * What the package exports under `./llm`: calls of the models that the ledger names, the parameters of a call in both
 * spellings, the requests that four styles of API get, and the base for a service's own providers.
 */
export type { TokenCounts } from '../../domain/usage/usage.ts';
export type { FinishReason, ModelAnswer, ModelChunk, StreamReader } from './answer.ts';
export { createAnthropicStreamReader, readAnthropicAnswer } from './anthropic-answer.ts';
export { buildAnthropicRequest } from './anthropic-request.ts';
export type { ApiStyle } from './api-style.ts';
export { createLlmClient } from './create-llm-client.ts';
export type { EndpointOptions, Endpoints } from './endpoint.ts';
export { createGeminiStreamReader, readGeminiAnswer } from './gemini-answer.ts';
export { buildGeminiRequest } from './gemini-request.ts';
export type {
  LlmChunk,
  LlmClient,
  LlmClientOptions,
  LlmRequest,
  LlmResult,
  ParamOverrides,
} from './llm-client.ts';
export { createDeprecationWarning, deprecationCode, LLMProvider } from './llm-provider.ts';
export type { AssistantMessage, Message, ToolCall, UserPart } from './message.ts';
export { type ModelTraits, traitsOf } from './model-traits.ts';
export { createOpenAiStreamReader, readOpenAiAnswer } from './openai-answer.ts';
export { buildOpenAiRequest, type OpenAiDialect } from './openai-request.ts';
export {
  type ChatParams,
  chatParamsSchema,
  type GenerationParams,
  generationParamsSchema,
  type LlmParams,
  llmParamsSchema,
  type ReasoningParams,
  reasoningParamsSchema,
} from './params.ts';
export {
  fromSnakeCase,
  readChatParams,
  readGenerationParams,
  readLlmParams,
  readReasoningParams,
  toSnakeCase,
} from './params-spelling.ts';
export { type ModelRequest, mergeParams, type Prompt, type RequestWarning } from './prompt.ts';
export { type Prediction, readPrediction } from './replicate-answer.ts';
export { buildReplicateRequest } from './replicate-request.ts';
export type { AnthropicTool, OpenAiTool, Tool, ToolDefinition } from './tool.ts';
