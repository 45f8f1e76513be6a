/** Scopes and contexts: how they are spelled, split, and in which order they are asked. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isScopeId, parseScope, scopesOf, splitScope } from '../../src/domain/scope.ts';

describe('a scope', () => {
  test.each([
    ['global', 'global', ''],
    ['tier:3', 'tier', '3'],
    ['tenant:acme', 'tenant', 'acme'],
    ['user:u-17', 'user', 'u-17'],
    ['user:a:b:c', 'user', 'a:b:c'],
    ['user: ', 'user', ' '],
    [`user:${'u'.repeat(200)}`, 'user', 'u'.repeat(200)],
    ['tenant:😀', 'tenant', '😀'],
  ])('%j is of kind %s with the id %j', (text, kind, id) => {
    const scope = parseScope(text);
    expect(scope).toBe(text);
    expect(splitScope(scope ?? 'global')).toStrictEqual({ kind, id });
  });

  test.each([
    '',
    'Global',
    'global:',
    'global:x',
    'user',
    'user:',
    ':u',
    'org:1',
    'USER:u',
    'user:\n',
    'user:\u0085',
    'user:\udc00',
    `user:${'u'.repeat(201)}`,
  ])('%j is none', (text) => {
    expect(parseScope(text)).toBeUndefined();
  });

  test('is any kind with any id', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('user', 'tenant', 'tier'),
        fc.string({ minLength: 1, maxLength: 200 }),
        (kind, id) => {
          const scope = parseScope(`${kind}:${id}`);
          expect(scope !== undefined).toBe(isScopeId(id));
          if (scope !== undefined) expect(splitScope(scope)).toStrictEqual({ kind, id });
        },
      ),
    );
  });
});

test('a context is asked from the narrowest to global', () => {
  expect(scopesOf({ tier: '3', tenant: 'acme', user: 'u' })).toStrictEqual([
    'user:u',
    'tenant:acme',
    'tier:3',
    'global',
  ]);
  expect(scopesOf({ tier: '3' })).toStrictEqual(['tier:3', 'global']);
  expect(scopesOf({})).toStrictEqual(['global']);
});
