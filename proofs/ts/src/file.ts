/** Proof files: a proof that needs nothing beside it but a network's id (docs/spec/file.md). */

import { concat, equal, short, text, toHex } from './bytes.js';
import { type Value, bytes, field, list, message, u8 } from './canoto.js';
import {
  AccountClaimWire, BodyAbsenceClaimWire, KeyAbsenceClaimWire, MessageClaimWire, ReceiptClaimWire, checkAccountClaim,
  checkBodyAbsenceClaim, checkMessageClaim, verifyAccountClaim, verifyBodyAbsenceClaim, verifyKeyAbsenceClaim,
  verifyMessageClaim, verifyReceiptClaim,
} from './claims.js';
import { ConservationClaimWire, checkConservationClaim, verifyConservationClaim } from './conservation.js';
import { ProofError } from './errors.js';
import { CertifiedHeaderWire, KeyBlockWire, signersOf } from './header.js';
import { hash } from './layout.js';
import type { Certified, Proved, Statement } from './statement.js';
import { type VerifiedHeader, advance, isExpired, isFollowed, refresh, trustZero, verifyHeader } from './trust.js';
import { ZeroHeaderWire, checkZeroHeader } from './zero.js';

export const maxFileBytes = 64 << 20;

/** Every file begins with it; the last byte is the version of the format. */
const magic = text('isthprf1');

/** The magic, and SHA-256 of magic and body, which finds damage and proves nothing. */
const bodyAt = magic.length + 32;

export const ChainWire = message({
  zero: field(1, ZeroHeaderWire),
  keyBlocks: list(2, KeyBlockWire),
  header: field(3, CertifiedHeaderWire),
});
/** Leads from a network's id to one certified header. */
export type Chain = Value<typeof ChainWire>;

const FileBodyWire = message({
  kind: field(1, u8),
  chains: list(2, ChainWire),
  /** Wire form of the kind's claim. */
  claim: field(3, bytes),
});

/** A claim that was read; it checks itself, and is proved under the chains' headers. */
interface Claim {
  readonly kind: Statement['kind'];
  /** What needs no header and no cryptography. */
  check(chains: number): void;
  verify(headers: readonly VerifiedHeader[]): Proved;
}

type ReadClaim = (b: Uint8Array) => Claim;

const none = () => {};

/** The kinds of files, by their numbers, which are never reused. */
const claimReaders: Readonly<Record<number, ReadClaim>> = {
  1: (b) => {
    const c = MessageClaimWire.decode(b, maxFileBytes);
    return {
      kind: 'message',
      check: () => checkMessageClaim(c),
      verify: ([v]) => ({ kind: 'message', message: verifyMessageClaim(c, v!) }),
    };
  },
  2: (b) => {
    const c = ReceiptClaimWire.decode(b, maxFileBytes);
    return { kind: 'receipt', check: none, verify: ([v]) => ({ kind: 'receipt', receipt: verifyReceiptClaim(c, v!) }) };
  },
  3: (b) => {
    const c = AccountClaimWire.decode(b, maxFileBytes);
    return {
      kind: 'account',
      check: () => checkAccountClaim(c),
      verify: ([v]) => ({ kind: 'account', account: c.account, balances: verifyAccountClaim(c, v!) }),
    };
  },
  4: (b) => {
    const c = KeyAbsenceClaimWire.decode(b, maxFileBytes);
    return {
      kind: 'absence',
      check: none,
      verify: ([v]) => {
        verifyKeyAbsenceClaim(c, v!);
        return { kind: 'absence', key: c.key };
      },
    };
  },
  5: (b) => {
    const c = BodyAbsenceClaimWire.decode(b, maxFileBytes);
    return {
      kind: 'unexecuted',
      check: () => checkBodyAbsenceClaim(c),
      verify: ([v]) => {
        verifyBodyAbsenceClaim(c, v!);
        return { kind: 'unexecuted', body: c.body, expirySeconds: c.expiry };
      },
    };
  },
  6: (b) => {
    const c = ConservationClaimWire.decode(b, maxFileBytes);
    return {
      kind: 'conservation',
      check: (chains) => checkConservationClaim(c, chains),
      verify: (headers) => ({ kind: 'conservation', conservation: verifyConservationClaim(c, headers) }),
    };
  },
};

/** A file that was read and is believed in nothing. */
export interface ProofFile {
  readonly kind: Statement['kind'];
  /** The network's own, and those of the peers that the claim is about. */
  readonly chains: readonly Chain[];
  /** @internal */
  readonly claim: Claim;
}

/**
 * Reads a proof file; does no cryptography. Errors: too large, malformed, not canonical,
 * unknown protocol version for a later format or an unknown kind.
 */
