/**
 * The whole product on a database of its own, for end-to-end tests.
 * Out: a client that speaks HTTP as anybody would. For several servers on one database see varve-on.ts.
 */
import type { ServerSettings } from '../../src/settings.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';
import { type Answer, startVarveOn, type VarveOn } from './varve-on.ts';

export interface TestVarve extends Omit<VarveOn, 'shownKey'> {
  readonly adminKey: string;
  readonly database: TestDatabase;
  /** Sends changes for a reason and expects 201. */
  change(changes: readonly unknown[], headers?: Record<string, string>): Promise<Answer>;
}

const adminKey = `varve_admin_test_${'s'.repeat(32)}`;

export async function startTestVarve(overrides: Partial<ServerSettings> = {}): Promise<TestVarve> {
  const database = await createTestDatabase();
  const { url, call, stop } = await startVarveOn(database.url, adminKey, overrides);
  return {
    url,
    adminKey,
    database,
    call,
    async change(changes, headers) {
      const answer = await call('POST', '/v1/changesets', { reason: 'a test', changes }, headers);
      if (answer.status !== 201) throw new Error(`${answer.status}: ${JSON.stringify(answer.body)}`);
      return answer;
    },
    async stop() {
      await stop();
      await database.drop();
    },
  };
}
