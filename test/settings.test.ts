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
  redisUrl: {
    name: 'REDIS_URL',
    good: [
      ['redis://queue:6379/1', 'redis://queue:6379/1'],
      ['rediss://:secret@queue', 'rediss://:secret@queue'],
    ],
    bad: ['queue:6379', 'http://queue', 'memcached://queue:secret@x'],
    leftOut: undefined,
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

test('a log engine that is not there yet is refused, not passed over', () => {
  const failure = refusalOf(() => readServerSettings({ EVENTSTORE_URL: 'esdb://localhost:2113' }));
  expect(failure).toMatchObject({
    code: 'invalid',
    message: expect.stringMatching(/^EVENTSTORE_URL [^\n]+$/),
  });
  expect(readServerSettings({ EVENTSTORE_URL: '' })).toEqual(readServerSettings({}));
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
