/**
 * What OpenFeature is told beside a value: variant and metadata. OFREP on the server and the provider in the SDK say the
 * same words. In: a resolution of either; out: plain data, flat as OpenFeature wants it.
 */
import { forever } from './assertion.ts';
import { formatInstant } from './instant.ts';
import type { ResolvedModel } from './resolve.ts';
import { type Scope, splitScope } from './scope.ts';

/** Of a resolution what is told. */
export interface ResolvedFlag {
  readonly scope: Scope | 'fallback';
  readonly arm?: string;
  readonly revision: number;
  /** Epoch milliseconds; `forever` or null when the answer never changes by itself. */
  readonly validUntil: number | null;
  readonly model?: ResolvedModel;
}

export type FlagMetadata = Readonly<Record<string, string | number | boolean>>;

/** The name of the arm, otherwise the kind of the winning scope: `user`, `tenant`, `tier`, `global`, or `fallback`. */
export function flagVariant({ scope, arm }: Pick<ResolvedFlag, 'scope' | 'arm'>): string {
  if (arm !== undefined) return arm;
  return scope === 'fallback' ? scope : splitScope(scope).kind;
}

/**
 * `revision` of the winning event, `scope`, and where there is one `validUntil` (RFC 3339), `modelStatus`, `modelSuccessor`,
 * `modelSunsetAt`.
 */
export function flagMetadata({ scope, revision, validUntil, model }: ResolvedFlag): FlagMetadata {
  return {
    revision,
    scope,
    ...(validUntil === null || validUntil === forever ? {} : { validUntil: formatInstant(validUntil) }),
    ...(model === undefined ? {} : modelMetadata(model)),
  };
}

function modelMetadata({ status, successor, sunsetAt }: ResolvedModel): FlagMetadata {
  return {
    modelStatus: status,
    ...(successor === undefined ? {} : { modelSuccessor: successor }),
    ...(sunsetAt === undefined ? {} : { modelSunsetAt: formatInstant(sunsetAt) }),
  };
}
