/**
 * An event as clients read it (api.md, "An Event reads"), for the document; domain/event-answer.ts makes it.
 */
import { z } from 'zod';
import { jsonSchema } from '../domain/change.ts';
import type { RecordedEvent } from '../domain/event.ts';

export const actorAnswerSchema = z.strictObject({
  id: z.string(),
  kind: z.enum(['api_key', 'person', 'system']),
  via: z.string().optional(),
});

export const eventAnswerSchema = z
  .strictObject({
    revision: z.number().int(),
    type: z.string(),
    schemaVersion: z.number().int(),
    subject: z.string(),
    version: z.number().int(),
    data: z.record(z.string(), jsonSchema),
    recordedAt: z.string(),
    actor: actorAnswerSchema,
    reason: z.string(),
    source: z.enum(['api', 'console', 'cli', 'import', 'rollback', 'system']),
    changesetId: z.string(),
    last: z.boolean(),
    requestId: z.string(),
    undoes: z.string().optional(),
    changes: z.array(z.strictObject({ field: z.string(), before: jsonSchema, after: jsonSchema })),
  })
  .meta({ id: 'Event', description: 'What happened, who did it, why, and the fields that it changed' });

/** Who said something, when and why: an event in brief, beside what it says. */
export const briefEventSchema = z.strictObject({
  revision: z.number().int(),
  type: z.string(),
  recordedAt: z.string(),
  actor: actorAnswerSchema,
  reason: z.string(),
  source: z.string(),
  changesetId: z.string(),
});

/** The part of an answer that names the event behind it; empty when the history does not hold it. */
export function eventPart(event: RecordedEvent | undefined) {
  if (event === undefined) return {};
  const { revision, type, recordedAt, actor, reason, source, changesetId } = event;
  return { event: { revision, type, recordedAt, actor, reason, source, changesetId } };
}

export const warningSchema = z.strictObject({ code: z.string(), message: z.string(), path: z.string() });

export const changesetAnswerSchema = z
  .strictObject({
    changesetId: z.string(),
    revisions: z.strictObject({ first: z.number().int(), last: z.number().int() }),
    events: z.array(eventAnswerSchema),
    warnings: z.array(warningSchema),
  })
  .meta({ id: 'Changeset' });

/** Nothing would change: no event, and why. */
export const nothingChangedSchema = z
  .strictObject({
    changesetId: z.null(),
    events: z.array(eventAnswerSchema).max(0),
    warnings: z.array(warningSchema),
  })
  .meta({ id: 'NothingChanged' });

/** A page of a list. */
export function pageSchema<S extends z.ZodType>(item: S) {
  return z.strictObject({ items: z.array(item), nextCursor: z.string().nullable() });
}
