/**
 * Routes as values: where, for whom, which schemas, and a function from a checked call to an answer.
 * The only file that joins routes to Fastify, so that every route is checked, documented and answered the same way:
 * the schemas that check the requests are those that the OpenAPI document is made of.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Failure } from '../failure.ts';
import { type Answer, sendAnswer } from './answer.ts';
import type { Caller } from './authentication.ts';
import { checked } from './request-input.ts';
import type { Access } from './roles.ts';

/** A request that was let in and is well-formed. */
export interface Call<P, Q, B> extends Caller {
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  readonly request: FastifyRequest;
  readonly headers: IncomingHttpHeaders;
}

export interface RouteDescription<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: string;
  readonly access: Exclude<Access, 'open'>;
  readonly summary: string;
  readonly tag: string;
  /** `none` where a part says nothing; what is sent there nevertheless is `invalid`. */
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  /** Content types of the body, for the document; application/json when absent. */
  readonly consumes?: readonly string[];
  /** Headers that the route understands, for the document; they are checked where they are read. */
  readonly headers?: z.ZodType;
  /** It comes all the time and changes nothing that is to be remembered: logged as reads are. */
  readonly isRoutine?: true;
  /** What it answers, by status. */
  readonly answers: Readonly<Record<number, z.ZodType>>;
  /** How its failures look, for the document; a problem when absent. */
  readonly failure?: object;
}

export interface Route<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType>
  extends RouteDescription<P, Q, B> {
  handle(call: Call<z.output<P>, z.output<Q>, z.output<B>>): Answer | Promise<Answer>;
}

/** For routes that write their answer themselves: streams. */
export interface RawRoute<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType>
  extends RouteDescription<P, Q, B> {
  /** What is answered, for the document. */
  readonly contentTypes: readonly string[];
  handle(call: Call<z.output<P>, z.output<Q>, z.output<B>>, reply: FastifyReply): Promise<unknown>;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the gate before any route with roles is entered. */
    caller: Caller | undefined;
  }
}

/** The schema of a part that says nothing. */
export const none = z.strictObject({});

/** Registers a route that answers JSON. */
export function addRoute<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType>(
  app: FastifyInstance,
  route: Route<P, Q, B>,
): void {
  app.route({
    method: route.method,
    url: route.url,
    config: { access: route.access, isRoutine: route.isRoutine === true },
    schema: documentOf(route, route.answers),
    handler: (request, reply) => {
      const answer = route.handle(callOf(request, route));
      if (!(answer instanceof Promise)) return sendAnswer(request, reply, answer);
      return answer.then((settled) => sendAnswer(request, reply, settled));
    },
  });
}

/** Registers a route that writes its answer itself. */
export function addRawRoute<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType>(
  app: FastifyInstance,
  route: RawRoute<P, Q, B>,
): void {
  const answers: Record<string, object> = {};
  for (const [status, schema] of Object.entries(route.answers)) {
    const content = Object.fromEntries(route.contentTypes.map((type) => [type, { schema }]));
    answers[status] = { description: route.summary, content };
  }
  app.route({
    method: route.method,
    url: route.url,
    exposeHeadRoute: false,
    config: { access: route.access },
    schema: documentOf(route, answers),
    handler: (request, reply) => route.handle(callOf(request, route), reply),
  });
}

/** What the OpenAPI document says about a route; checking is done by `callOf` with the same schemas. */
export function documentOf<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType>(
  route: RouteDescription<P, Q, B>,
  answers: object,
) {
  return {
    summary: route.summary,
    tags: [route.tag],
    security: [{ apiKey: [] }],
    response: { ...answers, default: route.failure ?? problemAnswer },
    ...(isNone(route.params) ? {} : { params: route.params }),
    ...(isNone(route.query) ? {} : { querystring: route.query }),
    ...(isNone(route.body) ? {} : { body: route.body }),
    ...(route.consumes === undefined ? {} : { consumes: route.consumes }),
    ...(route.headers === undefined ? {} : { headers: route.headers }),
  };
}

/** Checks everything that a request says against the route's schemas. Throws Failure `invalid`. */
export function callOf<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType>(
  request: FastifyRequest,
  route: RouteDescription<P, Q, B>,
): Call<z.output<P>, z.output<Q>, z.output<B>> {
  const caller = callerOf(request);
  return {
    ...caller,
    params: checked(route.params, request.params ?? {}, 'path'),
    query: checked(route.query, request.query, 'query'),
    body: checked(route.body, request.body ?? (isNone(route.body) ? {} : undefined), 'body'),
    request,
    headers: request.headers,
  };
}

function isNone(schema: z.ZodType): boolean {
  return schema === none;
}

/** The caller that the gate let in. */
export function callerOf(request: FastifyRequest): Caller {
  if (request.caller === undefined) throw new Failure('unauthenticated', 'an API key is needed');
  return request.caller;
}

const problemAnswer = {
  description: 'A problem (RFC 9457)',
  content: {
    'application/problem+json': {
      schema: z
        .object({
          type: z.string(),
          title: z.string(),
          status: z.number().int(),
          code: z.string(),
          reason: z.string().optional(),
          detail: z.string(),
          errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
        })
        .meta({
          id: 'Problem',
          description: 'What went wrong, and where: errors name places like changes.3.key',
        }),
    },
  },
};
