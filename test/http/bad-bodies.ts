/**
 * Bad bodies as data, all of them sent to the one door of the ledger.
 */
import { type BadRequest, changeset, path, set } from './bad-request.ts';

function post(name: string, body: string | Buffer, expectPlace: string, expectStatus = 400): BadRequest {
  return { name, method: 'POST', path, body, expectStatus, expectPlace };
}

const model = { id: 'acme/new', name: 'New', contextWindow: 1000 };
const addModel = (fields: object): string =>
  JSON.stringify({ reason: 'a bad one', changes: [{ type: 'addModel', model: { ...model, ...fields } }] });

export const badBodies: readonly BadRequest[] = [
  post('an empty body', '', ''),
  post('white space', '  \n ', ''),
  post('no JSON', 'reason=x', ''),
  post('JSON cut off', '{"reason":"x","changes":[{"type":"setOverride"', 'changes.0'),
  post('JSON with a tail', `${changeset({})}{}`, ''),
  post('a trailing comma', '{"reason":"x",}', ''),
  post('a comment', '{/* x */"reason":"x"}', ''),
  post('an array', '[]', ''),
  post('null', 'null', ''),
  post('a string', '"setOverride"', ''),
  post(
    'nesting deeper than 64',
    changeset({}).replace('"x"', `${'['.repeat(80)}${']'.repeat(80)}`),
    `changes.0.value${'.0'.repeat(61)}`,
  ),
  post('nesting of 100,000', '['.repeat(100_000), '0'.concat('.0'.repeat(63))),
  post('a key twice', `{"reason":"x","reason":"y","changes":[${JSON.stringify(set)}]}`, 'reason'),
  post('a key twice, deep inside', changeset({}).replace('"x"', '{"a":1,"\\u0061":2}'), 'changes.0.value.a'),
  post(
    '__proto__',
    changeset({}).replace('"x"', '{"__proto__":{"admin":true}}'),
    'changes.0.value.__proto__',
  ),
  post('an integer beyond 2^53', changeset({}).replace('"x"', '9007199254740993'), 'changes.0.value'),
  post(
    'a decimal that no double carries',
    changeset({}).replace('"x"', '0.10000000000000000001'),
    'changes.0.value',
  ),
  post('an infinite number', changeset({}).replace('"x"', '1e400'), 'changes.0.value'),
  post('a vanishing number', changeset({}).replace('"x"', '1e-400'), 'changes.0.value'),
  post('NaN', changeset({}).replace('"x"', 'NaN'), 'changes.0.value'),
  post('a NUL', changeset({}).replace('"x"', '"a\\u0000b"'), 'changes.0.value'),
  post('half a surrogate pair', changeset({}).replace('"x"', '"\\ud800"'), 'changes.0.value'),
  post(
    'invalid UTF-8',
    Buffer.concat([Buffer.from('{"reason":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]),
    '',
  ),
  post(
    'overlong UTF-8',
    Buffer.concat([Buffer.from('{"reason":"'), Buffer.from([0xc0, 0xaf]), Buffer.from('"}')]),
    '',
  ),
  post('UTF-16', Buffer.from(changeset({}), 'utf16le'), ''),
  post('a byte order mark', `\ufeff${changeset({})}`, ''),
  post('a raw control character', '{"reason":"a\tb"}', 'reason'),
  post('no reason', JSON.stringify({ changes: [set] }), 'reason'),
  post('an empty reason', changeset({}, { reason: '' }), 'reason'),
  post('a reason of spaces', changeset({}, { reason: '   ' }), 'reason'),
  post('a reason of 1001 characters', changeset({}, { reason: 'x'.repeat(1001) }), 'reason'),
  post('a reason with an escape character', changeset({}, { reason: 'a\u001b[31mb' }), 'reason'),
  post('no changes', JSON.stringify({ reason: 'x' }), 'changes'),
  post('an empty list of changes', JSON.stringify({ reason: 'x', changes: [] }), 'changes'),
  post('changes that are no list', JSON.stringify({ reason: 'x', changes: set }), 'changes'),
  post(
    '10,001 changes',
    JSON.stringify({ reason: 'x', changes: Array.from({ length: 10_001 }, () => set) }),
    'changes',
  ),
  post('a change that is null', JSON.stringify({ reason: 'x', changes: [null] }), 'changes.0'),
  post('a change without a type', changeset({ type: undefined }), 'changes.0.type'),
  post('an unknown type of change', changeset({ type: 'dropEverything' }), 'changes.0.type'),
  post('a change that has a door of its own', changeset({ type: 'createApiKey' }), 'changes.0.type'),
  post('an unknown field', changeset({}, { force: true }), 'force'),
  post('an unknown field of a change', changeset({ priority: 1 }), 'changes.0.priority'),
  post(
    'the second of two changes',
    JSON.stringify({ reason: 'x', changes: [set, { ...set, key: 'Bad' }] }),
    'changes.1.key',
  ),
  post('a key in camelCase', changeset({ key: 'ai.plannerModel' }), 'changes.0.key'),
  post('an empty key', changeset({ key: '' }), 'changes.0.key'),
  post('a key of 201 characters', changeset({ key: 'a'.repeat(201) }), 'changes.0.key'),
  post('a key that is a path', changeset({ key: '../../etc/passwd' }), 'changes.0.key'),
  post('a key that is a number', changeset({ key: 7 }), 'changes.0.key'),
  post('constructor.prototype as a scope', changeset({ scope: 'constructor:prototype' }), 'changes.0.scope'),
  post('a scope without an id', changeset({ scope: 'user:' }), 'changes.0.scope'),
  post('a scope id of 201 characters', changeset({ scope: `user:${'x'.repeat(201)}` }), 'changes.0.scope'),
  post('a scope with a line break', changeset({ scope: 'user:a\nb' }), 'changes.0.scope'),
  post('a date without a time', changeset({ effectiveFrom: '2026-03-01' }), 'changes.0.effectiveFrom'),
  post('30 February', changeset({ effectiveFrom: '2026-02-30T00:00:00Z' }), 'changes.0.effectiveFrom'),
  post('the year 10000', changeset({ effectiveUntil: '10000-01-01T00:00:00Z' }), 'changes.0.effectiveUntil'),
  post(
    'a time in microseconds',
    changeset({ effectiveFrom: '2026-03-01T00:00:00.000001Z' }),
    'changes.0.effectiveFrom',
  ),
  post('a time as a number', changeset({ effectiveFrom: 1772323200000 }), 'changes.0.effectiveFrom'),
  post(
    'a share above everybody',
    changeset({
      value: undefined,
      allocation: { unit: 'user', share: 10_001, arms: [{ name: 'a', value: 1, weight: 1 }] },
    }),
    'changes.0.allocation.share',
  ),
  post(
    'an arm without weight',
    changeset({
      value: undefined,
      allocation: { unit: 'user', share: 1, arms: [{ name: 'a', value: 1, weight: 0 }] },
    }),
    'changes.0.allocation.arms.0.weight',
  ),
  post(
    'two arms of one name',
    changeset({
      value: undefined,
      allocation: {
        unit: 'user',
        share: 1,
        arms: [
          { name: 'a', value: 1, weight: 1 },
          { name: 'a', value: 2, weight: 1 },
        ],
      },
    }),
    'changes.0.allocation.arms',
  ),
  post('an expected revision below zero', changeset({}, { expectedRevision: -1 }), 'expectedRevision'),
  post('an expected revision as text', changeset({}, { expectedRevision: '41' }), 'expectedRevision'),
  post('a dry run that is "yes"', changeset({}, { dryRun: 'yes' }), 'dryRun'),
  post('a price below zero', addModel({ pricing: { input: '-1' } }), 'changes.0.model.pricing.input'),
  post('a price with an exponent', addModel({ pricing: { input: '1e3' } }), 'changes.0.model.pricing.input'),
  post(
    'an unknown part of a price',
    addModel({ pricing: { inputs: '1' } }),
    'changes.0.model.pricing.inputs',
  ),
  post('a context window of half a token', addModel({ contextWindow: 0.5 }), 'changes.0.model.contextWindow'),
  post('a model id with a line break', addModel({ id: 'acme/a\nb' }), 'changes.0.model.id'),
  post(
    'a tag with spaces',
    JSON.stringify({ reason: 'x', changes: [{ type: 'tagRevision', name: 'a b' }] }),
    'changes.0.name',
  ),
  post('a body over the limit', `{"reason":"${'x'.repeat(9 * 1024 * 1024)}"}`, '', 413),
];
