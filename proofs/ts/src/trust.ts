/** Following a network, key block by key block (docs/spec/trust.md). */

import { equal, isZero, short } from './bytes.js';
import { ProofError } from './errors.js';
import {
  type CertifiedHeader, type Header, type KeyBlock, followLinks, headerId, isKeyBlock, verifyCertificate,
} from './header.js';
import type { ValidatorSet } from './validators.js';
import { type Zero, protocolVersion } from './zero.js';

const maxEpoch = (1n << 64n) - 1n;

/** What a follower keeps of a network. It does not change: advancing makes another. */
export interface Trust {
  readonly network: Uint8Array;
  /** The set that signs now. */
  readonly set: ValidatorSet;
  readonly epoch: bigint;
  /** The key block that led here; 0 and the network's id at the zero-header. */
  readonly keyHeight: bigint;
  /** Not known after an epoch was skipped. */
  readonly keyId?: Uint8Array | undefined;
  /** Of the newest header that advanced or refreshed this trust, ms. */
  readonly time: bigint;
  /** ms; from the zero-header, or shorter. */
  readonly trustPeriod: bigint;
  /** ms */
  readonly maxClockDrift: bigint;
}

/** The reader's clock. */
export interface Clock {
  /** ms since the Unix epoch. */
  readonly now: bigint;
  /**
   * Leaves the trust period unchecked: for the walk from a zero-header or checkpoint
   * towards the present, whose end is checked with isExpired, and for old proofs.
   */
  readonly historical?: boolean | undefined;
}

declare const checked: unique symbol;
const made = new WeakSet<object>();

/** A header that a quorum of a followed set finalized. Only this module makes one. */
export interface VerifiedHeader {
  readonly header: Header;
  readonly id: Uint8Array;
  readonly [checked]: 'header';
}

function verified(header: Header, id: Uint8Array): VerifiedHeader {
  const v = Object.freeze({ header, id }) as VerifiedHeader;
  made.add(v);
  return v;
}

/** Refuses, at run time as well, an object that no verifier made. */
export function assertVerified(v: VerifiedHeader): void {
  if (!made.has(v)) throw new TypeError('want a header that was verified');
}

export function trustZero(z: Zero): Trust {
  return {
    network: z.id,
    set: z.set,
    epoch: 0n,
    keyHeight: 0n,
    keyId: z.id,
    time: z.header.time,
    trustPeriod: z.header.parameters.trustPeriod,
    maxClockDrift: z.header.parameters.maxClockDrift,
  };
}

/** Whether the trust's last header is longer ago than the trust period. */
export function isExpired(t: Trust, now: bigint): boolean {
  return now - t.time > t.trustPeriod;
}

/** Whether the header is the key block that led to this trust; the zero-header is none. */
export function isFollowed(t: Trust, h: Header): boolean {
  if (t.keyId === undefined || t.keyHeight === 0n || h.height !== t.keyHeight) return false;
  return equal(h.network, t.network) && equal(headerId(h), t.keyId);
}

function checkAge(t: Trust, clock: Clock): void {
  if (!clock.historical && isExpired(t, clock.now)) {
    throw new ProofError('trust expired', `trust in ${short(t.network)} is of ${t.time}, at ${clock.now}, for ${t.trustPeriod} ms`);
  }
}

/**
 * Verifies a certified header, in the order of trust.md; all but the last check are
 * cheap. The key block that is followed needs no certificate.
 */
export function verifyHeader(t: Trust, ch: CertifiedHeader, clock: Clock): VerifiedHeader {
  const h = ch.header;
  if (isFollowed(t, h)) {
    checkAge(t, clock);
    return verified(h, headerId(h));
  }
  checkPlace(t, h);
  checkClaims(h);
  if (h.time - clock.now > t.maxClockDrift) {
    throw new ProofError('time ahead of the local clock', `header ${h.height}: got time ${h.time}, at ${clock.now}`);
  }
  checkAge(t, clock);
  verifyCertificate(ch.certificate, followLinks(h, ch.links), t.set);
  return verified(h, headerId(h));
}

