/**
 * BLS12-381 signatures with keys in G2 (docs/spec/bls.md). Encodings are checked
 * here, above the curve's library, so that each value has one.
 */

import { bls12_381 } from '@noble/curves/bls12-381.js';
import { concat, equal, getUint } from './bytes.js';
import { ProofError, asKind } from './errors.js';

export const signatureTag = 'BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_POP_';
export const possessionTag = 'BLS_POP_BLS12381G1_XMD:SHA-256_SSWU_RO_POP_';

const { Fp, Fp2, Fp12 } = bls12_381.fields;
const G1 = bls12_381.G1.Point;
const G2 = bls12_381.G2.Point;
type G1Point = InstanceType<typeof G1>;
type G2Point = InstanceType<typeof G2>;

const width = 48;
const compressedFlag = 0x80;
const infinityFlag = 0x40;
const largerFlag = 0x20;

declare const checked: unique symbol;

/** A public key that was parsed: in the subgroup, not infinity. */
export interface PublicKey {
  readonly bytes: Uint8Array;
  readonly point: G2Point;
  readonly [checked]: 'key';
}

/** A signature that was parsed: in the subgroup, not infinity. */
export interface Signature {
  readonly point: G1Point;
  readonly [checked]: 'signature';
}

/** A vote that was parsed: on the curve, not infinity, perhaps outside the subgroup. */
export interface Vote {
  readonly point: G1Point;
  readonly [checked]: 'vote';
}

/** Reads the coordinates of an encoding, with the flags checked and taken off. */
function coordinates(b: Uint8Array, size: number, compressed: boolean): { larger: boolean; coords: bigint[] } {
  if (b.length !== size) throw new ProofError('bls: wrong length', `got ${b.length} bytes, want ${size}`);
  const bad = (what: string): never => {
    throw new ProofError('bls: encoding is not canonical', what);
  };
  const flags = b[0] as number;
  if (((flags & compressedFlag) !== 0) !== compressed) bad(`compressed flag, want ${compressed}`);
  if (flags & infinityFlag) {
    const expected = compressed ? compressedFlag | infinityFlag : infinityFlag;
    if (flags !== expected || b.subarray(1).some((x) => x !== 0)) bad('infinity with other bits');
    throw new ProofError('bls: point at infinity', `${size} bytes`);
  }
  const larger = (flags & largerFlag) !== 0;
  if (larger && !compressed) bad('sign flag on an uncompressed point');
  const plain = b.slice();
  plain[0] = flags & 0x1f;
  const coords: bigint[] = [];
  for (let at = 0; at < size; at += width) {
    const c = getUint(plain.subarray(at, at + width));
    if (c >= Fp.ORDER) bad('coordinate is not below the modulus');
    coords.push(c);
  }
  return { larger, coords };
}

function offCurve(): never {
  throw new ProofError('bls: point is not on the curve', 'no such point');
}

/** The root of a, or a refusal: the library throws if there is none. */
function rootOf<T>(field: { sqrt(a: T): T; sqr(a: T): T; eql(a: T, b: T): boolean }, a: T): T {
  let y: T;
  try {
    y = field.sqrt(a);
  } catch {
    return offCurve();
  }
  return field.eql(field.sqr(y), a) ? y : offCurve();
}

function isLarger(y: bigint): boolean {
  return 2n * y > Fp.ORDER;
}

function inSubgroup<P extends { isTorsionFree(): boolean }>(p: P): P {
  if (!p.isTorsionFree()) throw new ProofError('bls: point is not in the subgroup', 'point of another order');
  return p;
}

/** Reads a compressed signature. Errors: those of bls.md, in its order. */
export function parseSignature(b: Uint8Array): Signature {
  const { larger, coords } = coordinates(b, 48, true);
  const x = coords[0]!;
  const y = rootOf(Fp, Fp.add(Fp.mul(Fp.sqr(x), x), 4n));
  const point = G1.fromAffine({ x, y: isLarger(y) === larger ? y : Fp.neg(y) });
  return { point: inSubgroup(point) } as Signature;
}

/** Reads an uncompressed vote. Errors: those of bls.md; subgroup only for x = 0. */
export function parseVote(b: Uint8Array): Vote {
  const [x, y] = coordinates(b, 96, false).coords as [bigint, bigint];
  if (Fp.sqr(y) !== Fp.add(Fp.mul(Fp.sqr(x), x), 4n)) offCurve();
  if (x === 0n) throw new ProofError('bls: point is not in the subgroup', 'x is zero');
  return { point: G1.fromAffine({ x, y }) } as Vote;
}

