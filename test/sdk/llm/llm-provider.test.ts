/**
 * The provider shim (note 001, item 4): old positional calls do what new ones do, told apart by type, with one warning a
 * process.
 */
import { once } from 'node:events';
import { describe, expect, expectTypeOf, test } from 'vitest';
import {
  createDeprecationWarning,
  deprecationCode,
  LLMProvider,
  type WarnOnce,
} from '../../../src/sdk/llm/llm-provider.ts';
import type { Message } from '../../../src/sdk/llm/message.ts';
import { buildOpenAiRequest } from '../../../src/sdk/llm/openai-request.ts';
import type { GenerationParams, ReasoningParams } from '../../../src/sdk/llm/params.ts';
import { type ModelRequest, mergeParams } from '../../../src/sdk/llm/prompt.ts';
import { question, weatherTool } from '../../support/prompts.ts';

/** Answers the request that it would send. */
class Requests extends LLMProvider<ModelRequest> {
  protected override async completeWith(
    messages: readonly Message[],
    model: string,
    generationParams: GenerationParams,
    reasoningParams: ReasoningParams | undefined,
  ): Promise<ModelRequest> {
    const params = mergeParams(generationParams, {}, reasoningParams);
    return buildOpenAiRequest({ provider: 'openai', model, messages, params });
  }
}

function counted() {
  const warnings: unknown[] = [];
  const warn: WarnOnce = createDeprecationWarning((message, options) => warnings.push([message, options]));
  return { warnings, provider: new Requests(warn), warn };
}

const tools = [weatherTool];

describe('an old call sends what the new one sends', () => {
  test.each<[string, readonly unknown[], GenerationParams]>([
    ['all six', [0.7, 1000, true, tools], { temperature: 0.7, maxTokens: 1000, stream: true, tools }],
    ['five', [0.7, 1000, false], { temperature: 0.7, maxTokens: 1000, stream: false }],
    ['four', [0.7, 1000], { temperature: 0.7, maxTokens: 1000 }],
    ['three', [0], { temperature: 0 }],
    ['nothing at all, spelled out', [undefined, undefined, undefined, undefined], {}],
    ['nothing, as far as whether it streams', [undefined, undefined, undefined], {}],
    ['two nulls', [null, null], {}],
    ['one null', [null], {}],
    ['nothing but null', [null, null, false, null], { stream: false }],
    ['no temperature', [null, 5], { maxTokens: 5 }],
    ['an undefined temperature', [undefined, 5, undefined, undefined], { maxTokens: 5 }],
    ['a stream alone', [undefined, undefined, true], { stream: true }],
    ['tools alone', [undefined, undefined, undefined, tools], { tools }],
  ])('%s', async (_, old, generation) => {
    const { warnings, provider, warn } = counted();
    const call = untyped(provider);
    const before = await call(question, 'gpt-4o', ...old);
    expect(warnings).toHaveLength(1);
    expect(before).toStrictEqual(await new Requests(warn).complete(question, 'gpt-4o', generation));
    expect(before.body['model']).toBe('gpt-4o');
    expect(warnings).toHaveLength(1);
  });
});

describe('a new call', () => {
  test('takes both objects, in either spelling, and warns of nothing', async () => {
    const { warnings, provider } = counted();
    const request = await provider.complete(
      question,
      'gpt-5.4',
      { maxTokens: 10 },
      { reasoningEffort: 'low' },
    );
    expect(request.body).toStrictEqual({
      model: 'gpt-5.4',
      messages: question,
      max_completion_tokens: 10,
      reasoning_effort: 'low',
    });
    const call = untyped(provider);
    expect(await call(question, 'gpt-5.4', { max_tokens: 10 }, { reasoning_effort: 'low' })).toStrictEqual(
      request,
    );
    expect((await call(question, 'gpt-4o')).body).toStrictEqual({ model: 'gpt-4o', messages: question });
    expect((await call(question, 'gpt-5.4', undefined, { reasoningEffort: 'low' })).body).toMatchObject({
      reasoning_effort: 'low',
    });
    expect((await call(question, 'gpt-5.4', null, { reasoningEffort: 'low' })).body).toMatchObject({
      reasoning_effort: 'low',
    });
    for (const rest of [[undefined], [undefined, undefined], [{}], [{}, null]]) {
      expect((await call(question, 'gpt-4o', ...rest)).body).toStrictEqual({
        model: 'gpt-4o',
        messages: question,
      });
    }
    expect(warnings).toEqual([]);
  });

  test.each<[string, readonly unknown[], string]>([
    ['an old temperature out of its range', [3, 10, false, null], 'temperature'],
    ['an old limit that is none', [1, 0], 'maxTokens'],
    ['an unknown parameter', [{ temp: 1 }], 'temp'],
    ['reasoning among the generation', [{ thinkingMode: true }], 'thinkingMode'],
    ['an unknown parameter of reasoning', [{}, { effort: 'low' }], 'effort'],
  ])('refused: %s', async (_, rest, path) => {
    const { provider } = counted();
    const call = untyped(provider);
    await expect(call(question, 'gpt-4o', ...rest)).rejects.toMatchObject({
      code: 'invalid',
      reason: 'bad_params',
      details: [{ path }],
    });
  });

  test('refused: more than there is', async () => {
    const { provider } = counted();
    const call = untyped(provider);
    await expect(call(question, 'gpt-4o', {}, {}, true)).rejects.toMatchObject({ code: 'invalid' });
  });
});

test('one warning for all providers of a process, with a code', async () => {
  const seen: Error[] = [];
  const listen = (warning: Error) => seen.push(warning);
  process.on('warning', listen);
  try {
    const first = once(process, 'warning');
    for (const provider of [new Requests(), new Requests()]) {
      // oxlint-disable-next-line typescript/no-deprecated -- the old signature is what is tested
      await provider.complete(question, 'gpt-4o', 0.5, 10, false, null);
      // oxlint-disable-next-line typescript/no-deprecated -- the old signature is what is tested
      await provider.complete(question, 'gpt-4o', 0.5);
    }
    await first;
    await new Promise((resolve) => setImmediate(resolve));
  } finally {
    process.off('warning', listen);
  }
  expect(seen.map(({ name, message }) => [name, message.slice(0, 29)])).toEqual([
    ['DeprecationWarning', 'LLMProvider.complete(messages'],
  ]);
  expect(seen[0]).toMatchObject({ code: deprecationCode });
});

test('both signatures have their types', () => {
  const provider = new Requests();
  const calls = () => [
    provider.complete(question, 'gpt-4o', { maxTokens: 1 }, { thinkingMode: true }),
    // @ts-expect-error a parameter that is none
    provider.complete(question, 'gpt-4o', { max: 1 }),
    // @ts-expect-error reasoning is said by an object
    provider.complete(question, 'gpt-4o', { maxTokens: 1 }, 10),
  ];
  expectTypeOf(calls).returns.toEqualTypeOf<Promise<ModelRequest>[]>();
});

/** As code that no compiler has seen calls it. */
function untyped(provider: Requests) {
  const complete: unknown = Reflect.get(provider, 'complete');
  if (typeof complete !== 'function') throw new Error('there is no complete');
  return (...all: readonly unknown[]): Promise<ModelRequest> => Reflect.apply(complete, provider, all);
}
