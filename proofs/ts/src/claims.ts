/** What a proof file claims of one certified header (docs/spec/file.md). */

import { compare, concat, equal, isZero, short } from './bytes.js';
import { type Value, bytes, field, fixed, list, message, u64 } from './canoto.js';
import { ProofError, asKind } from './errors.js';
import { leafHash, verifyInclusion } from './merkle.js';
import { MessageWire, ReceiptWire } from './message.js';
import { HeadProofWire, verifyHead } from './queue.js';
import {
  StateEntryWire, type VerifiedMessage, type VerifiedReceipt, amountOf, assetAbroad, assetAt, logNames, logOf, stateKeys,
  verifyEntry, verifyMessage, verifyReceipt,
} from './state.js';
import type { VerifiedHeader } from './trust.js';

const maxBalances = 10_000;

export const MessageClaimWire = message({
  head: field(1, HeadProofWire),
  message: field(2, MessageWire),
  branch: list(3, fixed(32)),
});
export type MessageClaim = Value<typeof MessageClaimWire>;

export function checkMessageClaim(c: MessageClaim): void {
  if (!equal(c.message.destination, c.head.head.peer)) {
    throw new ProofError('wrong destination', `message to ${short(c.message.destination)} in the queue for ${short(c.head.head.peer)}`);
  }
}

export function verifyMessageClaim(c: MessageClaim, v: VerifiedHeader): VerifiedMessage {
  return verifyMessage(verifyHead(v, c.head, c.message.destination), c.message, c.branch);
}

export const ReceiptClaimWire = message({
  receipt: field(1, ReceiptWire),
  index: field(2, u64),
  branch: list(3, fixed(32)),
});
export type ReceiptClaim = Value<typeof ReceiptClaimWire>;

export function verifyReceiptClaim(c: ReceiptClaim, v: VerifiedHeader): VerifiedReceipt {
  return verifyReceipt(v, c.receipt, c.index, c.branch);
}

export const BalanceClaimWire = message({
  /** Under its name in the state. */
  asset: field(1, fixed(64)),
  entry: field(2, StateEntryWire),
});

export const AccountClaimWire = message({
  account: field(1, fixed(32)),
  balances: list(2, BalanceClaimWire),
});
export type AccountClaim = Value<typeof AccountClaimWire>;

/** A balance in the asset's smallest unit; the asset under its name abroad. */
export interface Balance {
  readonly asset: Uint8Array;
  readonly amount: bigint;
}

export function checkAccountClaim(c: AccountClaim): void {
  const n = c.balances.length;
  if (n === 0 || n > maxBalances) throw new ProofError('too large', `got ${n} assets, want 1 to ${maxBalances}`);
  c.balances.forEach((b, i) => {
    if (i > 0 && compare(c.balances[i - 1]!.asset, b.asset) >= 0) {
      throw new ProofError('not canonical', `asset ${i}: assets do not rise`);
    }
  });
}

export function verifyAccountClaim(c: AccountClaim, v: VerifiedHeader): Balance[] {
  const { network } = v.header;
  return c.balances.map(({ asset, entry }) => {
    if (!equal(assetAt(network, asset), asset)) {
      throw new ProofError('not canonical', `asset of ${short(asset)}: want the network's own under the zero origin`);
    }
    const amount = amountOf(verifyEntry(v, stateKeys.balance(c.account, asset), entry));
    return { asset: assetAbroad(network, asset), amount };
  });
}

export const KeyAbsenceClaimWire = message({
  key: field(1, bytes),
  /** Bytes of a trie proof. */
  proof: field(2, bytes),
});
export type KeyAbsenceClaim = Value<typeof KeyAbsenceClaimWire>;

const absent = (proof: Uint8Array) => ({ present: false, value: new Uint8Array(0), proof });

export function verifyKeyAbsenceClaim(c: KeyAbsenceClaim, v: VerifiedHeader): void {
  verifyEntry(v, c.key, absent(c.proof));
}

export const NeighbourWire = message({
  body: field(1, fixed(32)),
  branch: list(2, fixed(32)),
});
type Neighbour = Value<typeof NeighbourWire>;

export const BodyAbsenceClaimWire = message({
  body: field(1, fixed(32)),
  /** Seconds. */
  expiry: field(2, u64),
  /** Bytes of a trie proof: the body does not wait to be moved into its bucket. */
  open: field(3, bytes),
  /** The summary of the bucket. */
  bucket: field(4, StateEntryWire),
  /** How many bodies in the bucket are below. */
  index: field(5, u64),
  /** At index - 1; none if index is 0. */
  left: field(6, NeighbourWire),
  /** At index; none if the bucket ends there. */
  right: field(7, NeighbourWire),
});
export type BodyAbsenceClaim = Value<typeof BodyAbsenceClaimWire>;

function isNone(n: Neighbour): boolean {
  return isZero(n.body) && n.branch.length === 0;
}

export function checkBodyAbsenceClaim(c: BodyAbsenceClaim): void {
  if ((c.index === 0n) !== isNone(c.left)) {
    throw new ProofError('not canonical', `index ${c.index}: a left neighbour where none belongs, or none`);
  }
  if (!isNone(c.left) && compare(c.left.body, c.body) >= 0) {
    throw new ProofError('bad branch', `left neighbour ${short(c.left.body)} is not below ${short(c.body)}`);
  }
  if (!isNone(c.right) && compare(c.right.body, c.body) <= 0) {
    throw new ProofError('bad branch', `right neighbour ${short(c.right.body)} is not above ${short(c.body)}`);
  }
}

/** Its expiry is past, and its body neither waits for its bucket nor is in it. */
export function verifyBodyAbsenceClaim(c: BodyAbsenceClaim, v: VerifiedHeader): void {
  const second = v.header.executedTime / 1000n;
  if (second < c.expiry) throw new ProofError('bad time', `bucket ${c.expiry}: got a state of second ${second}`);
  verifyEntry(v, stateKeys.dedup(c.expiry, c.body), absent(c.open));
  const { range } = logOf(verifyEntry(v, stateKeys.log(logNames.bucket(c.expiry)), c.bucket));
  if (c.index > range.end || (c.index === range.end) !== isNone(c.right)) {
    throw new ProofError('bad index', `bucket of ${range.end} bodies: index ${c.index}: a right neighbour where none belongs, or none`);
  }
  const root = range.root();
  for (const [n, index] of [[c.left, c.index - 1n], [c.right, c.index]] as const) {
    if (isNone(n)) continue;
    asKind('bad branch', `body ${index}`, () => verifyInclusion(leafHash(n.body), index, range.end, n.branch, root));
  }
}

/** An asset id: the issuing network, and its id there. */
export function assetId(origin: Uint8Array, local: Uint8Array): Uint8Array {
  return concat(origin, local);
}
