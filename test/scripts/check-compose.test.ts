/** The check of docker-compose.yml: ours is good, and each planted error is found and named. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { judgeCompose } from '../../scripts/compose-schema.ts';

const ours = readFileSync('docker-compose.yml', 'utf8');

/** Our file with one piece of text replaced; a piece that is not there would plant nothing. */
function planted(piece: string, replacement: string): string {
  expect(ours).toContain(piece);
  return ours.replace(piece, replacement);
}

describe('docker-compose.yml', () => {
  test('keeps the Compose specification', () => {
    expect(judgeCompose(ours)).toEqual([]);
  });

  test.each([
    [
      'an unknown field',
      '    ports:\n',
      '    portz:\n',
      '/services/varve: must NOT have additional properties',
    ],
    ['a wrong type', 'init: true', 'init: [true]', '/services/varve/init'],
    [
      'an unknown condition',
      'condition: service_healthy }',
      'condition: well }',
      '/services/varve/depends_on/postgres',
    ],
    [
      'a moving tag',
      'postgres:18.4',
      'postgres:latest',
      'services.postgres: the image postgres:latest is not pinned',
    ],
    [
      'a moving base',
      'FROM node:20.20.2',
      'FROM node:20',
      'services.varve: the image node:20-bookworm-slim is not',
    ],
    [
      'an unknown service',
      '      redis: {',
      '      redys: {',
      'services.varve: depends on redys, which is no service',
    ],
    [
      'an undeclared volume',
      '- redis-data:',
      '- other-data:',
      'services.redis: uses the undeclared volume other-data',
    ],
    ['broken YAML', 'services:\n', 'services: {\n', 'flow'],
  ])('with %s is refused', (_name, piece, replacement, complaint) => {
    expect(judgeCompose(planted(piece, replacement)).join('\n')).toContain(complaint);
  });

  test('without a healthcheck is refused', () => {
    const text =
      'services: { a: { image: "x:1.2" }, b: { image: "x:1.2", depends_on: { a: { condition: service_healthy } } } }';
    expect(judgeCompose(text)).toEqual([
      'services.a: has no healthcheck',
      'services.b: has no healthcheck',
      'services.b: waits for the health of a, which has no healthcheck',
    ]);
  });
});

describe('the script', () => {
  test.each([
    ['docker-compose.yml', 0, 'docker-compose.yml keeps the Compose specification'],
    ['package.json', 1, 'package.json /: must NOT have additional properties'],
  ])('on %s ends with %d', (file, status, line) => {
    const run = spawnSync(process.execPath, ['--import', 'tsx', 'scripts/check-compose.ts', file], {
      encoding: 'utf8',
    });
    expect(run.status).toBe(status);
    expect(run.stdout + run.stderr).toContain(line);
  });
});
