/** Headers, votes, certificates (docs/spec/header.md). */

import { parseSignature, verifyAggregate } from './bls.js';
import { equal, isZero, short } from './bytes.js';
import { type Value, bytes, field, fixed, list, message, u32, u64 } from './canoto.js';
import { ProofError, asKind } from './errors.js';
import { Layout, ObjectType } from './layout.js';
import { SetDeltaWire, type ValidatorSet, exceeds } from './validators.js';

export const maxLinks = 16;

/** Most bytes of the wire form of a certified header, and of a key block (layout.md). */
export const maxCertifiedHeaderBytes = 16 << 10;
export const maxKeyBlockBytes = 256 << 10;

export const HeaderWire = message({
  version: field(1, u32),
  network: field(2, fixed(32)),
  epoch: field(3, u64),
  setHash: field(4, fixed(32)),
  height: field(5, u64),
  parent: field(6, fixed(32)),
  previousKeyHeight: field(7, u64),
  cutRoot: field(8, fixed(32)),
  time: field(9, u64),
  executed: field(10, u64),
  executedTime: field(11, u64),
  stateRoot: field(12, fixed(32)),
  outboundRoot: field(13, fixed(32)),
  receiptRoot: field(14, fixed(32)),
  receiptSize: field(15, u64),
  nextSetHash: field(16, fixed(32)),
});
/** What somebody claims about a block; times in milliseconds. */
export type Header = Value<typeof HeaderWire>;

export function headerLayout(h: Header): Layout {
  return new Layout(h.network, ObjectType.header)
    .u32(h.version).u64(h.epoch).hash(h.setHash).u64(h.height).hash(h.parent).u64(h.previousKeyHeight)
    .hash(h.cutRoot).u64(h.time).u64(h.executed).u64(h.executedTime).hash(h.stateRoot)
    .hash(h.outboundRoot).hash(h.receiptRoot).u64(h.receiptSize).hash(h.nextSetHash);
}

export function headerId(h: Header): Uint8Array {
  return headerLayout(h).id();
}

/** Whether the header is the last of its epoch. */
export function isKeyBlock(h: Header): boolean {
  return !isZero(h.nextSetHash);
}

export const AggregateWire = message({
  /** Bit i%8, least significant first, of byte i/8 is member i. */
  bitmap: field(1, bytes),
  signature: field(2, fixed(48)),
});
export type Aggregate = Value<typeof AggregateWire>;

export const CertificateWire = message({
  view: field(1, u64),
  parentView: field(2, u64),
  quorum: field(3, AggregateWire),
});
export type Certificate = Value<typeof CertificateWire>;

export const CertifiedHeaderWire = message({
  header: field(1, HeaderWire),
  /** The header's child, its child, and so on. */
  links: list(2, HeaderWire),
  /** Over the last link, or over the header if there is none. */
  certificate: field(3, CertificateWire),
});
/** The claim that a quorum finalized a header. */
export type CertifiedHeader = Value<typeof CertifiedHeaderWire>;

export const KeyBlockWire = message({
  header: field(1, HeaderWire),
  certificate: field(2, CertificateWire),
  next: field(3, SetDeltaWire),
});
export type KeyBlock = Value<typeof KeyBlockWire>;

export interface VoteStatement {
  readonly kind: typeof ObjectType.notarize | typeof ObjectType.nullify | typeof ObjectType.finalize;
  readonly epoch: bigint;
  readonly setHash: Uint8Array;
  readonly view: bigint;
  /** Not in a nullify vote. */
  readonly parentView: bigint;
  readonly header: Uint8Array;
}

/** What a validator signs about a view. */
export function voteLayout(network: Uint8Array, v: VoteStatement): Layout {
  const l = new Layout(network, v.kind).u64(v.epoch).hash(v.setHash).u64(v.view);
  return v.kind === ObjectType.nullify ? l : l.u64(v.parentView).hash(v.header);
}

/** The signers that a bitmap names. Errors: bad signer bitmap. */
export function signersOf(a: Aggregate, set: ValidatorSet): number[] {
  const n = set.members.length;
  const want = Math.ceil(n / 8);
  if (a.bitmap.length !== want) {
    throw new ProofError('bad signer bitmap', `bitmap: got ${a.bitmap.length} bytes, want ${want}`);
  }
  const signers: number[] = [];
  for (let i = 0; i < 8 * want; i++) {
    if ((((a.bitmap[i >> 3] as number) >> (i & 7)) & 1) === 0) continue;
    if (i >= n) throw new ProofError('bad signer bitmap', `bitmap: bit ${i} set in a set of ${n}`);
    signers.push(i);
  }
  return signers;
}

/**
 * Checks that members of more than num/den of the weight signed msg.
 * Errors: bad signer bitmap, quorum not reached, bad signature.
 */
export function verifyQuorum(a: Aggregate, set: ValidatorSet, msg: Uint8Array, num: bigint, den: bigint): void {
  const signers = signersOf(a, set);
  const weight = signers.reduce((w, i) => w + set.members[i]!.weight, 0n);
  if (!exceeds(weight, set.total, num, den)) {
    throw new ProofError('quorum not reached', `got weight ${weight}, want more than ${num}/${den} of ${set.total}`);
  }
  asKind('bad signature', 'certificate', () => {
    const sig = parseSignature(a.signature);
    verifyAggregate(signers.map((i) => set.key(i)), msg, sig);
  });
}

/**
 * Checks the certificate of a header under a set, in the order of header.md.
 * Errors: wrong validator set, and those of verifyQuorum.
 */
export function verifyCertificate(c: Certificate, h: Header, set: ValidatorSet): void {
  if (!equal(h.setHash, set.hash)) {
    throw new ProofError('wrong validator set', `certificate: got set ${short(h.setHash)}, want ${short(set.hash)}`);
  }
  const statement = {
    kind: ObjectType.finalize,
    epoch: h.epoch,
    setHash: h.setHash,
    view: c.view,
    parentView: c.parentView,
    header: headerId(h),
  };
  verifyQuorum(c.quorum, set, voteLayout(h.network, statement).toBytes(), 2n, 3n);
}

/** Follows the links from a header to the last. Errors: too large, bad header link. */
export function followLinks(header: Header, links: readonly Header[]): Header {
  if (links.length > maxLinks) {
    throw new ProofError('too large', `got ${links.length} linking headers, want at most ${maxLinks}`);
  }
  return links.reduce((below, l, i) => {
    const follows =
      !isKeyBlock(below) && equal(l.parent, headerId(below)) && l.height === below.height + 1n &&
      l.time > below.time && l.version === below.version && equal(l.network, below.network) &&
      l.epoch === below.epoch && equal(l.setHash, below.setHash) && l.previousKeyHeight === below.previousKeyHeight;
    if (!follows) {
      throw new ProofError('bad header link', `link ${i}: header ${l.height} does not follow ${below.height} in its epoch`);
    }
    return l;
  }, header);
}
