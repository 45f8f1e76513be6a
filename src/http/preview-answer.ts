/**
 * A preview as clients read it (api.md, "Write" and "Roll back, compare"): events, warnings, blast radius, fingerprint.
 * In: a request to the writer, or what it answered; out: the answer of a dry run. Shared by the routes that have one.
 */
import { z } from 'zod';
import { jsonSchema } from '../domain/change.ts';
import { eventAnswer } from '../domain/event-answer.ts';
import { formatInstant } from '../domain/instant.ts';
import type { BlastRadius, LayerChange } from '../domain/preview/blast-radius.ts';
import type { ChangesetRequest, PreviewResult } from '../ledger/changeset.ts';
import type { LiveLedger } from '../ledger/live-ledger.ts';
import type { Answer } from './answer.ts';
import type { HttpDependencies } from './dependencies.ts';
import { eventAnswerSchema, warningSchema } from './event-answer.ts';

/** The most contexts that were seen in usage or by consumers which a preview asks about. */
const maxContextsSeen = 100_000;

/** Failures: those of deciding, and `unavailable`. */
export async function previewOf(
  { reads }: Pick<HttpDependencies, 'reads'>,
  ledger: LiveLedger,
  request: ChangesetRequest,
): Promise<PreviewResult> {
  return ledger.preview(request, await reads.contextsSeen(ledger.name, maxContextsSeen));
}

export function previewAnswer(preview: PreviewResult): Answer {
  const { events, warnings, blastRadius, fingerprint, maxBytes, bytes, revision } = preview;
  const radius = blastRadiusAnswer(blastRadius);
  return {
    status: 200,
    body: { events: events.map(eventAnswer), warnings, blastRadius: radius, fingerprint, maxBytes, bytes },
    revision,
  };
}

/** Times as RFC 3339. */
function blastRadiusAnswer({ moments, layers, contexts, ...leftOut }: BlastRadius) {
  return {
    moments: moments.map(formatInstant),
    layers: layers.map(layerAnswer),
    contexts: {
      known: contexts.known,
      checked: contexts.checked,
      changed: contexts.changed,
      sample: contexts.sample.map(({ from, ...change }) => ({ ...change, from: formatInstant(from) })),
    },
    ...leftOut,
  };
}

function layerAnswer({ key, scope, at, before, after, shieldedBy }: LayerChange) {
  return { key, scope, at: formatInstant(at), before, after, shieldedBy };
}

const count = z.number().int().nonnegative();

const layerSchema = z.strictObject({
  key: z.string(),
  scope: z.string().meta({ description: 'Of an override; fallback where the definition of the key changes' }),
  at: z.string().meta({ description: 'From when on: one of the moments' }),
  before: jsonSchema.meta({ description: 'A value or a whole allocation; null when the layer says nothing' }),
  after: jsonSchema,
  shieldedBy: z.strictObject({ user: count, tenant: count, tier: count, global: count.optional() }).meta({
    description: 'Narrower overrides that the change does not reach through; global for a fallback only',
  }),
});

const contextChangeSchema = z.strictObject({
  context: z.strictObject({
    user: z.string().optional(),
    tenant: z.string().optional(),
    tier: z.string().optional(),
  }),
  key: z.string(),
  before: jsonSchema.meta({ description: 'null where the key is not defined' }),
  after: jsonSchema,
  from: z.string().meta({ description: 'The first of the moments at which it answers otherwise' }),
});

const blastRadiusSchema = z
  .strictObject({
    moments: z.array(z.string()).meta({ description: 'Now, and every boundary that the change introduces' }),
    momentsLeftOut: count,
    layers: z.array(layerSchema),
    layersLeftOut: count,
    contexts: z.strictObject({
      known: count.meta({
        description: 'How many contexts there are; when fewer are checked, a limit was reached',
      }),
      checked: count,
      changed: count,
      sample: z.array(contextChangeSchema),
    }),
  })
  .meta({ id: 'BlastRadius', description: 'What resolves differently afterwards' });

export const previewSchema = z
  .strictObject({
    events: z.array(eventAnswerSchema),
    warnings: z.array(warningSchema),
    blastRadius: blastRadiusSchema,
    fingerprint: z
      .string()
      .meta({ description: 'To be applied with: refused as a conflict if what it rests on has changed' }),
    maxBytes: z.number().int(),
    bytes: z.number().int(),
  })
  .meta({ id: 'Preview', description: 'What a changeset would do; nothing was appended' });
