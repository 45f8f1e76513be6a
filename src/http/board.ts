/**
 * The dashboard of background jobs, for admins with a browser. A browser has no bearer token, so this folder alone takes
 * Basic authentication as well: any user name, the API key as the password. Nothing is kept (no cookie, no key in a URL),
 * and a revoked key is out at once. The page only shows; requests from other sites are turned away all the same.
 */
import type { FastifyInstance, FastifyPluginCallback, FastifyRequest } from 'fastify';
import { Failure } from '../failure.ts';

export const boardFolder = '/v1/jobs/board';

const headers = {
  'cache-control': 'no-store',
  'content-security-policy':
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; frame-ancestors 'none'; form-action 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

export function addBoard(app: FastifyInstance, plugin: FastifyPluginCallback): void {
  app.register(async (scope) => {
    scope.addHook('onRequest', (request, reply, done) => {
      reply.headers(headers);
      done(isFromElsewhere(request) ? crossSite() : undefined);
    });
    await scope.register(plugin, { prefix: boardFolder });
  });
}

/** Whether a route, by its pattern, belongs to the dashboard. */
export function isBoardRoute(url: string | undefined): boolean {
  return url === boardFolder || url?.startsWith(`${boardFolder}/`) === true;
}

/** Basic credentials said as a bearer token; everything else as it is. */
export function bearerOf(authorization: string | undefined): string | undefined {
  const encoded = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(authorization ?? '')?.[1];
  if (encoded === undefined) return authorization;
  const credentials = Buffer.from(encoded, 'base64').toString('latin1');
  return `Bearer ${credentials.slice(credentials.indexOf(':') + 1)}`;
}

function isFromElsewhere({
  headers: { 'sec-fetch-site': site, 'sec-fetch-mode': mode },
}: FastifyRequest): boolean {
  return site !== undefined && site !== 'same-origin' && site !== 'none' && mode !== 'navigate';
}

function crossSite(): Failure {
  return new Failure('forbidden', 'another site may not ask this', { reason: 'cross_site' });
}
