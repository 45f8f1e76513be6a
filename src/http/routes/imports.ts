/**
 * Bulk imports: changesets handed over as NDJSON and worked off in the background. For admins.
 * Everything is checked before anything is kept, so that a bad line is told at once and nothing is imported.
 */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { ImportRecord } from '../../domain/background-questions.ts';
import { importLineSchema } from '../../domain/import-line.ts';
import { formatInstant } from '../../domain/instant.ts';
import { Failure } from '../../failure.ts';
import { inSlices } from '../../ledger/in-slices.ts';
import type { Answer } from '../answer.ts';
import type { HandedOverChangeset, HttpDependencies } from '../dependencies.ts';
import { pageSchema } from '../event-answer.ts';
import { invalidAt } from '../problem.ts';
import { pageQuery } from '../query-schemas.ts';
import { checked } from '../request-input.ts';
import { admins } from '../roles.ts';
import { addRoute, none } from '../route.ts';
import { parseStrictJson } from '../strict-json.ts';
import { importedBodyHash, writeHeaders, writeMeta } from '../write-call.ts';

const maxImportBytes = 32 * 1024 * 1024;
const maxLineBytes = 8 * 1024 * 1024;
const maxLines = 100_000;
const newline = 0x0a;

const refusalSchema = z.strictObject({
  line: z.number().int(),
  idempotencyKey: z.string(),
  code: z.string(),
  reason: z.string().nullable(),
  message: z.string(),
});

const importSchema = z
  .strictObject({
    id: z.uuid(),
    state: z.enum(['open', 'finished', 'failed', 'cancelled']),
    total: z.number().int().meta({ description: 'Changesets' }),
    done: z.number().int(),
    events: z.number().int().meta({ description: 'Events that it brought' }),
    replayed: z.number().int().meta({ description: 'Changesets that the ledger had before' }),
    refused: z.number().int(),
    refusals: z.array(refusalSchema).meta({ description: 'The first 100' }),
    lastError: z.string().nullable(),
    createdAt: z.string(),
    finishedAt: z.string().nullable(),
  })
  .meta({ id: 'Import', description: 'An import and how far it has come; kept for 30 days after its end' });

const linesSchema = z
  .custom<Buffer>((body) => Buffer.isBuffer(body), {
    error: 'one changeset a line, as application/x-ndjson: idempotencyKey, reason, changes',
  })
  .meta({
    id: 'ImportLines',
    description: 'NDJSON, one changeset a line: { idempotencyKey, reason, changes }',
  });

const importParams = z.strictObject({ id: z.uuid() });

export function addImportRoutes(app: FastifyInstance, dependencies: HttpDependencies): void {
  // Only here: every other route turns it away with 415.
  app.register(async (scope) => {
    const types = 'application/x-ndjson';
    scope.addContentTypeParser(
      types,
      { parseAs: 'buffer', bodyLimit: maxImportBytes },
      (_request, body, done) => done(null, body),
    );
    addHandOverRoute(scope, dependencies);
  });
  addReadRoutes(app, dependencies);
}

function addHandOverRoute(app: FastifyInstance, dependencies: HttpDependencies): void {
  addRoute(app, {
    method: 'POST',
    url: '/v1/imports',
    access: admins,
    tag: 'Write',
    summary:
      'Hand over many changesets; they are brought in one after the other in the background, each once',
    params: none,
    query: none,
    body: linesSchema,
    consumes: ['application/x-ndjson'],
    headers: writeHeaders,
    answers: { 202: importSchema },
    handle: async (call): Promise<Answer> => {
      if (call.headers['idempotency-key'] !== undefined) {
        throw invalidAt('header.Idempotency-Key', 'each changeset of an import has a key of its own');
      }
      const { actor } = writeMeta(call, { reason: '' });
      const changesets = await inSlices(parseLines(call.body));
      const record = await dependencies.imports.open(
        { id: dependencies.newId(), ledger: call.ledger.name, actor },
        changesets,
      );
      const headers = { location: `/v1/imports/${record.id}` };
      return { status: 202, body: importAnswer(record), revision: call.ledger.state.revision, headers };
    },
  });
}

