/**
 * Parameters in both spellings: the laws of going there and back, old JSON, and what is refused and where.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Failure } from '../../../src/failure.ts';
import { isSameJson, type JsonObject } from '../../../src/sdk/llm/json-object.ts';
import type { LlmParams } from '../../../src/sdk/llm/params.ts';
import {
  fromSnakeCase,
  overrideParams,
  readChatParams,
  readGenerationParams,
  readLlmParams,
  readReasoningParams,
  toSnakeCase,
} from '../../../src/sdk/llm/params-spelling.ts';
import { mergeParams } from '../../../src/sdk/llm/prompt.ts';

/** Names inside free-form values that a renaming would catch, and keys that plain objects have anyway. */
const trap = fc.constantFrom(
  'maxTokens',
  'max_tokens',
  'topP',
  'inner_Name',
  '__proto__',
  'constructor',
  'a',
);
const freeForm = fc.dictionary(trap, fc.jsonValue({ maxDepth: 2 })).map((value) => value as JsonObject);
const tool = fc.oneof(
  fc.record(
    { name: fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/), description: fc.string(), parameters: freeForm },
    { requiredKeys: ['name'] },
  ),
  fc.record({ name: fc.constant('anthropicTool'), input_schema: freeForm }),
  fc.record({
    type: fc.constant('function' as const),
    function: fc.record({ name: fc.constant('openai_tool'), parameters: freeForm }),
  }),
);
const number = (min: number, max: number) => fc.double({ min, max, noNaN: true });

const anyParams: fc.Arbitrary<LlmParams> = fc.record(
  {
    temperature: number(0, 2),
    maxTokens: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
    topP: number(0, 1),
    topK: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
    frequencyPenalty: number(-2, 2),
    presencePenalty: number(-2, 2),
    stopSequences: fc.array(fc.string({ minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 4 }),
    seed: fc.maxSafeInteger(),
    stream: fc.boolean(),
    tools: fc.array(tool, { maxLength: 3 }),
    systemPrompt: fc.string({ minLength: 1 }),
    toolChoice: fc.oneof(fc.constantFrom('auto', 'none', 'someTool'), freeForm),
    parallelToolCalls: fc.boolean(),
    reasoningEffort: fc.constantFrom('none', 'low', 'xhigh'),
    thinkingMode: fc.boolean(),
    thinkingTokens: fc.nat(),
    chainOfThought: fc.boolean(),
  },
  { requiredKeys: [], noNullPrototype: true },
);

const snakeNames =
  'temperature max_tokens top_p top_k frequency_penalty presence_penalty stop_sequences seed stream ' +
  'tools system_prompt tool_choice parallel_tool_calls reasoning_effort thinking_mode thinking_tokens chain_of_thought';

function refusal(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    if (error instanceof Failure) return { code: error.code, reason: error.reason, details: error.details };
    throw error;
  }
  return 'nothing was refused';
}

const refused = (...details: readonly (readonly [path: string, message: unknown])[]) => ({
  code: 'invalid',
  reason: 'bad_params',
  details: details.map(([path, message]) => ({ path, message })),
});

