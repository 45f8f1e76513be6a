/**
 * An OpenFeature provider on a Varve client: flags are resolved in process, from what the client holds. In: flag keys, defaults
 * and merged contexts of @openfeature/server-sdk; out: resolution details with the words of OFREP (domain/flag-details.ts).
 * It never throws for a question; only initialize fails.
 */
import {
  ErrorCode,
  type EvaluationContext,
  GeneralError,
  OpenFeatureEventEmitter,
  type Provider,
  ProviderEvents,
  ProviderFatalError,
  type ResolutionDetails,
} from '@openfeature/server-sdk';
import { contextOfFlag, flagContextSchema } from '../domain/flag-context.ts';
import { flagMetadata, flagVariant } from '../domain/flag-details.ts';
import { describeBadKey, isKey } from '../domain/key.ts';
import { Failure, type FailureCode } from '../failure.ts';
import type { Resolved, Varve, VarveStatus } from './varve.ts';

export interface VarveProviderOptions {
  /** The key of a flag that is named otherwise, `my-flag`; the flag's own name when absent. */
  readonly keyOf?: (flagKey: string) => string;
  /** The flag of a key, for the events that name what changed; the key itself when absent. */
  readonly flagOf?: (key: string) => string;
  /** How long initialize waits for values; 10,000 when absent. */
  readonly readyTimeoutMs?: number;
  /** Leaves the client open when OpenFeature closes the provider, for those who use it beside; false when absent. */
  readonly keepOpen?: boolean;
}

/** What the key or the ledger was refused with: nothing will come right by itself. */
const fatal: ReadonlySet<FailureCode> = new Set(['unauthenticated', 'forbidden', 'not_found']);

type Standing = 'ready' | 'stale' | 'error';

const eventOf = {
  ready: ProviderEvents.Ready,
  stale: ProviderEvents.Stale,
  error: ProviderEvents.Error,
} as const satisfies Record<Standing, ProviderEvents>;

export class VarveProvider implements Provider {
  readonly metadata = { name: 'Varve' };
  readonly runsOn = 'server';
  readonly events = new OpenFeatureEventEmitter();
  readonly #varve: Varve;
  readonly #options: VarveProviderOptions;
  readonly #stops: (() => void)[] = [];
  #standing: Standing = 'ready';

  constructor(varve: Varve, options: VarveProviderOptions = {}) {
    this.#varve = varve;
    this.#options = options;
  }

