/**
 * What an API key is checked against: its hash, kept outside the ledger.
 * In: hashes, never keys. Whether a key is revoked and what it may do stands in the ledger, not here.
 */
import { type Database, rowsOf } from './rows-of.ts';

export interface ApiKeyVerifier {
  readonly id: string;
  /** The ledger whose ApiKeyCreated made the key. */
  readonly ledger: string;
  /** sha256 of the whole key, 32 bytes. */
  readonly hash: Buffer;
}

const insert = {
  name: 'insert_verifier',
  text: `insert into api_key_verifiers (id, ledger, hash) values ($1, $2, $3)
    on conflict on constraint api_key_verifiers_pk do nothing
    returning true as inserted`,
};

const find = {
  name: 'find_verifier',
  text: 'select v.id, v.ledger, v.hash from api_key_verifiers v where v.id = $1',
};

const remove = {
  name: 'delete_verifier',
  text: 'delete from api_key_verifiers v where v.id = $1 returning true as deleted',
};

/** False when there is one with that id, which then stands. */
export async function insertVerifier(database: Database, verifier: ApiKeyVerifier): Promise<boolean> {
  return (await rowsOf(database, insert, [verifier.id, verifier.ledger, verifier.hash])).length > 0;
}

/** Undefined for an unknown id. */
export async function findVerifier(database: Database, id: string): Promise<ApiKeyVerifier | undefined> {
  const [row] = await rowsOf<{ id: string; ledger: string; hash: Buffer }>(database, find, [id]);
  return row;
}

/** Whether there was one. */
export async function deleteVerifier(database: Database, id: string): Promise<boolean> {
  return (await rowsOf(database, remove, [id])).length > 0;
}
