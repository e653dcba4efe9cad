/**
 * What a certified header says of single things: an entry of the state, a receipt, a
 * message (docs/spec/state.md, file.md).
 */

import { concat, getUint, putUint, text, toHex } from './bytes.js';
import { type Value, bool, bytes, field, message } from './canoto.js';
import { ProofError, asKind } from './errors.js';
import { CompactRange, verifyInclusion } from './merkle.js';
import { type Message, type Receipt, messageId, receiptLayout } from './message.js';
import { type VerifiedHead, assertVerifiedHead } from './queue.js';
import { checkPlace } from './slice.js';
import { parseTrieProof, verifyAbsence, verifyPresence } from './trie.js';
import { type VerifiedHeader, assertVerified } from './trust.js';

export const maxStateKey = 4 << 10;
export const maxStateValue = 16 << 20;

export const StateEntryWire = message({
  present: field(1, bool),
  value: field(2, bytes),
  /** Bytes of a trie proof. */
  proof: field(3, bytes),
});
/** The claim that a state holds the value under a key, or nothing. */
export type StateEntry = Value<typeof StateEntryWire>;

declare const checked: unique symbol;

/** What a certified state holds under one key: nothing if there is no value. */
export interface VerifiedEntry {
  readonly key: Uint8Array;
  readonly value: Uint8Array | undefined;
  readonly header: VerifiedHeader;
  readonly [checked]: 'entry';
}

/**
 * Checks that the state which the header certifies holds under the key what the entry
 * says. Errors: too large, not canonical, malformed, bad branch.
 */
export function verifyEntry(v: VerifiedHeader, key: Uint8Array, e: StateEntry): VerifiedEntry {
  assertVerified(v);
  const what = `state entry ${toHex(key.subarray(0, 40))}`;
  if (key.length > maxStateKey || e.value.length > maxStateValue) {
    throw new ProofError('too large', `${what}: got a key of ${key.length} and a value of ${e.value.length} bytes`);
  }
  if (!e.present && e.value.length > 0) {
    throw new ProofError('not canonical', `${what}: got a value of ${e.value.length} bytes that is absent`);
  }
  const proof = asKind('malformed', what, () => parseTrieProof(e.proof));
  asKind('bad branch', what, () => {
    if (e.present) verifyPresence(key, e.value, proof, v.header.stateRoot);
    else verifyAbsence(key, proof, v.header.stateRoot);
  });
  return Object.freeze({ key, value: e.present ? e.value : undefined, header: v }) as VerifiedEntry;
}

/** Reads an entry whose value is an amount; absence is nothing. Errors: malformed. */
export function amountOf(e: VerifiedEntry): bigint {
  if (!e.value) return 0n;
  const amount = getUint(e.value);
  if (e.value.length !== 16 || amount === 0n) {
    throw new ProofError('malformed', `amount under ${toHex(e.key.subarray(0, 40))}: got ${toHex(e.value.subarray(0, 17))}`);
  }
  return amount;
}

/** What a state says of one of its logs. */
export interface LogSummary {
  /** Entries below are consumed. */
  readonly begin: bigint;
  /** Of [0, end). */
  readonly range: CompactRange;
}

/** Reads an entry whose value is a log's summary; absence is the empty log. Errors: malformed. */
export function logOf(e: VerifiedEntry): LogSummary {
  if (!e.value) return { begin: 0n, range: CompactRange.empty() };
  const b = e.value;
  if (b.length < 16 || b.length % 32 !== 16 || b.length > 16 + 64 * 32) {
    throw new ProofError('malformed', `summary of a log: got ${b.length} bytes, want 16 and 32 for each node`);
  }
  const begin = getUint(b.subarray(0, 8));
  const end = getUint(b.subarray(8, 16));
  if (begin > end || end === 0n) throw new ProofError('malformed', `summary of a log: begin ${begin}, end ${end}`);
  const nodes: Uint8Array[] = [];
  for (let at = 16; at < b.length; at += 32) nodes.push(b.slice(at, at + 32));
  return { begin, range: asKind('malformed', 'summary of a log', () => CompactRange.parse(0n, end, nodes)) };
}

