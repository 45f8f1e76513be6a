/** Which addresses and hosts are of the public internet, and which a webhook must not lead to. */
import { describe, expect, test } from 'vitest';
import { isForbiddenHost, isPublicAddress } from '../../src/jobs/address-guard.ts';

describe('addresses', () => {
  test.each([
    '127.0.0.1',
    '127.255.255.254',
    '0.0.0.0',
    '0.1.2.3',
    '10.0.0.1',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '192.0.0.1',
    '192.0.2.1',
    '198.18.0.1',
    '198.51.100.1',
    '203.0.113.1',
    '224.0.0.1',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::127.0.0.1',
    '::ffff:127.0.0.1',
    '::ffff:169.254.169.254',
    '::ffff:0:127.0.0.1',
    '64:ff9b::7f00:1',
    '64:ff9b:1::a00:1',
    '2002:7f00:1::',
    '2001:0:53aa:64c::1',
    '2001:db8::1',
    'fc00::1',
    'fd00:ec2::254',
    'fe80::1',
    'fec0::1',
    'ff02::1',
    '100::1',
    '4000::1',
    'not-an-address',
  ])('%s is not public', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  test.each([
    '1.1.1.1',
    '93.184.216.34',
    '172.32.0.1',
    '100.128.0.1',
    '2606:4700:4700::1111',
    '2a00:1450::1',
  ])('%s is public', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });

  test('hosts that are known without asking', () => {
    const hosts = [
      'localhost',
      'LOCALHOST.',
      'a.localhost',
      '2130706433',
      '0x7f.1',
      '[::ffff:7f00:1]',
      '127.1',
    ];
    for (const host of hosts)
      expect([host, isForbiddenHost(new URL(`http://${host}/`).hostname)]).toEqual([host, true]);
    expect(isForbiddenHost('example.com')).toBe(false);
  });
});
