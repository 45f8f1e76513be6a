/**
 * The names of ledgers: one is always there, the others are made by admins.
 */

/** The ledger that every installation has. */
export const defaultLedger = 'default';

export const ledgerNamePattern = /^[a-z][a-z0-9-]{0,62}$/;
