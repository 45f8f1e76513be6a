/** A provider that is registered a second time, with a client that was left open: OpenFeature is told how that stands now. */
import { OpenFeature } from '@openfeature/server-sdk';
import { expect, test } from 'vitest';
import { VarveProvider } from '../../src/sdk/openfeature-provider.ts';
import { startSdkStand, until } from '../support/sdk-stand.ts';

test('a stale one is stale again, and ready with news', async () => {
  const stand = await startSdkStand();
  const varve = stand.client({ staleAfterMs: 100, transport: 'polling', pollMs: 10 });
  const provider = new VarveProvider(varve, { keepOpen: true });
  const client = OpenFeature.getClient('again');
  await OpenFeature.setProviderAndWait('again', provider);
  await stand.stop();
  await until(() => client.providerStatus === 'STALE');
  await OpenFeature.clearProviders();
  expect(client.providerStatus).not.toBe('STALE');
  await OpenFeature.setProviderAndWait('again', provider);
  await until(() => client.providerStatus === 'STALE');
  await stand.start();
  await until(() => client.providerStatus === 'READY');
  await OpenFeature.clearProviders();
  await stand.close();
});