/** An entry of a certified receipt log. */
export interface VerifiedReceipt {
  readonly receipt: Receipt;
  /** Its place in the receipt log. */
  readonly index: bigint;
  readonly header: VerifiedHeader;
  readonly [checked]: 'receipt';
}

/** Checks that the receipt is entry `index` of the header's receipt log. Errors: bad branch. */
export function verifyReceipt(v: VerifiedHeader, r: Receipt, index: bigint, branch: readonly Uint8Array[]): VerifiedReceipt {
  assertVerified(v);
  const { network, receiptSize, receiptRoot } = v.header;
  const leaf = receiptLayout(network, r).leaf();
  asKind('bad branch', `receipt ${index}`, () => verifyInclusion(leaf, index, receiptSize, branch, receiptRoot));
  return Object.freeze({ receipt: r, index, header: v }) as VerifiedReceipt;
}

/** A message in a certified queue. */
export interface VerifiedMessage {
  readonly message: Message;
  readonly head: VerifiedHead;
  readonly [checked]: 'message';
}

/**
 * Checks that the message is in the queue, at its index: for who has not followed the
 * queue. Errors: bad index, bad branch, and those of a message out of place.
 */
export function verifyMessage(v: VerifiedHead, m: Message, branch: readonly Uint8Array[]): VerifiedMessage {
  assertVerifiedHead(v);
  if (m.index >= v.head.end) throw new ProofError('bad index', `message ${m.index}: queue ends at ${v.head.end}`);
  checkPlace(m, v, m.index);
  asKind('bad branch', `message ${m.index}`, () => verifyInclusion(messageId(m), m.index, v.head.end, branch, v.head.root));
  return Object.freeze({ message: m, head: v }) as VerifiedMessage;
}

// The keys of the state that strangers ask for. Assets are named as at home.

function u64Bytes(n: bigint): Uint8Array {
  const b = new Uint8Array(8);
  putUint(b, 0, 8, n);
  return b;
}

export const stateKeys = {
  balance: (account: Uint8Array, asset: Uint8Array) => concat(text('bal/'), account, asset),
  supply: (asset: Uint8Array) => concat(text('supply/'), asset),
  fees: () => text('fees'),
  claim: (peer: Uint8Array, asset: Uint8Array) => concat(text('claim/'), peer, asset),
  peer: (peer: Uint8Array) => concat(text('peer/'), peer),
  flow: (peer: Uint8Array, incarnation: bigint, asset: Uint8Array) =>
    concat(text('flow/'), peer, u64Bytes(incarnation), asset),
  /** An executed body until its bucket has taken it; expiry in seconds. */
  dedup: (expiry: bigint, body: Uint8Array) => concat(text('dedup/'), u64Bytes(expiry), body),
  log: (name: string) => text(`log/${name}`),
} as const;

export const logNames = {
  /** The queue to a peer. */
  outbound: (peer: Uint8Array, incarnation: bigint) => `out/${toHex(peer)}/${incarnation}`,
  /** What was inducted from a peer. */
  inbound: (peer: Uint8Array, incarnation: bigint) => `in/${toHex(peer)}/${incarnation}`,
  /** The bodies that were executed with this expiry, in seconds; they rise. */
  bucket: (expiry: bigint) => `dedup/${expiry}`,
} as const;

/** The name that the state of a network uses for an asset: its own have the zero origin. */
export function assetAt(network: Uint8Array, asset: Uint8Array): Uint8Array {
  const own = toHex(asset.subarray(0, 32)) === toHex(network);
  return own ? concat(new Uint8Array(32), asset.subarray(32)) : asset;
}

/** The name that other networks use for an asset which the state of this one knows so. */
export function assetAbroad(network: Uint8Array, asset: Uint8Array): Uint8Array {
  const own = asset.subarray(0, 32).every((x) => x === 0);
  return own ? concat(network, asset.subarray(32)) : asset;
}