  /** Waits until there are values. Fails as PROVIDER_FATAL when key or ledger are refused, as GENERAL when none come in time. */
  async initialize(): Promise<void> {
    // OpenFeature knows nothing of what an earlier registration was told.
    this.#unfollow();
    this.#standing = 'ready';
    try {
      await this.#varve.ready(this.#options.readyTimeoutMs);
    } catch (error) {
      const message = error instanceof Error ? error.message : 'no values';
      if (error instanceof Failure && fatal.has(error.code)) {
        throw new ProviderFatalError(message, { cause: error });
      }
      // They may come in later: that is told.
      this.#standing = 'error';
      this.#follow();
      throw new GeneralError(message, { cause: error });
    }
    this.#follow();
    // OpenFeature calls a provider ready once this has returned; values from the file may be stale nevertheless.
    setImmediate(() => this.#look(this.#varve.status()));
  }

  async onClose(): Promise<void> {
    this.#unfollow();
    if (this.#options.keepOpen !== true) await this.#varve.close();
  }

  async resolveBooleanEvaluation(flagKey: string, defaultValue: boolean, context: EvaluationContext) {
    return this.#resolve(flagKey, defaultValue, context, isBoolean);
  }

  async resolveStringEvaluation(flagKey: string, defaultValue: string, context: EvaluationContext) {
    return this.#resolve(flagKey, defaultValue, context, isString);
  }

  async resolveNumberEvaluation(flagKey: string, defaultValue: number, context: EvaluationContext) {
    return this.#resolve(flagKey, defaultValue, context, isNumber);
  }

  /** Each caller gets a copy of its own: OpenFeature's objects may be written to. */
  async resolveObjectEvaluation<T>(flagKey: string, defaultValue: T, context: EvaluationContext) {
    const details = this.#resolve(flagKey, defaultValue, context, isObject<T>);
    return details.errorCode === undefined ? { ...details, value: structuredClone(details.value) } : details;
  }

  #resolve<T>(
    flagKey: string,
    defaultValue: T,
    context: EvaluationContext,
    isOfType: (value: unknown) => value is T,
  ): ResolutionDetails<T> {
    const key = this.#options.keyOf?.(flagKey) ?? flagKey;
    if (!isKey(key)) return failed(defaultValue, ErrorCode.FLAG_NOT_FOUND, describeBadKey(key));
    const asked = flagContextSchema.safeParse(context);
    if (!asked.success) return failed(defaultValue, ErrorCode.INVALID_CONTEXT, faultsOf(asked.error));
    try {
      const resolved = this.#varve.resolve(key, contextOfFlag(asked.data));
      if (isOfType(resolved.value)) return answered(resolved, resolved.value);
      return failed(defaultValue, ErrorCode.TYPE_MISMATCH, `${key} has a value of another type`);
    } catch (error) {
      const message = error instanceof Error ? error.message : 'no value';
      return failed(defaultValue, error instanceof Failure ? codeOf(error) : ErrorCode.GENERAL, message);
    }
  }

  #follow(): void {
    const { flagOf = (key: string) => key } = this.#options;
    this.#stops.push(
      this.#varve.onStatus((status) => this.#look(status)),
      this.#varve.onChange('*', ({ keys, revision }) => {
        const flagsChanged = keys.map((key) => flagOf(key));
        this.events.emit(ProviderEvents.ConfigurationChanged, { flagsChanged, metadata: { revision } });
      }),
    );
  }

  #unfollow(): void {
    for (const stop of this.#stops.splice(0)) stop();
  }

  /** Tells OpenFeature when it stands otherwise than was told last. */
  #look(status: VarveStatus): void {
    const standing = standingOf(status);
    const isClosed = this.#stops.length === 0;
    if (isClosed || standing === undefined || standing === this.#standing) return;
    this.#standing = standing;
    const message = status.failure?.message ?? `the client is ${status.state}`;
    this.events.emit(eventOf[standing], standing === 'ready' ? {} : { message });
  }
}

/** A key that is refused while it runs is an error and not fatal: the last values go on being answered. */
function standingOf({ state, failure }: VarveStatus): Standing | undefined {
  if (state === 'starting') return undefined;
  if (state === 'closed' || (failure !== undefined && fatal.has(failure.code))) return 'error';
  return state === 'live' ? 'ready' : 'stale';
}

function answered<T>({ scope, reason, isStale, ...rest }: Resolved, value: T): ResolutionDetails<T> {
  // The caller's own fallback was not asked for.
  const winning = { ...rest, scope: scope === 'caller' ? ('fallback' as const) : scope };
  return {
    value,
    variant: flagVariant(winning),
    reason: isStale ? 'STALE' : reason,
    flagMetadata: flagMetadata(winning),
  };
}

function failed<T>(value: T, errorCode: ErrorCode, errorMessage: string): ResolutionDetails<T> {
  return { value, reason: 'ERROR', errorCode, errorMessage };
}

function faultsOf({
  issues,
}: {
  readonly issues: readonly { path: PropertyKey[]; message: string }[];
}): string {
  return issues.map(({ path, message }) => `${path.map(String).join('.')}: ${message}`).join('; ');
}

function codeOf({ code }: Failure): ErrorCode {
  switch (code) {
    case 'not_found':
      return ErrorCode.FLAG_NOT_FOUND;
    case 'invalid':
      return ErrorCode.INVALID_CONTEXT;
    case 'unavailable':
      return ErrorCode.PROVIDER_NOT_READY;
    default:
      return ErrorCode.GENERAL;
  }
}

function isBoolean(value: unknown): value is boolean {
  return typeof value === 'boolean';
}

function isString(value: unknown): value is string {
  return typeof value === 'string';
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number';
}

/** Which fields it has is for the caller to know, as everywhere in OpenFeature. */
function isObject<T>(value: unknown): value is T {
  return typeof value === 'object' && value !== null;
}
