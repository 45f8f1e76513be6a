/**
 * npm run ledger:verify: verifies every ledger's log, and the read models against a replay of it.
 * In: VARVE_URL and VARVE_API_KEY; out: a line a check, with the first violations; exit code 0 when all is well, 1 when
 * something is violated, could not be checked, or it failed, 2 when it is wrongly called.
 */
import { Command } from 'commander';
import type { z } from 'zod';
import { verificationSchema } from '../src/http/routes/replay-schemas.ts';
import { followReplay, runCommand } from './follow-replay.ts';

type Check = NonNullable<z.output<typeof verificationSchema>['checks']>[number];

const command = new Command('ledger:verify')
  .description('Verify the log of a running Varve, and its read models against a replay, while it goes on.')
  .option('--json', 'print the report as JSON', false)
  .addHelpText(
    'after',
    `
Environment:
  VARVE_URL       where Varve is (default: the local one)
  VARVE_API_KEY   an API key of an admin or auditor of the ledger default

Every ledger is verified. Nothing is changed.`,
  )
  .exitOverride()
  .action(verify);

await runCommand('ledger:verify', () => command.parseAsync());

async function verify({ json: isJson }: { readonly json: boolean }): Promise<void> {
  const report = await followReplay(
    '/v1/verifications',
    (id) => `/v1/verifications/${id}`,
    verificationSchema,
  );
  const checks = report.checks ?? [];
  if (isJson) console.log(JSON.stringify(report, undefined, 2));
  else for (const line of [...checks.flatMap(linesOf), verdictOf(checks)]) console.log(line);
  if (checks.some(({ result }) => result !== 'ok')) process.exitCode = 1;
}

function linesOf({ name, result, violations, examples }: Check): readonly string[] {
  const told = result === 'violated' ? `violated, ${violations} times` : result;
  const places = examples.map(({ ledger, revision, what }) => {
    const at = revision === undefined ? '' : `${ledger ?? ''} revision ${revision} `;
    return `    ${at}${what}`;
  });
  return [`  ${name.padEnd(20)} ${told}`, ...places];
}

function verdictOf(checks: readonly Check[]): string {
  const bad = checks.filter(({ result }) => result !== 'ok').length;
  return bad === 0
    ? `verified: ${checks.length} checks, no violation`
    : `${bad} of ${checks.length} checks are not ok`;
}
