import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bls12_381 } from '@noble/curves/bls12-381.js';
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { type ErrorKind, bls } from '../src/index.js';
import { concat, getUint, text } from '../src/bytes.js';
import { hex, hexes, refused, sameBytes, vectors } from './vectors.js';

const kinds: Record<string, ErrorKind> = {
  ErrLength: 'bls: wrong length',
  ErrNonCanonical: 'bls: encoding is not canonical',
  ErrInfinity: 'bls: point at infinity',
  ErrNotOnCurve: 'bls: point is not on the curve',
  ErrSubgroup: 'bls: point is not in the subgroup',
  ErrSignature: 'bls: signature does not verify',
  ErrEmpty: 'bls: empty set',
};

/** Runs f; wants what a vector names, at the bottom of the causes. */
function judge(wantErr: string, f: () => void): void {
  if (wantErr === '') return f();
  const kind = kinds[wantErr];
  assert.ok(kind, wantErr);
  assert.throws(f, (e) => e instanceof Error && 'is' in e && (e as { is(k: ErrorKind): boolean }).is(kind), wantErr);
}

interface Parse { desc: string; hex: string; wantErr: string }
test('parsing', () => {
  for (const c of vectors<Parse>('bls/testdata/parse_public_key.json')) {
    judge(c.wantErr, () => sameBytes(bls.parsePublicKey(hex(c.hex)).point.toBytes(true), c.hex));
  }
  for (const c of vectors<Parse>('bls/testdata/parse_signature.json')) {
    judge(c.wantErr, () => sameBytes(bls.encodeSignature(bls.parseSignature(hex(c.hex))), c.hex));
  }
  for (const c of vectors<Parse>('bls/testdata/parse_vote.json')) {
    judge(c.wantErr, () => {
      const { x, y } = bls.parseVote(hex(c.hex)).point.toAffine();
      assert.equal((x << 384n) | y, getUint(hex(c.hex)));
    });
  }
});

interface Sign {
  desc: string; seed: string; secretKey: string; publicKey: string; owner: string; possession: string;
  msg: string; vote: string; signature: string;
}
test('keys, signatures and possession', () => {
  for (const c of vectors<Sign>('bls/testdata/sign.json')) {
    sameBytes(bls12_381.shortSignatures.getPublicKey(hex(c.secretKey)).toBytes(true), c.publicKey);
    assert.equal(keyGen(hex(c.seed)), getUint(hex(c.secretKey)));
    const key = bls.parsePublicKey(hex(c.publicKey));
    bls.verifyPossession(key, hex(c.owner), hex(c.possession));
    const signature = bls.sumVotes([bls.parseVote(hex(c.vote))]);
    sameBytes(bls.encodeSignature(signature), c.signature);
    bls.verifyAggregate([key], hex(c.msg), signature);
    refused(() => bls.verifyAggregate([key], concat(hex(c.msg), text('.')), signature), 'bls: signature does not verify');
  }
});

/** KeyGen of the draft, section 2.3. */
function keyGen(seed: Uint8Array): bigint {
  const salt = sha256(text('BLS-SIG-KEYGEN-SALT-'));
  const okm = hkdf(sha256, concat(seed, Uint8Array.of(0)), salt, Uint8Array.of(0, 48), 48);
  return getUint(okm) % bls12_381.G1.Point.Fn.ORDER;
}

interface Possession { desc: string; publicKey: string; owner: string; proof: string; wantErr: string }
test('possession', () => {
  for (const c of vectors<Possession>('bls/testdata/possession.json')) {
    const key = bls.parsePublicKey(hex(c.publicKey));
    judge(c.wantErr, () => bls.verifyPossession(key, hex(c.owner), hex(c.proof)));
  }
});

interface Aggregate {
  desc: string; publicKeys: string[]; msg: string; votes: string[]; signature: string; wantErr: string; bad: number[] | null;
}
test('aggregates', () => {
  for (const c of vectors<Aggregate>('bls/testdata/aggregate.json')) {
    const keys = hexes(c.publicKeys).map(bls.parsePublicKey);
    const votes = hexes(c.votes).map(bls.parseVote);
    judge(c.wantErr, () => {
      const sum = bls.sumVotes(votes);
      bls.verifyAggregate(keys, hex(c.msg), sum);
      sameBytes(bls.encodeSignature(sum), c.signature);
    });
    if (c.wantErr === '' || !c.bad) continue;
    const blamed = votes.flatMap((v, i) => {
      try {
        bls.verifyAggregate([keys[i]!], hex(c.msg), bls.sumVotes([v]));
        return [];
      } catch {
        return [i];
      }
    });
    assert.deepEqual(blamed, c.bad, c.desc);
  }
});

test('a key set holds neither a key twice nor an inverse', () => {
  const [a, b] = vectors<Parse>('bls/testdata/parse_public_key.json').map((c) => c.hex) as [string, string];
  const other = vectors<Aggregate>('bls/testdata/aggregate.json')[0]!.publicKeys[1]!;
  const set = (...keys: string[]) => bls.checkKeySet(hexes(keys).map(bls.parsePublicKey));
  set(a, other);
  refused(() => set(a, other, a), 'bls: duplicate public key');
  refused(() => set(a, other, b), 'bls: inverse public keys');
});

test('keys whose sum is infinity verify nothing', () => {
  const [a, b] = vectors<Parse>('bls/testdata/parse_public_key.json').map((c) => c.hex) as [string, string];
  const sig = bls.parseSignature(hex(vectors<Sign>('bls/testdata/sign.json')[0]!.signature));
  refused(() => bls.verifyAggregate(hexes([a, b]).map(bls.parsePublicKey), new Uint8Array(), sig), 'bls: point at infinity');
});
