/**
 * The JSON of resolutions, put together from pieces: byte for byte what JSON.stringify makes of `resolutionAnswer`
 * (a property test compares them), in half its time. In: what `resolve` answers; out: a body with its entity tag,
 * or a member of a body of several. What is kept is used only for the very same answer, so nothing has to be
 * invalidated; it depends on nothing but the answer, so all ledgers share it. It must never grow without a bound.
 * Whole members are not kept: among 100,000 overrides looking for them costs four times what making them does.
 */
import { forever } from '../domain/assertion.ts';
import { formatInstant } from '../domain/instant.ts';
import type { JsonValue } from '../domain/json.ts';
import type { Resolution, ResolvedModel } from '../domain/resolve.ts';
import { type BodyText, bodyText } from './answer.ts';
import { resolutionAnswer } from './resolution-answer.ts';

/** How many bodies are kept, a power of two. They spare an answer about one key its tag too. */
const maxBodies = 16_384;

/** How many models, and values that are lists or objects, have their text kept; a full house is emptied at once. */
const maxFragments = 512;

interface KeptBody {
  readonly resolution: Resolution;
  readonly body: BodyText;
}

interface KeptModel {
  readonly model: ResolvedModel;
  readonly text: string;
}

/** By the lowest bits of the revision: one that comes later takes the place, and nothing else is lost. */
const bodies: (KeptBody | undefined)[] = Array.from({ length: maxBodies }, () => undefined);
/** By the id that the override names. */
const models = new Map<string, KeptModel>();
/** By identity: states never change in place. */
const values = new Map<object, string>();

/** The answer about one key as a body of its own. */
export function textOf(resolution: Resolution): BodyText {
  const place = resolution.revision % maxBodies;
  const known = bodies[place];
  if (known !== undefined && isSame(known.resolution, resolution)) return known.body;
  const body = bodyText(`{"key":${JSON.stringify(resolution.key)},${fieldsOf(resolution)}`);
  bodies[place] = { resolution, body };
  return body;
}

/** The answer about one key as a member of an object of several: `"<key>":{…}`, the key standing outside. */
export function memberOf(resolution: Resolution): string {
  return `${JSON.stringify(resolution.key)}:{${fieldsOf(resolution)}`;
}

/** All fields but the key, and the closing brace. A string alone is quoted by JSON.stringify as fast as by hand. */
function fieldsOf(resolution: Resolution): string {
  const { value, scope, reason, revision, validUntil, arm, model } = resolution;
  const until = validUntil === forever ? 'null' : `"${formatInstant(validUntil)}"`;
  const armField = arm === undefined ? '' : `,"arm":${JSON.stringify(arm)}`;
  const modelField = model === undefined ? '' : `,"model":${modelText(resolution, model)}`;
  return `"value":${valueText(value)},"scope":${JSON.stringify(scope)},"reason":"${reason}","revision":${revision},"validUntil":${until}${armField}${modelField}}`;
}

function valueText(value: JsonValue): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return values.get(value) ?? keep(values, value, JSON.stringify(value));
}

function modelText(resolution: Resolution, model: ResolvedModel): string {
  const named = model.followed?.[0] ?? model.id;
  const known = models.get(named);
  if (known !== undefined && isSameModel(known.model, model)) return known.text;
  return keep(models, named, { model, text: JSON.stringify(resolutionAnswer(resolution).model) }).text;
}

function keep<K, V>(kept: Map<K, V>, name: K, fragment: V): V {
  if (kept.size >= maxFragments) kept.clear();
  kept.set(name, fragment);
  return fragment;
}

/** Whether two answers would be the same text. Values are compared by identity: equal ones made twice only cost time. */
function isSame(one: Resolution, other: Resolution): boolean {
  return (
    one.key === other.key &&
    one.value === other.value &&
    one.scope === other.scope &&
    one.reason === other.reason &&
    one.revision === other.revision &&
    one.validUntil === other.validUntil &&
    one.arm === other.arm &&
    isSameModel(one.model, other.model)
  );
}

function isSameModel(one: ResolvedModel | undefined, other: ResolvedModel | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return (
    one.id === other.id &&
    one.provider === other.provider &&
    one.model === other.model &&
    one.status === other.status &&
    one.successor === other.successor &&
    one.sunsetAt === other.sunsetAt &&
    (one.followed === other.followed || one.followed?.join('\n') === other.followed?.join('\n'))
  );
}
