/**
 * Replicate's predictions, once one was asked for: waited for, or streamed from the address that it names. One that is left
 * before its end is cancelled, because it would go on and be paid for; only one that has told no id yet cannot be.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../../failure.ts';
import { cutOff, type ModelAnswer, type ModelChunk, toldError } from './answer.ts';
import { type CallLimit, startCallLimit } from './call-limit.ts';
import { eventsOf } from './event-stream.ts';
import { type HttpCall, type ProviderHttp, readJson, send } from './provider-http.ts';
import { type Prediction, readPrediction } from './replicate-answer.ts';

export interface PredictionPlace {
  readonly http: ProviderHttp;
  /** The request that made the prediction. */
  readonly call: HttpCall;
  readonly baseUrl: string;
}

const firstWaitMs = 500;
/** Each wait is half as long again as the one before; the limit of the call ends them. */
const longestWaitMs = 5_000;
/** How long it is tried to cancel. */
const cancelMs = 5_000;

/** Asks for the prediction until it is done. Failures: unavailable when it failed, was cancelled, or the time is up. */
export async function awaitPrediction(
  place: PredictionPlace,
  value: unknown,
  limit: CallLimit,
): Promise<ModelAnswer> {
  const prediction = readPrediction(value);
  if (prediction.isDone) return prediction.answer;
  const running = follow(place, prediction.id);
  try {
    return await running.answer(limit, firstWaitMs);
  } finally {
    running.leave();
  }
}

/** The output as it is written; what was counted is asked for at the end. Failures: as awaitPrediction, and cut_off. */
export async function* streamPrediction(
  place: PredictionPlace,
  value: unknown,
  limit: CallLimit,
): AsyncGenerator<ModelChunk, ModelAnswer, undefined> {
  const prediction = readPrediction(value);
  if (!prediction.isDone && prediction.streamUrl !== undefined && URL.canParse(prediction.streamUrl)) {
    const running = follow(place, prediction.id);
    try {
      yield* outputOf(place, prediction.streamUrl, limit);
      return await running.answer(limit, 0);
    } finally {
      running.leave();
    }
  }
  // A model that cannot stream names no address to read it from.
  const answer = await awaitPrediction(place, value, limit);
  if (answer.text !== '') yield { type: 'text', text: answer.text };
  return answer;
}

async function* outputOf(
  { http, call, baseUrl }: PredictionPlace,
  url: string,
  limit: CallLimit,
): AsyncGenerator<ModelChunk, void, undefined> {
  const headers = {
    accept: 'text/event-stream',
    // The address holds what it needs; the secret goes to our endpoint alone.
    ...(new URL(url).origin === new URL(baseUrl).origin ? call.headers : {}),
  };
  const response = await send(http, { provider: call.provider, method: 'GET', url, headers }, limit);
  for await (const { event, data } of eventsOf(response, call.provider, limit, () => false)) {
    if (event === 'error') throw toldError('Replicate', data);
    if (event === 'output' && data !== '') yield { type: 'text', text: data };
    if (event !== 'done') continue;
    // What remains to be asked for has a time of its own.
    limit.restart();
    return;
  }
  throw cutOff('Replicate');
}

interface RunningPrediction {
  /** Asks until it is done, for the first time after `waitMs`. */
  answer(limit: CallLimit, waitMs: number): Promise<ModelAnswer>;
  /** Nobody asks any more. */
  leave(): void;
}

function follow({ http, call, baseUrl }: PredictionPlace, id: string): RunningPrediction {
  const { provider } = call;
  const { prefer: _prefer, ...headers } = call.headers;
  // By its id and not by the address that it names: the secret goes nowhere else.
  const url = `${baseUrl}/predictions/${encodeURIComponent(id)}`;
  let isOver = false;

  const read = (value: unknown): Prediction => {
    try {
      const prediction = readPrediction(value);
      isOver = prediction.isDone;
      return prediction;
    } catch (error) {
      isOver = error instanceof Failure && error.reason === 'provider_failed';
      throw error;
    }
  };
  const cancel = async (): Promise<void> => {
    const limit = startCallLimit(cancelMs, undefined, 'whole');
    try {
      const response = await send(http, { provider, method: 'POST', url: `${url}/cancel`, headers }, limit);
      await response.body?.cancel();
    } finally {
      limit.stop();
    }
  };
  return {
    answer: async (limit, firstMs) => {
      for (let waitMs = firstMs; ; waitMs = Math.min(longestWaitMs, Math.max(100, waitMs * 1.5))) {
        await sleep(waitMs, undefined, { signal: limit.signal }).catch((error: unknown) => {
          throw limit.failure(error, provider);
        });
        const response = await send(http, { provider, method: 'GET', url, headers }, limit);
        const prediction = read(await readJson(response, provider, limit));
        if (prediction.isDone) return prediction.answer;
      }
    },
    leave: () => {
      // The caller does not wait for it, and would have no use for its failure.
      if (!isOver) cancel().catch(() => undefined);
    },
  };
}