/** Reads a compressed public key. Errors: those of bls.md, in its order. */
export function parsePublicKey(b: Uint8Array): PublicKey {
  const { larger, coords } = coordinates(b, 96, true);
  const x = Fp2.fromBigTuple([coords[1]!, coords[0]!]);
  const y = rootOf(Fp2, Fp2.add(Fp2.mul(Fp2.sqr(x), x), Fp2.fromBigTuple([4n, 4n])));
  const yIsLarger = y.c1 === 0n ? isLarger(y.c0) : isLarger(y.c1);
  const point = G2.fromAffine({ x, y: yIsLarger === larger ? y : Fp2.neg(y) });
  return { bytes: b.slice(), point: inSubgroup(point) } as PublicKey;
}

const negatedBase = bls12_381.utils.calcPairingPrecomputes(G2.BASE.negate());

/** e(sig, g2) = e(H(msg), key), for points that are in their subgroups. */
function pairingHolds(sig: G1Point, key: G2Point, msg: Uint8Array, tag: string): boolean {
  const h = bls12_381.G1.hashToCurve(msg, { DST: tag }).toAffine();
  const s = sig.toAffine();
  const product = bls12_381.millerLoopBatch([
    [negatedBase, s.x, s.y],
    [bls12_381.utils.calcPairingPrecomputes(key), h.x, h.y],
  ]);
  return Fp12.eql(Fp12.finalExponentiate(product), Fp12.ONE);
}

/**
 * Checks one signature of all holders of `keys` on one message.
 * Errors: bls: empty set, bls: point at infinity, bls: signature does not verify.
 */
export function verifyAggregate(keys: readonly PublicKey[], msg: Uint8Array, sig: Signature): void {
  if (keys.length === 0) throw new ProofError('bls: empty set', 'no keys');
  const sum = keys.reduce((p, k) => p.add(k.point), G2.ZERO);
  if (sum.is0()) throw new ProofError('bls: point at infinity', 'the sum of the keys');
  if (!pairingHolds(sig.point, sum, msg, signatureTag)) {
    throw new ProofError('bls: signature does not verify', `under ${keys.length} keys`);
  }
}

/**
 * Adds votes on one message to what a certificate carries. The sum still has to be
 * verified. Errors: bls: empty set, bls: point at infinity, bls: point is not in the
 * subgroup.
 */
export function sumVotes(votes: readonly Vote[]): Signature {
  if (votes.length === 0) throw new ProofError('bls: empty set', 'no votes');
  const point = votes.reduce((p, v) => p.add(v.point), G1.ZERO);
  if (point.is0()) throw new ProofError('bls: point at infinity', 'the sum of the votes');
  return { point: inSubgroup(point) } as Signature;
}

/** The 48 bytes of a signature. */
export function encodeSignature(s: Signature): Uint8Array {
  return s.point.toBytes(true);
}

/**
 * Checks that the owner, an Ed25519 node key, holds the secret of `key`.
 * Errors: those of parseSignature, bls: signature does not verify.
 */
export function verifyPossession(key: PublicKey, owner: Uint8Array, proof: Uint8Array): void {
  const sig = asKind('bls: proof of possession refused', 'proof', () => parseSignature(proof));
  if (owner.length !== 32) throw new RangeError(`got ${owner.length} bytes of node key, want 32`);
  if (!pairingHolds(sig.point, key.point, concat(key.bytes, owner), possessionTag)) {
    const cause = new ProofError('bls: signature does not verify', 'proof of possession');
    throw new ProofError('bls: proof of possession refused', cause.message, cause);
  }
}

/** Refuses a key that occurs twice, or with its inverse. */
export function checkKeySet(keys: readonly PublicKey[]): void {
  const sorted = keys.map((k) => k.bytes).sort((a, b) => compareUnsigned(a, b));
  for (let i = 1; i < sorted.length; i++) {
    if (compareUnsigned(sorted[i - 1]!, sorted[i]!) !== 0) continue;
    if (equal(sorted[i - 1]!, sorted[i]!)) throw new ProofError('bls: duplicate public key', 'key set');
    throw new ProofError('bls: inverse public keys', 'key set');
  }
}

/** Compares encodings but for the flag that tells a point from its inverse. */
function compareUnsigned(a: Uint8Array, b: Uint8Array): number {
  const first = ((a[0] as number) & ~largerFlag) - ((b[0] as number) & ~largerFlag);
  if (first !== 0) return first;
  for (let i = 1; i < a.length; i++) {
    const d = (a[i] as number) - (b[i] as number);
    if (d !== 0) return d;
  }
  return 0;
}