describe('both spellings', () => {
  test('there and back is the same, and the way through JSON too', () => {
    fc.assert(
      fc.property(anyParams, (params) => {
        const snake = toSnakeCase(params);
        expect(fromSnakeCase(snake as JsonObject)).toStrictEqual(params);
        expect(isSameJson(fromSnakeCase(JSON.parse(JSON.stringify(snake))), jsonOf(params))).toBe(true);
        expect(readLlmParams(params)).toStrictEqual(params);
      }),
    );
  });

  test('only the names of parameters are spelled anew: what is free-form is the very same object', () => {
    fc.assert(
      fc.property(anyParams, (params) => {
        const snake = toSnakeCase(params);
        expect(Object.keys(snake).filter((name) => !snakeNames.split(' ').includes(name))).toEqual([]);
        expect(snake['tool_choice']).toBe(params.toolChoice);
        const back = fromSnakeCase(snake as JsonObject);
        for (const [index, each] of (params.tools ?? []).entries()) expect(back.tools?.[index]).toBe(each);
        expect(back.toolChoice).toBe(params.toolChoice);
      }),
    );
  });

  test('each parameter is read under either name, mixed as it comes', () => {
    fc.assert(
      fc.property(anyParams, fc.infiniteStream(fc.boolean()), (params, coins) => {
        const mixed = Object.entries(params).flatMap(([name, value]) => {
          const [[snake]] = Object.entries(toSnakeCase({ [name]: value })) as [[string, unknown]];
          const camelCase: [string, unknown] = [name, value];
          // The same again, not the very same.
          const snakeCase: [string, unknown] = [snake, jsonOf(value)];
          if (coins.next().value) return [camelCase, snakeCase];
          return [coins.next().value ? camelCase : snakeCase];
        });
        expect(isSameJson(readLlmParams(Object.fromEntries(mixed)), jsonOf(params))).toBe(true);
      }),
    );
  });

  test('all names are spelled as the note has them', () => {
    const all = { ...fullParams, ...readReasoningParams({ chain_of_thought: true }) };
    expect(Object.keys(toSnakeCase(all)).toSorted()).toEqual(snakeNames.split(' ').toSorted());
  });
});

const fullParams: LlmParams = {
  temperature: 0.7,
  maxTokens: 1000,
  topP: 0.9,
  topK: 40,
  frequencyPenalty: 0.5,
  presencePenalty: -0.5,
  stopSequences: ['END'],
  seed: 7,
  stream: true,
  tools: [{ name: 'look_up', parameters: { type: 'object', properties: { maxTokens: { type: 'number' } } } }],
  systemPrompt: 'Be brief.',
  toolChoice: 'auto',
  parallelToolCalls: false,
  reasoningEffort: 'low',
  thinkingMode: true,
  thinkingTokens: 2048,
};

describe('old JSON', () => {
  test('preferences of old prompt templates are read (note 001, item 2)', () => {
    const old = { temperature: 0.7, maxTokens: 1000, topP: 0.9, topK: 40, stopSequences: ['###'] };
    expect(readGenerationParams(old)).toStrictEqual(old);
    expect(toSnakeCase(readGenerationParams(old))).toStrictEqual({
      temperature: 0.7,
      max_tokens: 1000,
      top_p: 0.9,
      top_k: 40,
      stop_sequences: ['###'],
    });
  });

  test('what Pydantic dumped is read: null says nothing, the defaults of the note hold', () => {
    const dumped = {
      system_prompt: null,
      stop_sequences: null,
      stream: false,
      tool_choice: null,
      parallel_tool_calls: true,
    };
    expect(readChatParams(dumped)).toStrictEqual({ stream: false, parallelToolCalls: true });
    expect(readChatParams({})).toStrictEqual({ stream: false, parallelToolCalls: true });
    expect(readReasoningParams({ reasoning_effort: null, thinking_mode: null })).toStrictEqual({});
    expect(readGenerationParams({ max_tokens: null, maxTokens: 5 })).toStrictEqual({ maxTokens: 5 });
  });

  test('the same said twice is once; two values for one parameter are refused (note 001, item 1)', () => {
    expect(readGenerationParams({ maxTokens: 5, max_tokens: 5 })).toStrictEqual({ maxTokens: 5 });
    expect(readGenerationParams({ stopSequences: ['a'], stop_sequences: ['a'] })).toStrictEqual({
      stopSequences: ['a'],
    });
    expect(refusal(() => readGenerationParams({ maxTokens: 5, max_tokens: 6, top_p: 1 }))).toEqual(
      refused(['max_tokens', 'stands there as maxTokens too, with another value']),
    );
  });
});

