/**
 * The composition root of the LLM client, which is a door of the package of its own: randomness and ids are made here.
 */
import type { Varve } from '../varve.ts';
import type { LlmClient, LlmClientOptions } from './llm-client.ts';
import { openLlmClient } from './open-llm-client.ts';

/**
 * A client that calls the models that a Varve names. It owns nothing of that Varve and does not close it.
 * Failures: invalid for endpoints without an address, or with a secretKey and no readSecret.
 */
export function createLlmClient(varve: Varve, options: LlmClientOptions): LlmClient {
  return openLlmClient(varve, options, {
    random: () => Math.random(),
    newId: () => crypto.randomUUID(),
  });
}
