/**
 * The options of a client, checked. In: what a caller wrote, perhaps without types; out: every setting with its value.
 */
import { z } from 'zod';
import { ledgerNamePattern } from '../domain/ledger-name.ts';
import { isPrintable, parseScope } from '../domain/scope.ts';
import { Failure } from '../failure.ts';
import { type HeldScopes, heldScopes } from './held-scopes.ts';
import { currentContext } from './request-context.ts';
import type { VarveOptions } from './varve.ts';

export interface VarveSettings {
  readonly url: string;
  readonly apiKey: string;
  readonly ledger: string | undefined;
  readonly scopes: HeldScopes;
  readonly contextProvider: NonNullable<VarveOptions['contextProvider']>;
  readonly cacheFile: string | undefined;
  readonly staleAfterMs: number;
  readonly client: string | undefined;
  readonly reportContexts: boolean;
  readonly transport: NonNullable<VarveOptions['transport']>;
  readonly pollMs: number;
  readonly onTrouble: (failure: Failure) => void;
}

/** Node's servers take headers of 16 KiB, the address among them. */
const maxScopesLength = 12_000;

const milliseconds = z.number().int().min(1).max(86_400_000);

const optionsSchema = z.strictObject({
  url: z.string().refine((value) => URL.canParse(value) && /^https?:$/.test(new URL(value).protocol), {
    error: 'an address such as http://127.0.0.1:4270',
  }),
  apiKey: z
    .string()
    .regex(/^[\x21-\x7e]{1,500}$/, 'an API key of Varve: printable characters without spaces'),
  ledger: z.string().regex(ledgerNamePattern, 'a-z, 0-9 and -, at most 63 characters').optional(),
  scopes: z
    .array(
      z
        .string()
        .refine(
          (value) =>
            !value.includes(',') &&
            (/^(?:user|tenant|tier):\*$/.test(value) || parseScope(value) !== undefined),
          { error: 'a scope without a comma, or user:*, tenant:*, tier:* for all of a kind' },
        ),
    )
    .min(1)
    .max(1_000)
    .refine((scopes) => encodeURIComponent(scopes.join(',').toWellFormed()).length <= maxScopesLength, {
      error: 'too long a list for a request; name whole kinds, as in tenant:*',
    })
    .optional(),
  contextProvider: z.custom<VarveSettings['contextProvider']>(isFunction, 'a function').optional(),
  cacheFile: z.string().min(1).optional(),
  staleAfterMs: milliseconds.optional(),
  client: z.string().min(1).max(200).refine(isPrintable, 'without control characters').optional(),
  reportContexts: z.boolean().optional(),
  transport: z.enum(['auto', 'stream', 'polling']).optional(),
  pollMs: milliseconds.optional(),
  onTrouble: z.custom<VarveSettings['onTrouble']>(isFunction, 'a function').optional(),
});

const fittingOptions = optionsSchema.refine(
  ({ client, reportContexts }) => reportContexts !== true || client !== undefined,
  { path: ['reportContexts'], error: 'only a process that names itself as a client reports' },
);

/** Failures: invalid, naming each option that is wrong and why. */
export function checkOptions(options: VarveOptions): VarveSettings {
  const parsed = fittingOptions.safeParse(options);
  if (!parsed.success) {
    const details = parsed.error.issues.map(({ path, message }) => ({ path: path.join('.'), message }));
    const [first] = details;
    const where = first === undefined || first.path === '' ? 'the options' : `the option ${first.path}`;
    throw new Failure('invalid', `${where}: ${first?.message ?? 'malformed'}`, {
      reason: 'bad_options',
      details,
    });
  }
  const { data } = parsed;
  return {
    url: data.url,
    apiKey: data.apiKey,
    ledger: data.ledger,
    scopes: heldScopes(data.scopes),
    contextProvider: data.contextProvider ?? currentContext,
    cacheFile: data.cacheFile,
    staleAfterMs: data.staleAfterMs ?? 60_000,
    client: data.client,
    reportContexts: data.reportContexts ?? false,
    transport: data.transport ?? 'auto',
    pollMs: data.pollMs ?? 5_000,
    onTrouble: data.onTrouble ?? (() => undefined),
  };
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function';
}