describe('what is refused, with its place', () => {
  test.each<[string, unknown, string]>([
    ['an unknown field', { maxtokens: 5 }, 'maxtokens'],
    ['a field of another kind of parameters', { systemPrompt: 'x' }, 'systemPrompt'],
    ['a field of every object', { constructor: 1 }, 'constructor'],
    ['a temperature above 2', { temperature: 2.01 }, 'temperature'],
    ['a temperature below 0', { temperature: -0.01 }, 'temperature'],
    ['a temperature as text', { temperature: '1' }, 'temperature'],
    ['no token', { max_tokens: 0 }, 'max_tokens'],
    ['half a token', { maxTokens: 1.5 }, 'maxTokens'],
    ['a topP above 1', { top_p: 1.1 }, 'top_p'],
    ['a negative topK', { topK: -1 }, 'topK'],
    ['a penalty above 2', { frequencyPenalty: 2.1 }, 'frequencyPenalty'],
    ['a penalty below −2', { presence_penalty: -2.1 }, 'presence_penalty'],
    ['an empty stop sequence', { stop_sequences: ['a', ''] }, 'stop_sequences.1'],
    ['a seed that JSON does not carry', { seed: 2 ** 53 }, 'seed'],
    ['a tool without a name', { tools: [{ name: 'a' }, { description: 'x' }] }, 'tools.1.name'],
    ['a tool with a name of spaces', { tools: [{ name: 'a b' }] }, 'tools.0.name'],
    ['a tool of another kind', { tools: [{ type: 'web_search' }] }, 'tools.0.type'],
    [
      'a stranger in a function',
      { tools: [{ type: 'function', function: { name: 'a', schema: {} } }] },
      'tools.0.function.schema',
    ],
    ['parameters that are none', { tools: [{ name: 'a', parameters: 'none' }] }, 'tools.0.parameters'],
    [
      'a schema that JSON does not carry',
      { tools: [{ name: 'a', parameters: { x: Number.NaN } }] },
      'tools.0',
    ],
  ])('%s', (_, value, path) => {
    expect(refusal(() => readGenerationParams(value))).toEqual(refused([path, expect.any(String)]));
  });

  test('everything at once', () => {
    expect(refusal(() => readLlmParams({ temperature: 3, top_p: 2, thinking_tokens: -1 }))).toEqual(
      refused(
        ['temperature', expect.any(String)],
        ['top_p', expect.any(String)],
        ['thinking_tokens', expect.any(String)],
      ),
    );
  });

  test.each([[null], [[]], ['x'], [undefined]])('%j is no object', (value) => {
    expect(refusal(() => readLlmParams(value))).toEqual({
      code: 'invalid',
      reason: 'bad_params',
      details: [],
    });
  });
});

describe('parameters over parameters', () => {
  test('a call overrides, and takes away with null', () => {
    const ledger = readLlmParams({ temperature: 0.2, max_tokens: 100, top_p: 0.5 });
    expect(overrideParams(ledger, { max_tokens: 200, topP: null })).toStrictEqual({
      temperature: 0.2,
      maxTokens: 200,
    });
    expect(refusal(() => overrideParams(ledger, { max_tokens: 0 }))).toEqual(
      refused(['max_tokens', expect.any(String)]),
    );
  });

  test('three objects of a call are one', () => {
    const chat = readChatParams({ systemPrompt: 'Be brief.', stop_sequences: ['X'] });
    expect(mergeParams({ temperature: 1 }, chat, { thinkingMode: true })).toStrictEqual({
      temperature: 1,
      systemPrompt: 'Be brief.',
      stopSequences: ['X'],
      stream: false,
      parallelToolCalls: true,
      thinkingMode: true,
    });
    expect(mergeParams({ stream: true }, readChatParams({})).stream).toBe(true);
    expect(mergeParams({}, readChatParams({ stream: true })).stream).toBe(true);
    expect(() => mergeParams({ stopSequences: ['Y'] }, chat)).toThrow(/stopSequences/);
  });
});

function jsonOf(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
