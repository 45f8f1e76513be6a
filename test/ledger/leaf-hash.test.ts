/** The leaf hash of RFC 6962, with answers that others published. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { leafHash } from '../../src/ledger/leaf-hash.ts';

/** From the vectors of transparency-dev/merkle and of Certificate Transparency: the leaf in hex, its hash. */
const known: readonly [leaf: string, hash: string][] = [
  ['', '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d'],
  ['00', '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7'],
  ['10', '0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7'],
  ['2021', '07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7'],
  ['3031', 'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b'],
  ['40414243', '4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658'],
  ['5051525354555657', 'b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f'],
  ['606162636465666768696a6b6c6d6e6f', '46f6ffadd3d06a09ff3c5860d2755c8b9819db7df44251788c7d8e3180de8eb1'],
  [
    Buffer.from('L123456').toString('hex'),
    '395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56',
  ],
];

describe('known answers', () => {
  test.each(known)('of the leaf %j', (leaf, hash) => {
    expect(leafHash(Buffer.from(leaf, 'hex')).toString('hex')).toBe(hash);
  });
});

describe('any leaf', () => {
  test('is hashed with a zero byte before it', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const expected = createHash('sha256')
          .update(Buffer.from([0]))
          .update(bytes)
          .digest();
        expect(leafHash(Buffer.from(bytes))).toEqual(expected);
      }),
    );
  });

  test('given as text is hashed as its UTF-8', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(leafHash(text)).toEqual(leafHash(Buffer.from(text)));
      }),
    );
  });
});
