/** The settings: each of them well said, badly said and left out; what is wrong is told in one line that names it. */
import { describe, expect, test } from 'vitest';
import { Failure } from '../src/failure.ts';
import { readClientSettings, readServerSettings } from '../src/settings.ts';

type Environment = Readonly<Record<string, string | undefined>>;

interface Setting {
  readonly name: string;
  /** What it says in the environment, and what that means. */
  readonly good: readonly (readonly [text: string, meaning: unknown])[];
  readonly bad: readonly string[];
  readonly leftOut: unknown;
}

const adminKey = `varve_admin_first_${'s'.repeat(24)}`;

const serverSettings: Readonly<Record<keyof ReturnType<typeof readServerSettings>, Setting>> = {
  host: { name: 'VARVE_HOST', good: [['0.0.0.0', '0.0.0.0']], bad: [], leftOut: '127.0.0.1' },
  port: {
    name: 'VARVE_PORT',
    good: [
      ['0', 0],
      ['80', 80],
      ['65535', 65_535],
    ],
    bad: [
      'many',
      '65536',
      '-1',
      '80.5',
      '1e3',
      '0x50',
      ' ',
      '080',
      '8 0',
      'Infinity',
      '99999999999999999999',
    ],
    leftOut: 4270,
  },
  dataDir: {
    name: 'VARVE_DATA_DIR',
    good: [['/var/lib/varve', '/var/lib/varve']],
    bad: [],
    leftOut: './data',
  },
  seed: {
    name: 'VARVE_SEED',
    good: [
      ['catalogue', 'catalogue'],
      ['none', 'none'],
    ],
    bad: ['all', 'Catalogue', 'catalogue '],
    leftOut: 'catalogue',
  },
  adminKey: {
    name: 'VARVE_ADMIN_KEY',
    good: [[adminKey, adminKey]],
    bad: [
      'secret',
      adminKey.replace('admin', 'operator'),
      adminKey.replace('admin', 'king'),
      adminKey.slice(0, -1),
      `varve_admin_abc_${'s'.repeat(24)}`,
      `${adminKey}\n`,
      `varve_admin_first_${'s'.repeat(129)}`,
    ],
    leftOut: undefined,
  },
  databaseUrl: {
    name: 'DATABASE_URL',
    good: [
      ['postgres://varve:secret@db:5432/varve', 'postgres://varve:secret@db:5432/varve'],
      ['postgresql:///varve?host=/run/postgresql', 'postgresql:///varve?host=/run/postgresql'],
    ],
    bad: ['mysql://varve:secret@db/varve', 'db:5432', 'varve'],
    leftOut: undefined,
  },
  eventstoreUrl: {
    name: 'EVENTSTORE_URL',
    good: [
      'esdb://localhost:2113?tls=false',
      'esdb+discover://cluster.example:2113',
      'kurrentdb://admin:p%40ss@node1:2113,node2:2113,node3:2113?nodePreference=leader',
      'kurrentdb+discover://cluster.example',
    ].map((url) => [url, url] as const),
    bad: [
      'localhost:2113',
      'http://localhost:2113',
      'esdb://',
      'esdb://a b',
      'esdb:localhost',
      'esdb://a,,b',
    ],
    leftOut: undefined,
  },
  eventstoreMaxAppendBytes: {
    name: 'EVENTSTORE_MAX_APPEND_BYTES',
    good: [
      ['65536', 65_536],
      ['4194304', 4_194_304],
    ],
    bad: ['0', '65535', '16777217', '1e6', '1 MiB', '-1'],
    leftOut: 1_048_576,
  },
  redisUrl: {
    name: 'REDIS_URL',
    good: [
      ['redis://queue:6379/1', 'redis://queue:6379/1'],
      ['rediss://:secret@queue', 'rediss://:secret@queue'],
    ],
    bad: ['queue:6379', 'http://queue', 'memcached://queue:secret@x'],
    leftOut: undefined,
  },
  webhookAllowPrivate: {
    name: 'VARVE_WEBHOOK_ALLOW_PRIVATE',
    good: [
      ['true', true],
      ['false', false],
    ],
    bad: ['yes', '1', 'TRUE', ' true'],
    leftOut: false,
  },
  contextMaxAgeHours: {
    name: 'VARVE_CONTEXT_MAX_AGE_HOURS',
    good: [
      ['1', 1],
      ['2160', 2_160],
    ],
    bad: ['0', '2161', '1.5', 'a day', '-1', ' 24'],
    leftOut: 24,
  },
  logLevel: {
    name: 'VARVE_LOG_LEVEL',
    good: ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'].map(
      (level) => [level, level] as const,
    ),
    bad: ['loud', 'INFO', '30'],
    leftOut: 'info',
  },
};

const clientSettings: Readonly<Record<keyof ReturnType<typeof readClientSettings>, Setting>> = {
  url: {
    name: 'VARVE_URL',
    good: [
      ['http://varve:4270', 'http://varve:4270'],
      ['https://varve.example/', 'https://varve.example'],
    ],
    bad: ['varve:4270', 'ftp://varve', '/v1'],
    leftOut: 'http://127.0.0.1:4270',
  },
  apiKey: {
    name: 'VARVE_API_KEY',
    good: [[adminKey, adminKey]],
    bad: ['a key', `${adminKey}\n`, 'schlüssel'],
    leftOut: undefined,
  },
};

describe.each([
  ['the server', readServerSettings, serverSettings],
  ['commands beside it', readClientSettings, clientSettings],
] as const)('settings of %s', (_, read, settings) => {
  const readOne = (environment: Environment, field: string): unknown =>
    (read(environment) as unknown as Record<string, unknown>)[field];

  describe.each(Object.entries<Setting>(settings))('%s', (field, { name, good, bad, leftOut }) => {
    test.each(good)(`${name}=%s`, (text, meaning) => {
      expect(readOne({ [name]: text }, field)).toEqual(meaning);
    });

    test('left out or empty it has its default', () => {
      expect(readOne({}, field)).toEqual(leftOut);
      expect(readOne({ [name]: '' }, field)).toEqual(leftOut);
      expect(readOne({ [name]: undefined }, field)).toEqual(leftOut);
    });

    test.each(bad)(`${name}=%j is refused in one line that names it and shows no secret`, (text) => {
      const failure = refusalOf(() => read({ [name]: text }));
      expect(failure).toMatchObject({ code: 'invalid', reason: 'bad_setting' });
      expect(failure.message).toMatch(new RegExp(`^${name} [^\\n]{10,150}$`));
      expect(failure.message).not.toContain('ssss');
      expect(failure.message).not.toContain('secret@');
    });
  });
});

test('what is none of its settings is nothing to it', () => {
  expect(readServerSettings({ PATH: '/usr/bin', VARVE_URL: 'no url', HOME: '' })).toEqual(
    readServerSettings({}),
  );
  expect(readClientSettings({ VARVE_PORT: 'many' })).toEqual(readClientSettings({}));
});

function refusalOf(read: () => unknown): Failure {
  try {
    read();
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error('it was taken');
}
