/**
 * Fields of a user, or of everybody, written down as one changeset (design note 004, the setters).
 * The first one in a ledger brings all eight keys with it; a definition that somebody else gave is never replaced, unless he
 * has retired it and the key is needed: then it is defined anew.
 */
import { z } from 'zod';
import type { JsonValue } from '../domain/json.ts';
import type { Scope } from '../domain/scope.ts';
import { Failure } from '../failure.ts';
import {
  definitionOf,
  keyOfField,
  type RuntimeField,
  type RuntimeFieldsToSet,
  runtimeFields,
} from './runtime-fields.ts';
import type { Varve, Written } from './varve.ts';

/** How often a definition that came in between is met before we give up. */
const maxTries = 5;

/** Answers when the fields can be read here. Failures: invalid (no field), and those of writing. */
export async function writeRuntimeFields(
  varve: Varve,
  scope: Scope,
  toSet: RuntimeFieldsToSet,
  reason: string,
): Promise<Written> {
  const fields = fieldsToSet(toSet);
  const wishes = fields.map((field) => wishOf(field, scope, toSet[field] ?? null));
  const needed = new Set(fields.map(keyOfField));
  const defined = new Set(varve.keys());
  for (let tries = 1; ; tries++) {
    if ([...needed].every((key) => defined.has(key))) return varve.write({ reason, changes: wishes });
    const missing = runtimeFields.filter((field) => !defined.has(keyOfField(field)));
    const changes = [...missing.map(definitionOf), ...wishes];
    try {
      const preview = await previewOf(varve, reason, changes);
      const toLeave = preview.redefined.filter(({ key, isBack }) => !isBack || !needed.has(key));
      if (toLeave.length === 0) {
        return await varve.write({ reason, changes, fingerprint: preview.fingerprint });
      }
      for (const { key } of toLeave) defined.add(key);
    } catch (error) {
      if (tries === maxTries) throw error;
      const spare = missing.map(keyOfField).filter((key) => !needed.has(key));
      for (const key of toLeaveAfter(error, spare)) defined.add(key);
    }
  }
}

/** Failures: invalid. */
function fieldsToSet(toSet: RuntimeFieldsToSet): readonly RuntimeField[] {
  const unknown = Object.keys(toSet).find((name) => !runtimeFields.some((field) => field === name));
  const fields = runtimeFields.filter((field) => toSet[field] !== undefined);
  if (unknown === undefined && fields.length > 0) return fields;
  throw new Failure('invalid', unknown === undefined ? 'no field is named' : `${unknown} is no field`);
}

/** What the next attempt does not define; throws what no other attempt helps against. */
function toLeaveAfter(error: unknown, spare: readonly string[]): readonly string[] {
  const code = error instanceof Failure ? error.code : undefined;
  // Somebody else defines the same keys at this moment: they are met in the next preview.
  if (code === 'conflict') return [];
  // One that was retired with another type is in nobody's way who does not need it.
  if (code === 'refused' && spare.length > 0) return spare;
  throw error;
}

function wishOf(field: RuntimeField, scope: Scope, value: JsonValue) {
  const key = keyOfField(field);
  return value === null ? { type: 'clearOverride', key, scope } : { type: 'setOverride', key, scope, value };
}

const previewAnswer = z.object({
  fingerprint: z.string(),
  events: z.array(
    z.object({
      type: z.string(),
      subject: z.string(),
      version: z.number(),
      changes: z.array(z.object({ field: z.string(), before: z.unknown() })),
    }),
  ),
});

/** The keys that were defined before although they are not known here, retired ones (`isBack`) too, and what the preview rests on. */
async function previewOf(varve: Varve, reason: string, changes: readonly object[]) {
  const { body } = await varve.api.send({
    method: 'POST',
    path: '/v1/changesets',
    body: { reason, changes, dryRun: true },
  });
  const answer = previewAnswer.safeParse(body);
  if (!answer.success) {
    throw new Failure('unavailable', 'the server answered something else than a preview', {
      reason: 'foreign_answer',
      cause: answer.error,
    });
  }
  const { fingerprint, events } = answer.data;
  const redefined = events
    .filter(({ type, version }) => type === 'KeyDefined' && version > 1)
    .map(({ subject, changes: changed }) => ({
      key: subject.slice('key:'.length),
      isBack: changed.some(({ field, before }) => field === 'retired' && before === true),
    }));
  return { fingerprint, redefined };
}
