/**
 * The events that make a model what it is wanted to be: in the catalogue or not, its stage of life, its fields.
 * In: the model now and as it is wanted; out: drafts, none for what is so already. Prices have events of their own.
 */
import type { EventBody, ModelStatus } from '../event.ts';
import { formatInstant } from '../instant.ts';
import { updated, updatesTo } from '../model-updates.ts';
import { type ModelState, statusAt } from '../subject-state.ts';
import type { ModelTarget } from './restore.ts';

type Wanted = NonNullable<ModelTarget['wanted']>;

/** For a model that is wanted to stand; `now` is the recorded time of the events, epoch milliseconds. */
export function standingEvents(
  current: ModelState | undefined,
  wanted: Wanted,
  now: number,
): readonly EventBody[] {
  if (current === undefined || current.status === 'removed') return addedEvents(wanted);
  const stage = stageEvents(current, wanted, now);
  const status = stage.length > 0 && isCurrent(wanted.status) ? 'active' : current.status;
  const changed = isCurrent(wanted.status) && wanted.status !== status ? { status: wanted.status } : {};
  return [...stage, ...updated({ ...current, status }, { ...updatesTo(current, wanted), ...changed }, {})];
}

function isCurrent(status: ModelState['status']): status is 'active' | 'beta' {
  return status === 'active' || status === 'beta';
}

function addedEvents({ id, provider: _provider, model: _model, ...wanted }: Wanted): readonly EventBody[] {
  const { status, successor, sunsetAt, ...fields } = wanted;
  if (status === 'removed') return [];
  const added = (as: ModelStatus): EventBody => ({
    type: 'ModelAdded',
    data: { id, model: { ...fields, status: as } },
  });
  if (successor === undefined && sunsetAt === undefined) return [added(status)];
  return [added('active'), deprecated(id, successor, sunsetAt)];
}

/** The model's way to the wanted stage of its life. */
function stageEvents(current: ModelState, wanted: Wanted, now: number): readonly EventBody[] {
  const { id, status, successor, sunsetAt } = wanted;
  const isSo = current.status === status && current.successor === successor && current.sunsetAt === sunsetAt;
  switch (status) {
    case 'active':
    case 'beta':
      return isCurrent(current.status) ? [] : [{ type: 'ModelReinstated', data: { id } }];
    case 'deprecated':
      return isSo ? [] : [deprecated(id, successor, sunsetAt)];
    case 'retired':
      return statusAt(current, now) === 'retired' && current.successor === successor
        ? []
        : [deprecated(id, successor, sunsetAt ?? now)];
    case 'removed':
      return [];
    default:
      return status satisfies never;
  }
}

function deprecated(id: string, successor: string | undefined, sunsetAt: number | undefined): EventBody {
  return {
    type: 'ModelDeprecated',
    data: {
      id,
      ...(successor === undefined ? {} : { successor }),
      ...(sunsetAt === undefined ? {} : { sunsetAt: formatInstant(sunsetAt) }),
    },
  };
}
