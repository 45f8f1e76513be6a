/**
 * What the notices of a webhook are signed with: at most two secrets at once, so that one can take the other's place.
 * An operational table, neither in the ledger nor made from it.
 */
import { type Database, rowsOf } from './rows-of.ts';

const insert = {
  name: 'insert_webhook_secret',
  text: `insert into webhook_secrets (ledger, webhook, number, secret) values ($1, $2, 1, $3)
    on conflict on constraint webhook_secrets_pk do nothing
    returning true as inserted`,
};

const valid = {
  name: 'webhook_secrets_in_force',
  text: `select s.secret from webhook_secrets s
    where s.ledger = $1 and s.webhook = $2 and (s.expires_at is null or s.expires_at > now())
    order by s.number desc
    limit 2`,
};

/** The one before the newest goes on signing for a while, what is older is deleted. */
const rotate = {
  name: 'rotate_webhook_secret',
  text: `with newest as (
      select coalesce(max(s.number), 0) as number from webhook_secrets s where s.ledger = $1 and s.webhook = $2
    ), ended as (
      delete from webhook_secrets s using newest n
      where s.ledger = $1 and s.webhook = $2 and s.number < n.number
    ), ending as (
      update webhook_secrets s set expires_at = now() + make_interval(secs => $4::float8) from newest n
      where s.ledger = $1 and s.webhook = $2 and s.number = n.number
      returning s.expires_at
    ), added as (
      insert into webhook_secrets (ledger, webhook, number, secret)
      select $1, $2, n.number + 1, $3 from newest n
      on conflict on constraint webhook_secrets_pk do nothing
      returning true as added
    )
    select (select e.expires_at from ending e limit 1) as old_expires_at from added`,
};

const remove = {
  name: 'delete_webhook_secrets',
  text: 'delete from webhook_secrets s where s.ledger = $1 and s.webhook = $2',
};

/** The first secret of a webhook; false when it has one, which then stands. */
export async function insertWebhookSecret(
  database: Database,
  ledger: string,
  webhook: string,
  secret: Buffer,
): Promise<boolean> {
  return (await rowsOf(database, insert, [ledger, webhook, secret])).length > 0;
}

/** The secrets that sign now, the newest first; none for an unknown webhook. */
export async function webhookSecrets(
  database: Database,
  ledger: string,
  webhook: string,
): Promise<readonly Buffer[]> {
  const rows = await rowsOf<{ secret: Buffer }>(database, valid, [ledger, webhook]);
  return rows.map(({ secret }) => secret);
}

/**
 * Adds a secret, which counts at once; the one before it signs beside it for so many seconds.
 * Answers when that ends (null when there was none), or undefined when another rotation was faster.
 */
export async function rotateWebhookSecret(
  database: Database,
  ledger: string,
  webhook: string,
  secret: Buffer,
  overlapSeconds: number,
): Promise<{ readonly oldExpiresAt: number | null } | undefined> {
  const values = [ledger, webhook, secret, overlapSeconds];
  const [row] = await rowsOf<{ old_expires_at: number | null }>(database, rotate, values);
  return row === undefined ? undefined : { oldExpiresAt: row.old_expires_at };
}

export async function deleteWebhookSecrets(
  database: Database,
  ledger: string,
  webhook: string,
): Promise<void> {
  await rowsOf(database, remove, [ledger, webhook]);
}
