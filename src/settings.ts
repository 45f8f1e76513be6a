/**
 * The environment, parsed once by zod: the only reader of process.env.
 * A setting that does not parse ends the start with one line that says which and why.
 */
import { z } from 'zod';
import { Failure } from './failure.ts';

const url = (protocols: readonly string[]) =>
  z.string().refine((text) => URL.canParse(text) && protocols.includes(new URL(text).protocol), {
    error: `is no URL that begins with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`,
  });

const port = z
  .string()
  .refine((text) => /^(?:0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535, {
    error: 'is no port: 0 to 65535',
  })
  .transform(Number);

/** Hosts are a list here, which no URL allows; the rest is the client's to read. */
const eventstoreUrl = z
  .string()
  .regex(/^(?:esdb|kurrentdb)(?:\+discover)?:\/\/(?:[^@/?\s]+@)?[^@/?\s,]+(?:,[^@/?\s,]+)*\/?(?:\?\S*)?$/, {
    error:
      'is no connection string that begins with esdb:// or kurrentdb:// (or esdb+discover://, kurrentdb+discover://)',
  });

/** The server itself allows neither less than a changeset of a few events needs nor more than 16 MiB. */
const appendBytes = z
  .string()
  .refine((text) => /^[1-9]\d{0,8}$/.test(text) && Number(text) >= 65_536 && Number(text) <= 16_777_216, {
    error: 'is no number of bytes from 65536 to 16777216',
  })
  .transform(Number);

/** As long as contexts are kept: 90 days. */
const hours = z
  .string()
  .refine((text) => /^[1-9]\d{0,3}$/.test(text) && Number(text) <= 2_160, {
    error: 'is no number of hours from 1 to 2160',
  })
  .transform(Number);

const apiKey = z
  .string()
  .regex(/^varve_(?:admin|operator|auditor|service)_[a-z0-9]{4,40}_[A-Za-z0-9]{24,128}$/, {
    error: 'is no API key: varve_<role>_<id>_<secret>, the secret of at least 24 letters and digits',
  });

const serverSchema = z.object({
  VARVE_HOST: z.string().min(1).default('127.0.0.1'),
  VARVE_PORT: port.default(4270),
  VARVE_DATA_DIR: z.string().min(1).default('./data'),
  VARVE_SEED: z.enum(['catalogue', 'none'], { error: 'is neither catalogue nor none' }).default('catalogue'),
  VARVE_ADMIN_KEY: apiKey
    .refine((key) => key.startsWith('varve_admin_'), {
      error: 'is no key of an admin: varve_admin_<id>_<secret>',
    })
    .optional(),
  DATABASE_URL: url(['postgres:', 'postgresql:']).optional(),
  EVENTSTORE_URL: eventstoreUrl.optional(),
  EVENTSTORE_MAX_APPEND_BYTES: appendBytes.default(1024 * 1024),
  REDIS_URL: url(['redis:', 'rediss:']).optional(),
  VARVE_WEBHOOK_ALLOW_PRIVATE: z
    .enum(['true', 'false'], { error: 'is neither true nor false' })
    .default('false'),
  VARVE_CONTEXT_MAX_AGE_HOURS: hours.default(24),
  VARVE_LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
      error: 'is none of fatal, error, warn, info, debug, trace, silent',
    })
    .default('info'),
});

const clientSchema = z.object({
  VARVE_URL: url(['http:', 'https:']).default('http://127.0.0.1:4270'),
  VARVE_API_KEY: z
    .string()
    .regex(/^[\x21-\x7e]+$/, 'is no API key: varve_<role>_<id>_<secret>, without spaces around it')
    .optional(),
});

/** What the server is told by its environment (README, "Settings"). */
export interface ServerSettings {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly dataDir: string;
  readonly seed: 'catalogue' | 'none';
  readonly adminKey: string | undefined;
  /** Undefined: the embedded database. */
  readonly databaseUrl: string | undefined;
  /** Undefined: the log is in Postgres. */
  readonly eventstoreUrl: string | undefined;
  /** The log server's MaxAppendSize, bytes. */
  readonly eventstoreMaxAppendBytes: number;
  /** Undefined: jobs are in Postgres. */
  readonly redisUrl: string | undefined;
  /** Whether webhooks may lead to addresses that are not public. */
  readonly webhookAllowPrivate: boolean;
  /** For how long a context that was seen counts as active. */
  readonly contextMaxAgeHours: number;
  readonly logLevel: z.output<typeof serverSchema>['VARVE_LOG_LEVEL'];
}

/** What commands beside the server are told: where it is, and with which key to speak to it. */
export interface ClientSettings {
  readonly url: string;
  readonly apiKey: string | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The server's settings. Throws Failure `invalid` that names the first setting that does not parse. */
export function readServerSettings(environment: Environment = process.env): ServerSettings {
  const parsed = parse(serverSchema, environment);
  return {
    host: parsed.VARVE_HOST,
    port: parsed.VARVE_PORT,
    dataDir: parsed.VARVE_DATA_DIR,
    seed: parsed.VARVE_SEED,
    adminKey: parsed.VARVE_ADMIN_KEY,
    databaseUrl: parsed.DATABASE_URL,
    eventstoreUrl: parsed.EVENTSTORE_URL,
    eventstoreMaxAppendBytes: parsed.EVENTSTORE_MAX_APPEND_BYTES,
    redisUrl: parsed.REDIS_URL,
    webhookAllowPrivate: parsed.VARVE_WEBHOOK_ALLOW_PRIVATE === 'true',
    contextMaxAgeHours: parsed.VARVE_CONTEXT_MAX_AGE_HOURS,
    logLevel: parsed.VARVE_LOG_LEVEL,
  };
}

/** The settings of commands beside the server. Throws Failure `invalid` as the server's do. */
export function readClientSettings(environment: Environment = process.env): ClientSettings {
  const parsed = parse(clientSchema, environment);
  return { url: parsed.VARVE_URL.replace(/\/+$/, ''), apiKey: parsed.VARVE_API_KEY };
}

/** An empty variable is one that is not set: that is how shells and compose files leave one out. */
function parse<T>(schema: z.ZodType<T>, environment: Environment): T {
  const set = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const result = schema.safeParse(set);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const name = String(issue?.path[0] ?? 'the environment');
  throw new Failure('invalid', `${name} ${issue?.message ?? 'does not parse'}`, { reason: 'bad_setting' });
}
