/**
 * Receipts: what proves years later which configuration was answered. Made by server and SDK alike.
 */

export interface Receipt {
  readonly ledger: string;
  /** The ledger's revision that answered. */
  readonly revision: number;
  /** The moment that was asked about, RFC 3339. */
  readonly at: string;
  /** SHA-256 of the canonical text of what was answered, in lower case hexadecimal digits. */
  readonly hash: string;
}
