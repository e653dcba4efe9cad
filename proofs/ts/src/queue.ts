/** Queue heads and the outbound root (docs/spec/queue.md). */

import { compare, equal, short } from './bytes.js';
import { type Value, field, fixed, list, message, u32, u64 } from './canoto.js';
import { ProofError, asKind } from './errors.js';
import { Layout, ObjectType } from './layout.js';
import { logRoot, verifyInclusion } from './merkle.js';
import { type VerifiedHeader, assertVerified } from './trust.js';

export const maxOutcomes = 16_384;

export const OutcomeWire = message({
  index: field(1, u64),
  code: field(2, u32),
});
export type Outcome = Value<typeof OutcomeWire>;

export const QueueHeadWire = message({
  /** For whom the queue is. */
  peer: field(1, fixed(32)),
  incarnation: field(2, u64),
  begin: field(3, u64),
  end: field(4, u64),
  root: field(5, fixed(32)),
  acked: field(6, u64),
  settled: field(7, u64),
  outcomes: list(8, OutcomeWire),
});
export type QueueHead = Value<typeof QueueHeadWire>;

export const HeadProofWire = message({
  head: field(1, QueueHeadWire),
  index: field(2, u32),
  count: field(3, u32),
  root: field(4, fixed(32)),
  branch: list(5, fixed(32)),
});
export type HeadProof = Value<typeof HeadProofWire>;

/** The layout of a head of the network's queue. */
export function queueHeadLayout(network: Uint8Array, q: QueueHead): Layout {
  const l = new Layout(network, ObjectType.queueHead)
    .hash(q.peer).u64(q.incarnation).u64(q.begin).u64(q.end).hash(q.root).u64(q.acked).u64(q.settled);
  l.u32(q.outcomes.length);
  for (const o of q.outcomes) l.u64(o.index).u32(o.code);
  return l;
}

/** Refuses an inconsistent head: bad index, wrong incarnation, too large, not canonical. */
export function checkQueueHead(q: QueueHead): void {
  if (q.begin > q.end || q.settled > q.acked) {
    throw new ProofError('bad index', `queue head: [${q.begin}, ${q.end}), settled ${q.settled} of ${q.acked}`);
  }
  if (q.incarnation === 0n) throw new ProofError('wrong incarnation', 'queue head: got incarnation 0');
  if (q.outcomes.length > maxOutcomes) {
    throw new ProofError('too large', `queue head: got ${q.outcomes.length} outcomes, want at most ${maxOutcomes}`);
  }
  q.outcomes.forEach((o, i) => {
    const rises = i === 0 || o.index > q.outcomes[i - 1]!.index;
    if (!rises || o.index >= q.settled || o.code === 0) {
      throw new ProofError('not canonical', `queue head: outcome ${i}: index ${o.index}, code ${o.code}, settled ${q.settled}`);
    }
  });
}

/** The layout whose id a header names: time and number of heads, and their log's root. */
export function outboundLayout(network: Uint8Array, time: bigint, count: number, root: Uint8Array): Layout {
  return new Layout(network, ObjectType.outboundRoot).u64(time).u32(count).hash(root);
}

/** The outbound layout over all heads of a network. Errors: not canonical unless peers rise. */
export function outboundOf(network: Uint8Array, time: bigint, heads: readonly QueueHead[]): Layout {
  heads.forEach((h, i) => {
    if (i > 0 && compare(heads[i - 1]!.peer, h.peer) >= 0) {
      throw new ProofError('not canonical', `queue heads: ${i}: peers do not rise`);
    }
  });
  return outboundLayout(network, time, heads.length, logRoot(heads.map((h) => queueHeadLayout(network, h).leaf())));
}

declare const checked: unique symbol;
const made = new WeakSet<object>();

/** A head that its network certified, as of the header's executed time. */
export interface VerifiedHead {
  readonly head: QueueHead;
  readonly header: VerifiedHeader;
  readonly [checked]: 'head';
}

export function assertVerifiedHead(v: VerifiedHead): void {
  if (!made.has(v)) throw new TypeError('want a queue head that was verified');
}

/**
 * Checks that the header commits to the head, and that the head is for the reader.
 * Errors: wrong destination, those of checkQueueHead, root mismatch, bad branch.
 */
export function verifyHead(v: VerifiedHeader, p: HeadProof, reader: Uint8Array): VerifiedHead {
  assertVerified(v);
  const { network, executedTime, outboundRoot } = v.header;
  if (!equal(p.head.peer, reader)) {
    throw new ProofError('wrong destination', `queue head: got peer ${short(p.head.peer)}, want ${short(reader)}`);
  }
  checkQueueHead(p.head);
  const got = outboundLayout(network, executedTime, p.count, p.root).id();
  if (!equal(got, outboundRoot)) {
    throw new ProofError('root mismatch', `outbound root: got ${short(got)}, want ${short(outboundRoot)}`);
  }
  const leaf = queueHeadLayout(network, p.head).leaf();
  asKind('bad branch', 'queue head', () => verifyInclusion(leaf, BigInt(p.index), BigInt(p.count), p.branch, p.root));
  const head = Object.freeze({ head: p.head, header: v }) as VerifiedHead;
  made.add(head);
  return head;
}
