/**
 * Who is asking, and of which ledger. In: the headers of a request; out: a caller, or a failure.
 * Stays synchronous when the key and the ledger are known already, because every request comes through here.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { defaultLedger, ledgerNamePattern } from '../domain/ledger-name.ts';
import { Failure } from '../failure.ts';
import type { LiveLedger } from '../ledger/live-ledger.ts';
import type { HttpDependencies, Principal } from './dependencies.ts';
import { invalidAt } from './problem.ts';
import type { Access } from './roles.ts';

/** Whose request it is, and the ledger that it is about. */
export interface Caller {
  readonly principal: Principal;
  readonly ledger: LiveLedger;
  /** For connections that stay open and ask again whether the key still stands. Never logged, never answered. */
  readonly token: string;
}

type Authenticator = Pick<HttpDependencies, 'authenticate' | 'ledger' | 'liveLedger'>;

const bearer = /^bearer +([\x21-\x7e]+)$/i;
const bearerPrefix = 'Bearer ';
const maxTokenLength = 500;

/**
 * The caller of a request, if the route is open to the key's role.
 * Failures: unauthenticated, forbidden, invalid, not_found (the ledger), unavailable.
 */
export function authenticate(
  dependencies: Authenticator,
  headers: IncomingHttpHeaders,
  access: Exclude<Access, 'open'>,
): Caller | Promise<Caller> {
  const token = tokenOf(headers.authorization);
  const principal = dependencies.authenticate(token);
  if (principal instanceof Promise) {
    return principal.then((found) => admit(dependencies, token, found, headers, access));
  }
  return admit(dependencies, token, principal, headers, access);
}

function tokenOf(authorization: string | undefined): string {
  if (authorization === undefined) throw unauthenticated('the header Authorization is missing', 'no_api_key');
  const isPlain = authorization.startsWith(bearerPrefix) && !authorization.includes(' ', bearerPrefix.length);
  const token = isPlain ? authorization.slice(bearerPrefix.length) : bearer.exec(authorization)?.[1];
  if (token === undefined || token === '' || token.length > maxTokenLength) {
    throw unauthenticated('the header Authorization is not "Bearer <api key>"', 'not_bearer');
  }
  return token;
}

function admit(
  dependencies: Authenticator,
  token: string,
  principal: Principal | undefined,
  headers: IncomingHttpHeaders,
  access: Exclude<Access, 'open'>,
): Caller | Promise<Caller> {
  if (principal === undefined) throw unauthenticated('this API key is unknown or revoked', 'unknown_api_key');
  const name = ledgerNameFor(principal, headers['varve-ledger']);
  if (!access.includes(principal.role)) {
    throw new Failure(
      'forbidden',
      `the role ${principal.role} may not do this; it takes ${access.join(' or ')}`,
      {
        reason: 'wrong_role',
        details: [{ path: 'header.Authorization', message: `the API key has the role ${principal.role}` }],
      },
    );
  }
  const live = dependencies.liveLedger(name);
  if (live !== undefined) return { principal, ledger: live, token };
  return dependencies.ledger(name).then((ledger) => {
    if (ledger === undefined) throw unknownLedger(name);
    return { principal, ledger, token };
  });
}

/** The ledger that a request is about: the key's own, or for admins of `default` the one they name. */
function ledgerNameFor(principal: Principal, asked: string | string[] | undefined): string {
  if (asked === undefined) return principal.ledger;
  if (typeof asked !== 'string' || !ledgerNamePattern.test(asked)) {
    throw invalidAt('header.Varve-Ledger', 'a ledger is named by a-z, 0-9 and -, at most 63 characters');
  }
  const mayChoose = principal.role === 'admin' && principal.ledger === defaultLedger;
  if (asked !== principal.ledger && !mayChoose) {
    throw new Failure('forbidden', 'this API key belongs to another ledger', {
      reason: 'other_ledger',
      details: [{ path: 'header.Varve-Ledger', message: 'this API key belongs to another ledger' }],
    });
  }
  return asked;
}

function unknownLedger(name: string): Failure {
  return new Failure('not_found', `there is no ledger ${name}`, {
    reason: 'unknown_ledger',
    details: [{ path: 'header.Varve-Ledger', message: 'there is no such ledger' }],
  });
}

function unauthenticated(message: string, reason: string): Failure {
  return new Failure('unauthenticated', message, {
    reason,
    details: [{ path: 'header.Authorization', message }],
  });
}
