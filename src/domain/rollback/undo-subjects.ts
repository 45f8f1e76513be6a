/**
 * Keys and models as independent fields, for merging, and back. A field that is not there is not in the map; a subject
 * without its stage of life (a model) or its type (a key) is not there at all.
 */
import type { KeyDefinition, RecordedEvent } from '../event.ts';
import { formatInstant, parseInstant } from '../instant.ts';
import type { JsonValue } from '../json.ts';
import { splitModelId } from '../model-reference.ts';
import type { ModelState, SubjectState } from '../subject-state.ts';
import type { KeyTarget, ModelTarget } from './restore.ts';
import type { Fields } from './undo-fields.ts';

/** A model's stage of life: its status with the successor and sunset that belong to it. */
export const stageField = 'status';
const extraPrefix = 'extra.';

export function modelFields(state: SubjectState | undefined): Fields {
  if (state === undefined || !('prices' in state)) return new Map();
  const { status, successor, sunsetAt, extra = {}, ...rest } = state;
  const { prices: _p, version: _v, revision: _r, id: _i, provider: _o, model: _m, ...fields } = rest;
  const stage = {
    status,
    ...(successor === undefined ? {} : { successor }),
    ...(sunsetAt === undefined ? {} : { sunsetAt: formatInstant(sunsetAt) }),
  };
  const extras = Object.entries(extra).map(([name, value]) => [`${extraPrefix}${name}`, value] as const);
  return new Map<string, JsonValue>([[stageField, stage], ...known(fields), ...extras]);
}

/** The model that the fields make; undefined when it is not in the catalogue, or was never added without what is undone. */
export function modelOf(id: string, fields: Fields): ModelTarget['wanted'] {
  const stage = fields.get(stageField) as Stage | undefined;
  if (stage === undefined || stage.status === 'removed' || !fields.has('name')) return undefined;
  const { status, successor, sunsetAt } = stage;
  const sunset = sunsetAt === undefined ? undefined : parseInstant(sunsetAt);
  const own = [...fields].filter(([name]) => name !== stageField && !name.startsWith(extraPrefix));
  const extra = [...fields]
    .filter(([name]) => name.startsWith(extraPrefix))
    .map(([name, value]) => [name.slice(extraPrefix.length), value] as const);
  return {
    ...(Object.fromEntries(own) as unknown as Pick<ModelState, 'name'>),
    ...(extra.length === 0 ? {} : { extra: Object.fromEntries(extra) }),
    id,
    ...splitModelId(id),
    status,
    ...(successor === undefined ? {} : { successor }),
    ...(sunset === undefined ? {} : { sunsetAt: sunset }),
  };
}

interface Stage {
  readonly status: ModelState['status'];
  readonly successor?: string;
  readonly sunsetAt?: string;
}

/** Events of a model's life speak of its stage also where they change nothing of it. */
export function modelSpeaksOf(event: RecordedEvent): string | undefined {
  switch (event.type) {
    case 'ModelAdded':
    case 'ModelDeprecated':
    case 'ModelReinstated':
    case 'ModelRemoved':
      return stageField;
    case 'ModelUpdated':
      return event.data.updates.status === undefined ? undefined : stageField;
    default:
      return undefined;
  }
}

export function keyFields(state: SubjectState | undefined): Fields {
  if (state === undefined || !('definition' in state)) return new Map();
  const { key: _key, ...fields } = state.definition;
  return new Map<string, JsonValue>([...known(fields), ['retired', state.retired]]);
}

/** The definition that the fields make; undefined when the key is not defined. */
export function keyOf(key: string, fields: Fields): KeyTarget['wanted'] {
  if (!fields.has('valueType')) return undefined;
  const { retired, ...rest } = Object.fromEntries(fields);
  const definition = { ...rest, key } as unknown as KeyDefinition;
  return { definition, retired: retired === true };
}

export function keySpeaksOf(event: RecordedEvent): string | undefined {
  return event.type === 'KeyDefined' || event.type === 'KeyRetired' ? 'retired' : undefined;
}

function known(fields: object): readonly (readonly [string, JsonValue])[] {
  return Object.entries(fields as { readonly [name: string]: JsonValue | undefined }).flatMap(
    ([name, value]) => (value === undefined ? [] : [[name, value] as const]),
  );
}
