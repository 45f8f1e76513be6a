/**
 * Who may use which route. Every route says so in its config; the table is made of the routes as they are registered,
 * and a route that says nothing ends the start. What stands in the table is what is enforced: the same hook does both.
 */
import type { FastifyInstance, onRequestHookHandler, RouteOptions } from 'fastify';
import type { Role } from '../domain/event.ts';
import { isBoardRoute } from './board.ts';

/** The roles that may use a route; `open` needs no API key. */
export type Access = readonly Role[] | 'open';

export const anyRole: readonly Role[] = ['admin', 'operator', 'auditor', 'service'];
export const readers: readonly Role[] = ['admin', 'operator', 'auditor'];
export const writers: readonly Role[] = ['admin', 'operator'];
/** Who reports usage: all who are not there to look only. */
export const reporters: readonly Role[] = ['admin', 'operator', 'service'];
export const admins: readonly Role[] = ['admin'];
/** Who looks at the log itself. */
export const auditors: readonly Role[] = ['admin', 'auditor'];

export interface TableEntry {
  readonly method: string;
  /** The pattern, `/v1/resolve/:key`. */
  readonly url: string;
  readonly access: Access;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Who may use the route; every route says it. */
    access?: Access;
    /** Logged as reads are. */
    isRoutine?: boolean;
  }
}

/** Pages that a plugin registers for itself and that are open. */
const openFolder = '/docs';

/** Notes every route that is registered from now on, and puts the gate in front of it. */
export function guardRoutes(
  app: FastifyInstance,
  gate: (access: Access) => onRequestHookHandler,
): readonly TableEntry[] {
  const table: TableEntry[] = [];
  app.addHook('onRoute', (route) => {
    const access = accessOf(route);
    for (const method of [route.method].flat()) table.push({ method, url: route.url, access });
    route.onRequest = [gate(access), ...[route.onRequest ?? []].flat()];
  });
  return table;
}

function accessOf(route: RouteOptions): Access {
  if (route.config?.access !== undefined) return route.config.access;
  if (route.url === openFolder || route.url.startsWith(`${openFolder}/`)) return 'open';
  // The same with the dashboard, for admins.
  if (isBoardRoute(route.url)) return admins;
  throw new Error(`the route ${[route.method].flat().join(',')} ${route.url} does not say who may use it`);
}

/** The methods that a path knows, for 405; none for a path that is not there. */
export function methodsOf(table: readonly TableEntry[], path: string): readonly string[] {
  const methods = table.filter((entry) => matches(entry.url, path)).map((entry) => entry.method);
  return [...new Set(methods)].sort();
}

function matches(pattern: string, path: string): boolean {
  const wanted = pattern.split('/');
  const given = path.split('/');
  if (wanted.at(-1) === '*' && given.length >= wanted.length) given.length = wanted.length;
  return (
    wanted.length === given.length &&
    wanted.every(
      (part, index) => part === '*' || part === given[index] || (part.startsWith(':') && given[index] !== ''),
    )
  );
}