export function parseFile(b: Uint8Array): ProofFile {
  if (b.length > maxFileBytes) throw new ProofError('too large', `proof file: got ${b.length} bytes, want at most ${maxFileBytes}`);
  const body = FileBodyWire.decode(openFile(b), maxFileBytes);
  const read = claimReaders[body.kind];
  if (!read) throw new ProofError('unknown protocol version', `proof file: got kind ${body.kind}`);
  const claim = read(body.claim);
  const n = body.chains.length;
  if (n === 0 || (n > 1 && claim.kind !== 'conservation')) {
    throw new ProofError('not canonical', `proof file: ${claim.kind}: got ${n} chains`);
  }
  claim.check(n);
  return { kind: claim.kind, chains: body.chains, claim };
}

/** The body of a file that is not damaged. */
function openFile(b: Uint8Array): Uint8Array {
  const got = b.subarray(0, magic.length);
  if (!equal(got, magic)) {
    const later = got.length === magic.length && equal(got.subarray(0, -1), magic.subarray(0, -1));
    throw new ProofError(later ? 'unknown protocol version' : 'malformed', `proof file: got ${toHex(got)} as its first bytes`);
  }
  if (b.length < bodyAt) throw new ProofError('malformed', `proof file: got ${b.length} bytes, want at least ${bodyAt}`);
  const body = b.subarray(bodyAt);
  if (!equal(hash(magic, body), b.subarray(magic.length, bodyAt))) {
    throw new ProofError('malformed', 'proof file: damaged: the digest is that of other bytes');
  }
  return body;
}

/** When a file is read, and what its reader demands of its age. */
export interface Reading {
  /** ms since the Unix epoch. */
  readonly now: bigint;
  /** The most milliseconds since the execution whose state is shown; 0 is any. */
  readonly maxAge?: bigint;
  /**
   * Demands that the headers are within their networks' trust periods. Past it the
   * validators that signed may have been released: whoever holds their keys by then
   * can sign another history.
   */
  readonly inTrust?: boolean;
}

/**
 * Checks everything, from the network, which the caller knows by other means, to the
 * claim. The statement says what is proved, by whom, and as of when.
 */
export function verifyFile(b: Uint8Array, network: Uint8Array, r: Reading): Statement {
  const file = parseFile(b);
  file.chains.forEach((c) => checkAge(c, r));
  const [first] = file.chains as [Chain];
  const got = first.header.header.network;
  if (!equal(got, network)) throw new ProofError('wrong network', `proof file of network ${toHex(got)}, want ${toHex(network)}`);
  const followed = file.chains.map((c) => verifyChain(c, c.header.header.network, r));
  const networks = followed.map((f) => f.certified) as [Certified, ...Certified[]];
  return Object.freeze({ ...file.claim.verify(followed.map((f) => f.header)), networks }) as Statement;
}

function ageOf(c: Chain, now: bigint): bigint {
  const age = now - c.header.header.executedTime;
  return age > 0n ? age : 0n;
}

/** Refuses what is too old before any cryptography. */
function checkAge(c: Chain, r: Reading): void {
  const h = c.header.header;
  const age = ageOf(c, r.now);
  if (r.maxAge && age > r.maxAge) {
    throw new ProofError('trust expired', `state of ${short(h.network)} after block ${h.executed}: got an age of ${age} ms, want at most ${r.maxAge}`);
  }
}

/**
 * Follows a chain from the network's id to its header, and says who certified it. A
 * header that is the last of the key blocks is not canonical: it is shown with its
 * own certificate.
 */
export function verifyChain(c: Chain, network: Uint8Array, r: Reading): { header: VerifiedHeader; certified: Certified } {
  const zero = checkZeroHeader(c.zero, network);
  const clock = { now: r.now, historical: true };
  const trust = c.keyBlocks.reduce((t, kb) => advance(t, kb, clock).trust, trustZero(zero));
  if (isFollowed(trust, c.header.header)) {
    throw new ProofError('not canonical', `header ${trust.keyHeight}: got it among the key blocks as well`);
  }
  const header = verifyHeader(trust, c.header, clock);
  const signers = signersOf(c.header.certificate.quorum, trust.set);
  const expired = isExpired(refresh(trust, header), r.now);
  if (r.inTrust && expired) {
    throw new ProofError('trust expired', `header ${header.header.height} of ${short(network)}: of ${header.header.time}, at ${r.now}`);
  }
  const h = header.header;
  const p = zero.header.parameters;
  const certified: Certified = Object.freeze({
    network, name: p.name, symbol: p.symbol, decimals: p.decimals,
    epoch: h.epoch, height: h.height, header: header.id, time: h.time,
    executed: h.executed, executedTime: h.executedTime, age: ageOf(c, r.now),
    set: trust.set.hash, signers: signers.length, members: trust.set.members.length,
    weight: signers.reduce((w, i) => w + trust.set.members[i]!.weight, 0n), totalWeight: trust.set.total,
    expired,
  });
  return { header, certified };
}

/** Puts magic and digest before a body. */
export function sealFile(body: Uint8Array): Uint8Array {
  return concat(magic, hash(magic, body), body);
}

/** The bytes of a file, for who makes one. */
export function encodeFile(kind: number, chains: readonly Chain[], claim: Uint8Array): Uint8Array {
  return sealFile(FileBodyWire.encode({ kind, chains, claim }));
}
