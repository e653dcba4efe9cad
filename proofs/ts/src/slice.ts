/** Slices: certified messages of a queue (docs/spec/queue.md). */

import { equal, short } from './bytes.js';
import { type Value, field, fixed, list, message, u64 } from './canoto.js';
import { ProofError, asKind } from './errors.js';
import { CertifiedHeaderWire } from './header.js';
import { CompactRange } from './merkle.js';
import { type Message, MessageKind, MessageWire, checkMessage, messageId } from './message.js';
import { HeadProofWire, type VerifiedHead, assertVerifiedHead } from './queue.js';

export const maxSliceBytes = 4 << 20;
export const maxSliceMessages = 10_000;

export const SliceWire = message({
  header: field(1, CertifiedHeaderWire),
  proof: field(2, HeadProofWire),
  start: field(3, u64),
  messages: list(4, MessageWire),
  /** What follows the messages, up to the head's end. */
  right: list(5, fixed(32)),
  /** What precedes the messages; only where the reader consumed another history. */
  left: list(6, fixed(32)),
});
export type Slice = Value<typeof SliceWire>;

/** Errors: too large, malformed. */
export function decodeSlice(b: Uint8Array): Slice {
  return SliceWire.decode(b, maxSliceBytes);
}

declare const checked: unique symbol;

/** What a slice added to what its reader had consumed. */
export interface VerifiedSlice {
  readonly head: VerifiedHead;
  /** The new messages; the first has the index at which the reader had stopped. */
  readonly messages: readonly Message[];
  /** The reader's range after them. */
  readonly consumed: CompactRange;
  readonly [checked]: 'slice';
}

function verified(head: VerifiedHead, messages: readonly Message[], consumed: CompactRange): VerifiedSlice {
  return Object.freeze({ head, messages: Object.freeze([...messages]), consumed }) as VerifiedSlice;
}

/**
 * Checks the messages of a slice against its certified head. `consumed` is the range
 * [0, n) of what the reader took of this incarnation. The reader has compared before:
 * the head's incarnation with its own, and the header with the newest one that it
 * took a head from; an older one is stale, and no divergence. Refusals and their
 * order are those of queue.md.
 */
export function verifyMessages(v: VerifiedHead, s: Slice, consumed: CompactRange): VerifiedSlice {
  assertVerifiedHead(v);
  const n = consumed.end;
  const { end, root } = v.head;
  if (consumed.begin !== 0n) throw new ProofError('range bounds', `consumed: got a range from ${consumed.begin}, want 0`);
  const nodes = s.right.length + s.left.length;
  if (s.messages.length === 0 && nodes > 0) {
    throw new ProofError('not canonical', `slice without messages: got ${nodes} nodes, want none`);
  }
  if (end < n) throw new ProofError('peer history diverged', `queue ends at ${end}, consumed up to ${n}`);
  if (end === n && !equal(consumed.root(), root)) {
    throw new ProofError('peer history diverged', `queue at ${n}: got root ${short(root)}, consumed ${short(consumed.root())}`);
  }
  if (s.messages.length === 0) return verified(v, [], consumed);
  if (end === n) throw new ProofError('already superseded', `slice from ${s.start}: consumed up to ${n}`);
  const fresh = checkSpan(s, n, end);
  fresh.forEach((m, i) => checkPlace(m, v, n + BigInt(i)));
  const after = consumed.append(fresh.map(messageId));
  const right = asKind('bad branch', 'right of the slice', () => CompactRange.parse(after.end, end, s.right));
  const whole = after.join(right).root();
  const differs = !equal(whole, root);
  if (differs && s.left.length > 0) refuseOther(s, fresh, right, n, root);
  if (differs) {
    throw new ProofError('root mismatch', `messages [${n}, ${after.end}): got ${short(whole)}, want ${short(root)}`);
  }
  if (s.left.length > 0) {
    throw new ProofError('not canonical', `slice from ${s.start}: the history on its left is the one that was consumed`);
  }
  return verified(v, fresh, after);
}

/**
 * Of a slice that does not continue what was consumed: whether its root is over the
 * history on its left, or over nothing that the slice shows.
 */
function refuseOther(s: Slice, fresh: readonly Message[], right: CompactRange, n: bigint, root: Uint8Array): never {
  if (s.start !== n) throw new ProofError('not canonical', `left of the slice: got [0, ${s.start}), want [0, ${n})`);
  const left = asKind('bad branch', 'left of the slice', () => CompactRange.parse(0n, n, s.left));
  const got = left.append(fresh.map(messageId)).join(right).root();
  if (!equal(got, root)) {
    throw new ProofError('root mismatch', `slice from ${n}, with its left: got ${short(got)}, want ${short(root)}`);
  }
  throw new ProofError('peer history diverged', `certified is another history of [0, ${n}) than the one consumed`);
}

/** Where the slice lies; returns its messages from n on. */
function checkSpan(s: Slice, n: bigint, end: bigint): readonly Message[] {
  const upTo = s.start + BigInt(s.messages.length);
  const refuse = (kind: ProofError['kind']): never => {
    throw new ProofError(kind, `slice [${s.start}, ${upTo}): consumed up to ${n} of ${end}`);
  };
  if (s.messages.length > maxSliceMessages) refuse('too large');
  if (upTo > end) refuse('bad index');
  if (s.start > n) refuse('gap before the first message');
  if (upTo <= n) refuse('already superseded');
  return s.messages.slice(Number(n - s.start));
}

/** Refuses a message that is not what belongs at this index of the queue. */
export function checkPlace(m: Message, v: VerifiedHead, index: bigint): void {
  const refuse = (kind: ProofError['kind'], what: string): never => {
    throw new ProofError(kind, `message ${index}: ${what}`);
  };
  const { network } = v.header.header;
  if (!equal(m.source, network)) refuse('wrong network', `got source ${short(m.source)}, want ${short(network)}`);
  if (!equal(m.destination, v.head.peer)) refuse('wrong destination', `got ${short(m.destination)}, want ${short(v.head.peer)}`);
  if (m.incarnation !== v.head.incarnation) refuse('wrong incarnation', `got ${m.incarnation}, want ${v.head.incarnation}`);
  if (m.index !== index) refuse('bad index', `got ${m.index}`);
  if (m.kind === MessageKind.refund) refuse('malformed', 'a refund never crosses networks');
  checkMessage(m);
}
