/**
 * Explanations: why keys have their values, every layer with what it holds, who put it there, when and why.
 * In: keys, a context and a moment that the tables hold; out: answers as `GET /v1/explain/{key}` gives them.
 */
import { z } from 'zod';
import { formatEnd } from '../domain/assertion.ts';
import { allocationSchema, jsonSchema } from '../domain/change.ts';
import { type ExplainedLayer, explainLayers } from '../domain/explain.ts';
import { formatInstant } from '../domain/instant.ts';
import type { LiveState } from '../domain/live-state.ts';
import type { HistoryItem, Moment } from '../domain/questions.ts';
import type { Resolution } from '../domain/resolve.ts';
import { type Context, scopesOf } from '../domain/scope.ts';
import type { KeyState } from '../domain/subject-state.ts';
import type { HttpDependencies } from './dependencies.ts';
import { briefEventSchema, eventPart } from './event-answer.ts';
import { resolutionAnswer, valueShape } from './resolution-answer.ts';

export const explanationSchema = z
  .strictObject({
    key: z.string(),
    ...valueShape,
    layers: z.array(
      z.strictObject({
        scope: z.string(),
        outcome: z.enum(['won', 'lost', 'cleared', 'expired', 'scheduled', 'outside', 'unset']),
        value: jsonSchema.optional(),
        arm: z.string().optional(),
        bucket: z.number().int().min(0).max(9_999).optional().meta({
          description: 'Of the unit, in the draw of the allocation: it is in for every share above it',
        }),
        allocation: allocationSchema.optional(),
        effectiveFrom: z.string().optional(),
        effectiveUntil: z.string().nullable().optional(),
        event: briefEventSchema.optional(),
      }),
    ),
    fallback: z.strictObject({ value: jsonSchema, event: briefEventSchema.optional() }),
  })
  .meta({ id: 'Explanation', description: 'Layers from the narrowest asked to global' });

export type Explanation = ReturnType<typeof answerOf>;

/** What an explanation is made of: state, assertions and events. */
export const explanationProjections = ['assertions', 'keys', 'catalogue', 'history'];

/** Explains what was resolved over `state`, one explanation a resolution. */
export async function explain(
  { reads }: HttpDependencies,
  ledger: string,
  moment: Moment,
  state: LiveState,
  resolutions: readonly Resolution[],
  context: Context,
): Promise<readonly Explanation[]> {
  const explained: Explained[] = [];
  for (const resolution of resolutions) {
    const assertions = await reads.layersAt(ledger, moment.asOf, resolution.key, scopesOf(context));
    const layers = explainLayers((scope) => assertions.get(scope) ?? [], context, moment.at);
    explained.push({ resolution, layers, definition: state.key(resolution.key) });
  }
  const events = await reads.events(ledger, explained.flatMap(revisionsIn));
  return explained.map((one) => answerOf(one, events));
}

interface Explained {
  readonly resolution: Resolution;
  readonly layers: readonly ExplainedLayer[];
  readonly definition: KeyState | undefined;
}

function revisionsIn({ layers, definition }: Explained): readonly number[] {
  const revisions = layers.flatMap(({ assertion }) => (assertion === undefined ? [] : [assertion.revision]));
  return definition === undefined ? revisions : [...revisions, definition.revision];
}

function answerOf({ resolution, layers, definition }: Explained, events: ReadonlyMap<number, HistoryItem>) {
  const defined = definition && events.get(definition.revision);
  return {
    ...resolutionAnswer(resolution),
    layers: layers.map((layer) => layerAnswer(layer, events)),
    fallback: { value: definition?.definition.fallback ?? null, ...eventPart(defined) },
  };
}

function layerAnswer(
  { scope, outcome, assertion, value, arm, bucket }: ExplainedLayer,
  events: ReadonlyMap<number, HistoryItem>,
) {
  if (assertion === undefined) return { scope, outcome };
  const { from, until } = assertion;
  return {
    scope,
    outcome,
    ...(value === undefined ? {} : { value }),
    ...(arm === undefined ? {} : { arm }),
    ...(bucket === undefined ? {} : { bucket }),
    ...(assertion.kind === 'allocation' ? { allocation: assertion.value } : {}),
    effectiveFrom: formatInstant(from),
    effectiveUntil: formatEnd(until),
    ...eventPart(events.get(assertion.revision)),
  };
}