function addReadRoutes(app: FastifyInstance, dependencies: HttpDependencies): void {
  addRoute(app, {
    method: 'GET',
    url: '/v1/imports',
    access: admins,
    tag: 'Write',
    summary: 'Imports of the ledger, the newest first',
    params: none,
    query: z.strictObject(pageQuery),
    body: none,
    answers: { 200: pageSchema(importSchema) },
    handle: async ({ ledger, query }): Promise<Answer> => {
      const { items, nextCursor } = await dependencies.imports.list(ledger.name, query);
      const body = { items: items.map(importAnswer), nextCursor };
      return { body, revision: ledger.state.revision, at: dependencies.now() };
    },
  });
  addRoute(app, {
    method: 'GET',
    url: '/v1/imports/:id',
    access: admins,
    tag: 'Write',
    summary: 'How far an import has come',
    params: importParams,
    query: none,
    body: none,
    answers: { 200: importSchema },
    handle: async ({ ledger, params }): Promise<Answer> => {
      const record = await dependencies.imports.find(ledger.name, params.id);
      if (record === undefined) throw unknownImport(params.id);
      return { body: importAnswer(record), revision: ledger.state.revision, at: dependencies.now() };
    },
  });
  addRoute(app, {
    method: 'DELETE',
    url: '/v1/imports/:id',
    access: admins,
    tag: 'Write',
    summary: 'End an import where it stands; what it brought stays',
    params: importParams,
    query: none,
    body: none,
    answers: { 200: importSchema },
    handle: async ({ ledger, params }): Promise<Answer> => {
      const record =
        (await dependencies.imports.cancel(ledger.name, params.id)) ??
        (await dependencies.imports.find(ledger.name, params.id));
      if (record === undefined) throw unknownImport(params.id);
      return { body: importAnswer(record), revision: ledger.state.revision };
    },
  });
}

/** The changesets of the lines, checked; empty lines are passed over. Failures: invalid, naming the line from 1. */
function* parseLines(body: Buffer): Generator<unknown, readonly HandedOverChangeset[], void> {
  const changesets: HandedOverChangeset[] = [];
  const keys = new Set<string>();
  let line = 0;
  for (let start = 0; start < body.length; ) {
    const end = body.indexOf(newline, start);
    const bytes = body.subarray(start, end < 0 ? body.length : end);
    start = end < 0 ? body.length : end + 1;
    line += 1;
    if (bytes.every((byte) => byte === 0x20 || byte === 0x0d || byte === 0x09)) continue;
    if (line > maxLines) throw invalidAt('body', `at most ${maxLines} lines`);
    if (bytes.length > maxLineBytes) throw invalidAt(`lines.${line}`, `at most ${maxLineBytes} bytes a line`);
    const changeset = inLine(line, () => parseLine(bytes));
    if (keys.has(changeset.idempotencyKey)) {
      throw invalidAt(`lines.${line}.idempotencyKey`, 'another line has this key');
    }
    keys.add(changeset.idempotencyKey);
    changesets.push(changeset);
    yield;
  }
  if (changesets.length === 0) throw invalidAt('body', 'there is no changeset in it');
  return changesets;
}

function parseLine(bytes: Buffer): HandedOverChangeset {
  const raw = parseStrictJson(bytes);
  const { idempotencyKey, ...changeset } = checked(importLineSchema, raw, 'body');
  const { idempotencyKey: _key, ...body } = raw as Record<string, unknown>;
  return { idempotencyKey, bodyHash: importedBodyHash(body), changeset };
}

/** Says in a failure which line it is about. */
function inLine<T>(line: number, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    throw new Failure(error.code, `line ${line}: ${error.message}`, {
      ...(error.reason === undefined ? {} : { reason: error.reason }),
      details: error.details.map(({ path, message }) => ({
        path: path === '' || path === 'body' ? `lines.${line}` : `lines.${line}.${path}`,
        message,
      })),
      cause: error,
    });
  }
}

function unknownImport(id: string): Failure {
  return new Failure('not_found', `there is no import ${id}`, {
    reason: 'unknown_import',
    details: [{ path: 'path.id', message: 'there is no such import' }],
  });
}

function importAnswer({ ledger: _ledger, actor: _actor, createdAt, finishedAt, ...shown }: ImportRecord) {
  return {
    ...shown,
    createdAt: formatInstant(createdAt),
    finishedAt: finishedAt === null ? null : formatInstant(finishedAt),
  };
}
