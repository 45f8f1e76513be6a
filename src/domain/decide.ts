/**
 * Decide: what a change is allowed to do. Start reading here.
 * In: a view of the state just before, one change, the recorded time; out: events, or a refusal (thrown).
 * Pure: the same view and change come to the same events on every server.
 */
import { Failure } from '../failure.ts';
import type { AnyChange } from './change.ts';
import {
  decideCreateApiKey,
  decideCreateLedger,
  decideCreateWebhook,
  decideRemoveWebhook,
  decideRevokeApiKey,
  decideTagRevision,
} from './decide-administration.ts';
import { decideDefineKey, decideRetireKey } from './decide-key.ts';
import { decideDeprecateModel, decideReinstateModel, decideRemoveModel } from './decide-lifecycle.ts';
import { decideAddModel, decideUpdateModel } from './decide-model.ts';
import { decideClearOverride, decideSetOverride, decideWithdrawOverride } from './decide-override.ts';
import { decideChangePrice, decideCorrectPrice } from './decide-price.ts';
import type { Circumstances, Decision, Warning } from './decision.ts';
import type { EventBody, Source } from './event.ts';
import { formatInstant } from './instant.ts';
import type { View } from './live-state.ts';
import { Overlay } from './overlay.ts';
import { decideRestore } from './rollback/decide-restore.ts';
import type { SubjectState } from './subject-state.ts';

/** What a change comes to. Throws Failure `refused` (a rule forbids it) or `invalid` (it contradicts itself). */
function decide(view: View, change: AnyChange, circumstances: Circumstances): Decision {
  switch (change.type) {
    case 'defineKey':
      return decideDefineKey(view, change, circumstances);
    case 'retireKey':
      return decideRetireKey(view, change, circumstances);
    case 'setOverride':
      return decideSetOverride(view, change, circumstances);
    case 'clearOverride':
      return decideClearOverride(view, change, circumstances);
    case 'withdrawOverride':
      return decideWithdrawOverride(view, change, circumstances);
    case 'addModel':
      return decideAddModel(view, change, circumstances);
    case 'updateModel':
      return decideUpdateModel(view, change, circumstances);
    case 'changePrice':
      return decideChangePrice(view, change, circumstances);
    case 'correctPrice':
      return decideCorrectPrice(view, change);
    case 'deprecateModel':
      return decideDeprecateModel(view, change, circumstances);
    case 'reinstateModel':
      return decideReinstateModel(view, change);
    case 'removeModel':
      return decideRemoveModel(view, change, circumstances);
    case 'tagRevision':
      return decideTagRevision(view, change, circumstances);
    case 'createApiKey':
      return decideCreateApiKey(view, change);
    case 'revokeApiKey':
      return decideRevokeApiKey(view, change);
    case 'createWebhook':
      return decideCreateWebhook(view, change);
    case 'removeWebhook':
      return decideRemoveWebhook(view, change);
    case 'createLedger':
      return decideCreateLedger(view, change);
    case 'restore':
      return decideRestore(view, change, circumstances);
    default:
      return change satisfies never;
  }
}

/** An event that was decided, with its subject's state before and after it. */
export interface DecidedEvent {
  readonly body: EventBody;
  readonly revision: number;
  readonly before: SubjectState | undefined;
  readonly after: SubjectState;
}

export interface DecidedChangeset {
  readonly events: readonly DecidedEvent[];
  readonly warnings: readonly Warning[];
  /** The view with the events on top. */
  readonly overlay: Overlay;
}

/**
 * Decides changes one after the other, each seeing those before it; all or nothing.
 * A refusal names the change: its details' paths begin with `changes.<index>`.
 */
export function decideAll(
  view: View,
  changes: readonly AnyChange[],
  now: number,
  source: Source,
): DecidedChangeset {
  const overlay = new Overlay(view);
  const recordedAt = formatInstant(now);
  const events: DecidedEvent[] = [];
  const warnings: Warning[] = [];
  for (const [index, change] of changes.entries()) {
    const path = `changes.${index}`;
    const circumstances = { now, source, nextRevision: view.revision + 1 };
    const decision = placed(path, () => decide(overlay, change, circumstances));
    for (const body of decision.events) {
      const revision = overlay.revision + 1;
      const states = overlay.apply({ ...body, revision, recordedAt });
      events.push({ body, revision, ...states });
    }
    const checked = placed(path, () => decision.check?.(overlay) ?? []);
    warnings.push(...[...checked, ...decision.warnings].map((warning) => ({ path, ...warning })));
  }
  return { events, warnings, overlay };
}

/** Says in a failure which change it is about. */
function placed<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof Failure) || error.code === 'corrupt') throw error;
    const details = error.details.length > 0 ? error.details : [{ path: '', message: error.message }];
    throw new Failure(error.code, error.message, {
      ...(error.reason === undefined ? {} : { reason: error.reason }),
      details: details.map((detail) => ({
        path: detail.path === '' ? path : `${path}.${detail.path}`,
        message: detail.message,
      })),
      cause: error,
    });
  }
}
