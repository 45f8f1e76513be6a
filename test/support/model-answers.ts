/**
 * Answers of models, for the tests of those that read them.
 */
import type { ModelAnswer, ModelChunk, StreamReader } from '../../src/sdk/llm/answer.ts';

/** An answer that says no more than this. */
export const answer = (parts: Partial<ModelAnswer> & { readonly text: string }): ModelAnswer => ({
  reasoning: '',
  toolCalls: [],
  brokenToolCalls: [],
  files: [],
  finishReason: 'stop',
  message: {
    role: 'assistant',
    content: parts.text,
    ...(parts.toolCalls === undefined ? {} : { toolCalls: [...parts.toolCalls] }),
  },
  ...parts,
});

/** What a stream of these events brings, and what it comes to. */
export function streamed(reader: StreamReader, events: readonly unknown[]) {
  const chunks: ModelChunk[] = [];
  for (const event of events) {
    chunks.push(...reader.read(typeof event === 'string' ? event : JSON.stringify(event)));
  }
  return { chunks, whole: reader.finish() };
}

/** For answers in which nothing is to be named. */
export const newId = (): string => {
  throw new Error('no id is needed');
};

export const kiel = { id: 'c1', name: 'weather', arguments: { city: 'Kiel' } };
