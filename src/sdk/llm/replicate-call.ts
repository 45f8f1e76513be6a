/**
 * Replicate's predictions, once one was asked for: waited for, or streamed from the address that it names.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { cutOff, type ModelAnswer, type ModelChunk, toldError } from './answer.ts';
import type { CallLimit } from './call-limit.ts';
import { eventsOf } from './event-stream.ts';
import { type HttpCall, type ProviderHttp, readJson, send } from './provider-http.ts';
import { readPrediction } from './replicate-answer.ts';

export interface PredictionPlace {
  readonly http: ProviderHttp;
  /** The request that made the prediction. */
  readonly call: HttpCall;
  readonly baseUrl: string;
}

/** Each wait is half as long again as the one before; the limit of the call ends them. */
const longestWaitMs = 5_000;

/** Asks for the prediction until it is done. Failures: unavailable when it failed, was cancelled, or the time is up. */
export async function awaitPrediction(
  { http, call, baseUrl }: PredictionPlace,
  value: unknown,
  limit: CallLimit,
  firstWaitMs = 500,
): Promise<ModelAnswer> {
  let prediction = readPrediction(value);
  let waitMs = firstWaitMs;
  while (!prediction.isDone) {
    await sleep(waitMs, undefined, { signal: limit.signal }).catch((error: unknown) => {
      throw limit.failure(error, call.provider);
    });
    waitMs = Math.min(longestWaitMs, Math.max(100, waitMs * 1.5));
    // By its id and not by the address that it names: the secret goes nowhere else.
    const url = `${baseUrl}/predictions/${encodeURIComponent(prediction.id)}`;
    const { prefer: _prefer, ...headers } = call.headers;
    const asked = { provider: call.provider, method: 'GET' as const, url, headers };
    prediction = readPrediction(await readJson(await send(http, asked, limit), call.provider, limit));
  }
  return prediction.answer;
}

/** The output as it is written; what was counted is asked for at the end. Failures: as awaitPrediction, and cut_off. */
export async function* streamPrediction(
  place: PredictionPlace,
  value: unknown,
  limit: CallLimit,
): AsyncGenerator<ModelChunk, ModelAnswer, undefined> {
  const prediction = readPrediction(value);
  if (prediction.isDone || prediction.streamUrl === undefined || !URL.canParse(prediction.streamUrl)) {
    // A model that cannot stream names no address to read it from.
    const answer = prediction.isDone ? prediction.answer : await awaitPrediction(place, value, limit);
    if (answer.text !== '') yield { type: 'text', text: answer.text };
    return answer;
  }
  const { http, call } = place;
  const headers = {
    accept: 'text/event-stream',
    // The address holds what it needs; the secret goes to our endpoint alone.
    ...(new URL(prediction.streamUrl).origin === new URL(place.baseUrl).origin ? call.headers : {}),
  };
  const asked = { provider: call.provider, method: 'GET' as const, url: prediction.streamUrl, headers };
  let isDone = false;
  for await (const { event, data } of eventsOf(await send(http, asked, limit), call.provider, limit)) {
    if (event === 'error') throw toldError('Replicate', data);
    if (event === 'done') isDone = true;
    if (event === 'output' && data !== '') yield { type: 'text', text: data };
  }
  if (!isDone) throw cutOff('Replicate');
  return awaitPrediction(place, value, limit, 0);
}
