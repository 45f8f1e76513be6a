/**
 * Keeps webhooks away from what is not the public internet: an address that somebody types must not make this server
 * speak to its own neighbours or to a cloud's metadata.
 * In: the host of a URL, or a name that is being resolved for a connection; out: whether it may be connected to. What
 * is checked is the very list of addresses that the connection then chooses from, so that a name cannot answer one
 * thing to the check and another to the connection.
 */
import { type LookupAddress, lookup as systemLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';

/** As dns.lookup with `all`: every address of a name. */
export type Resolve = (
  hostname: string,
  done: (error: NodeJS.ErrnoException | null, addresses: readonly LookupAddress[]) => void,
) => void;

/** The operating system's resolver, which knows /etc/hosts as well. */
export const resolveBySystem: Resolve = (hostname, done) =>
  systemLookup(hostname, { all: true }, (error, addresses) => done(error, error === null ? addresses : []));

export const forbiddenAddress = 'forbidden_address';

/** Global unicast (RFC 4291): what IPv6 has assigned to the internet. All else, whatever it is for, is none of it. */
const globalUnicast = ipaddr.parseCIDR('2000::/3') as [ipaddr.IPv6, number];

/** Whether an address is one of the public internet; false for what is none at all. */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.parse(address);
  if (parsed.range() !== 'unicast') return false;
  // Whatever carries an IPv4 address within (mapped, compatible, NAT64, 6to4, Teredo) has a range of its own or lies outside.
  return !(parsed instanceof ipaddr.IPv6) || parsed.match(globalUnicast);
}

/** Whether the host of a URL is known to be forbidden without asking anybody: an address, or this machine's own name. */
export function isForbiddenHost(hostname: string): boolean {
  const host = hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
  if (ipaddr.isValid(host)) return !isPublicAddress(host);
  return host === 'localhost' || host.endsWith('.localhost');
}

/** A `lookup` for node:http that fails with the code `forbidden_address` when any address of the name is forbidden. */
export function createGuardedLookup(resolve: Resolve, mayBePrivate: boolean): LookupFunction {
  return (hostname, options, done) => {
    resolve(hostname, (error, addresses) => {
      if (error !== null) return done(error, '', 0);
      const allowed = mayBePrivate || addresses.every(({ address }) => isPublicAddress(address));
      const [first] = addresses;
      if (!allowed) return done(refusal(), '', 0);
      if (first === undefined)
        return done(Object.assign(new Error('no address'), { code: 'ENOTFOUND' }), '', 0);
      if (options.all === true) return done(null, [...addresses]);
      done(null, first.address, first.family);
    });
  };
}

function refusal(): NodeJS.ErrnoException {
  return Object.assign(new Error('the name leads to an address that is not public'), {
    code: forbiddenAddress,
  });
}