/** Steps 1 to 6: whose header it is, and where it stands to the trust. */
function checkPlace(t: Trust, h: Header): void {
  const refuse = (kind: ProofError['kind'], what: string): never => {
    throw new ProofError(kind, `header ${h.height} of ${short(t.network)}: ${what}`);
  };
  if (!t.set) refuse('wrong validator set', 'no set is trusted');
  if (!equal(h.network, t.network)) refuse('wrong network', `got ${short(h.network)}`);
  if (h.version !== protocolVersion) refuse('unknown protocol version', `got ${h.version}, want ${protocolVersion}`);
  if (h.epoch < t.epoch) refuse('already superseded', `got epoch ${h.epoch}, want at least ${t.epoch}`);
  if (!equal(h.setHash, t.set.hash)) {
    refuse(h.epoch > t.epoch ? 'epoch not followed' : 'wrong validator set', `epoch ${h.epoch}, set ${short(h.setHash)}`);
  }
  const keyHeightFits = h.epoch === t.epoch ? h.previousKeyHeight === t.keyHeight : h.previousKeyHeight > t.keyHeight;
  if (
    h.height <= t.keyHeight || h.executed >= h.height || h.epoch === maxEpoch ||
    h.previousKeyHeight >= h.height || !keyHeightFits
  ) {
    refuse('bad header link', `epoch ${h.epoch}, executed ${h.executed}, previous key height ${h.previousKeyHeight}`);
  }
}

/** Step 7: what no network certifies. */
function checkClaims(h: Header): void {
  if (isZero(h.stateRoot) || isZero(h.outboundRoot) || isZero(h.receiptRoot)) {
    throw new ProofError('root mismatch', `header ${h.height}: got a zero root`);
  }
  if (h.executedTime >= h.time) {
    throw new ProofError('bad time', `header ${h.height}: executed time ${h.executedTime}, time ${h.time}`);
  }
}

/**
 * Follows a key block: returns the trust in the set that it names, and the header.
 * Errors: those of verifyHeader, ValidatorSet.apply; bad header link; already
 * superseded for the key block that is followed; wrong validator set.
 */
export function advance(t: Trust, kb: KeyBlock, clock: Clock): { trust: Trust; header: VerifiedHeader } {
  const h = kb.header;
  if (!isKeyBlock(h)) throw new ProofError('bad header link', `header ${h.height}: no key block`);
  if (isFollowed(t, h)) throw new ProofError('already superseded', `key block ${h.height} is the one that is followed`);
  const header = verifyHeader(t, { header: h, links: [], certificate: kb.certificate }, clock);
  const set = t.set.apply(kb.next);
  if (!equal(set.hash, h.nextSetHash)) {
    throw new ProofError('wrong validator set', `key block ${h.height}: delta gives ${short(set.hash)}, want ${short(h.nextSetHash)}`);
  }
  const time = h.time > t.time ? h.time : t.time;
  return { trust: { ...t, set, epoch: h.epoch + 1n, keyHeight: h.height, keyId: header.id, time }, header };
}

/** The trust after a verified header: its time, and what an epoch jump moves. */
export function refresh(t: Trust, v: VerifiedHeader): Trust {
  assertVerified(v);
  const h = v.header;
  if (!equal(h.network, t.network) || h.epoch < t.epoch || !equal(h.setHash, t.set.hash)) return t;
  const time = h.time > t.time ? h.time : t.time;
  if (h.epoch === t.epoch) return { ...t, time };
  return { ...t, time, epoch: h.epoch, keyHeight: h.previousKeyHeight, keyId: undefined };
}

/** Throws `two certified headers at one height` if both were certified and contradict each other. */
export function checkConflict(a: VerifiedHeader, b: VerifiedHeader): void {
  assertVerified(a);
  assertVerified(b);
  if (equal(a.header.network, b.header.network) && a.header.height === b.header.height && !equal(a.id, b.id)) {
    throw new ProofError('two certified headers at one height', `header ${a.header.height}: ${short(a.id)} and ${short(b.id)}`);
  }
}
