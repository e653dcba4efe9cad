/** Messages and receipts (docs/spec/message.md, receipt.md). */

import { isZero } from './bytes.js';
import { type Value, bytes, field, fixed, list, message, u128, u32, u64, u8 } from './canoto.js';
import { ProofError } from './errors.js';
import { Layout, ObjectType } from './layout.js';
import { protocolVersion } from './zero.js';

export const maxPayload = 65_536;

export const MessageKind = { transfer: 1, refund: 2 } as const;
export const ReceiptKind = { external: 1, message: 2, act: 3 } as const;

export const MessageWire = message({
  version: field(1, u32),
  source: field(2, fixed(32)),
  destination: field(3, fixed(32)),
  incarnation: field(4, u64),
  index: field(5, u64),
  kind: field(6, u8),
  sender: field(7, fixed(32)),
  recipient: field(8, fixed(32)),
  /** Issuing network, then the asset's id there. */
  asset: field(9, fixed(64)),
  amount: field(10, u128),
  gas: field(11, u64),
  /** ms, by the destination's time. */
  deadline: field(12, u64),
  /** ms */
  emitted: field(13, u64),
  cause: field(14, fixed(32)),
  payload: field(15, bytes),
});
export type Message = Value<typeof MessageWire>;

export function messageLayout(m: Message): Layout {
  return new Layout(m.source, ObjectType.message)
    .u32(m.version).hash(m.destination).u64(m.incarnation).u64(m.index).u8(m.kind).hash(m.sender)
    .hash(m.recipient).fixed(m.asset, 64).u128(m.amount).u64(m.gas).u64(m.deadline).u64(m.emitted)
    .hash(m.cause).bytes(m.payload);
}

/** The message's leaf in its queue, and its id. */
export function messageId(m: Message): Uint8Array {
  return messageLayout(m).leaf();
}

/** Checks a message by itself. Errors: unknown protocol version, malformed, too large. */
export function checkMessage(m: Message): void {
  if (m.version !== protocolVersion) {
    throw new ProofError('unknown protocol version', `message: got version ${m.version}, want ${protocolVersion}`);
  }
  if (m.kind !== MessageKind.transfer && m.kind !== MessageKind.refund) {
    throw new ProofError('malformed', `message: got kind ${m.kind}`);
  }
  if (isZero(m.asset.subarray(0, 32))) throw new ProofError('malformed', 'message: asset without origin');
  if (m.payload.length > maxPayload) {
    throw new ProofError('too large', `message: got a payload of ${m.payload.length} bytes, want at most ${maxPayload}`);
  }
}

export const EmittedWire = message({
  destination: field(1, fixed(32)),
  incarnation: field(2, u64),
  index: field(3, u64),
  leaf: field(4, fixed(32)),
});
export type Emitted = Value<typeof EmittedWire>;

export const ReceiptWire = message({
  kind: field(1, u8),
  /** Id of the external message or act, or the message's leaf. */
  id: field(2, fixed(32)),
  body: field(3, fixed(32)),
  source: field(4, fixed(32)),
  incarnation: field(5, u64),
  index: field(6, u64),
  height: field(7, u64),
  /** ms */
  time: field(8, u64),
  code: field(9, u32),
  gas: field(10, u64),
  fee: field(11, u128),
  emitted: list(12, EmittedWire),
});
export type Receipt = Value<typeof ReceiptWire>;

/** The layout of a receipt of the network that executed. Its leaf is in the receipt log. */
export function receiptLayout(network: Uint8Array, r: Receipt): Layout {
  const l = new Layout(network, ObjectType.receipt)
    .u8(r.kind).hash(r.id).hash(r.body).hash(r.source).u64(r.incarnation).u64(r.index).u64(r.height)
    .u64(r.time).u32(r.code).u64(r.gas).u128(r.fee).u32(r.emitted.length);
  for (const e of r.emitted) l.hash(e.destination).u64(e.incarnation).u64(e.index).hash(e.leaf);
  return l;
}
