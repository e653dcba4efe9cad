import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CertifiedActWire, HeaderWire, type Layout, MessageWire, ObjectType, QueueHeadWire, ReceiptWire, ValidatorSet,
  ValidatorWire, type VoteStatement, accountId, accountLayout, actLayout, bls, checkMessage, checkQueueHead,
  checkZeroHeader, decodeZeroHeader, ZeroHeaderWire, exceeds, headerLayout, messageLayout, outboundOf, queueHeadLayout,
  receiptLayout, setLayout, verifyAct, voteLayout, zeroHeaderLayout,
} from '../src/index.js';
import type { Message } from '../src/canoto.js';
import { hex, hexes, judge, sameBytes, vectors } from './vectors.js';

interface Case { desc: string; network: string; layout?: string; hash?: string; wire: string; wantErr?: string }

/** Decodes a case and holds its wire form, its layout and its hash to the vector. */
function object<T>(c: Case, wire: Message<T>, layoutOf: (v: T) => Layout, hashed: 'id' | 'leaf'): T {
  const v = wire.decode(hex(c.wire), 1 << 20);
  sameBytes(wire.encode(v), c.wire);
  if (c.layout !== undefined) sameBytes(layoutOf(v).toBytes(), c.layout);
  if (c.hash !== undefined) sameBytes(layoutOf(v)[hashed](), c.hash);
  return v;
}

test('accounts', () => {
  for (const c of vectors<{ key: string; layout: string; hash: string }>('testdata/account.json')) {
    sameBytes(accountLayout(hex(c.key)).toBytes(), c.layout);
    sameBytes(accountId(hex(c.key)), c.hash);
  }
});

test('headers', () => {
  for (const c of vectors<Case>('testdata/header.json')) object(c, HeaderWire, headerLayout, 'id');
});

test('messages', () => {
  for (const c of vectors<Case>('testdata/message.json')) {
    const m = object(c, MessageWire, messageLayout, 'leaf');
    judge(c.wantErr ?? '', () => checkMessage(m));
  }
});

test('queue heads', () => {
  for (const c of vectors<Case>('testdata/queue_head.json')) {
    const q = object(c, QueueHeadWire, (v) => queueHeadLayout(hex(c.network), v), 'leaf');
    judge(c.wantErr ?? '', () => checkQueueHead(q));
  }
});

test('receipts', () => {
  for (const c of vectors<Case>('testdata/receipt.json')) {
    object(c, ReceiptWire, (v) => receiptLayout(hex(c.network), v), 'leaf');
  }
});

interface Outbound { desc: string; network: string; time: string; heads: string[]; layout: string; hash: string; wantErr: string }
test('outbound roots', () => {
  for (const c of vectors<Outbound>('testdata/outbound_root.json')) {
    const heads = hexes(c.heads).map((b) => QueueHeadWire.decode(b, 1 << 20));
    const l = judge(c.wantErr, () => outboundOf(hex(c.network), BigInt(c.time), heads));
    if (!l) continue;
    sameBytes(l.toBytes(), c.layout);
    sameBytes(l.id(), c.hash);
  }
});

interface SetCase { desc: string; members: string[]; layout: string; hash: string; total: string; wantErr: string }
test('validator sets', () => {
  for (const c of vectors<SetCase>('testdata/validator_set.json')) {
    const members = hexes(c.members).map((b) => ValidatorWire.decode(b, 1 << 10));
    assert.deepEqual(members.map((m) => ValidatorWire.encode(m)), hexes(c.members));
    const set = judge(c.wantErr, () => ValidatorSet.check(members));
    if (!set) continue;
    sameBytes(setLayout(members).toBytes(), c.layout);
    sameBytes(set.hash, c.hash);
    assert.equal(set.total, BigInt(c.total));
  }
});

test('zero-headers', () => {
  for (const c of vectors<Case>('testdata/zero_header.json')) {
    const z = decodeZeroHeader(hex(c.wire));
    sameBytes(ZeroHeaderWire.encode(z), c.wire);
    const zero = judge(c.wantErr ?? '', () => checkZeroHeader(z));
    if (!zero) continue;
    sameBytes(zeroHeaderLayout(z).toBytes(), c.layout!);
    sameBytes(zero.id, c.hash!);
  }
});

interface Vote {
  network: string; kind: number; epoch: string; setHash: string; view: string; parentView: string; header: string;
  layout: string; secretKey: string; vote: string;
}
test('votes', async () => {
  const { bls12_381 } = await import('@noble/curves/bls12-381.js');
  for (const c of vectors<Vote>('testdata/vote.json')) {
    const statement = {
      kind: c.kind as VoteStatement['kind'], epoch: BigInt(c.epoch), setHash: hex(c.setHash), view: BigInt(c.view),
      parentView: BigInt(c.parentView || '0'), header: c.header ? hex(c.header) : new Uint8Array(32),
    };
    const layout = voteLayout(hex(c.network), statement).toBytes();
    sameBytes(layout, c.layout);
    const key = bls.parsePublicKey(bls12_381.shortSignatures.getPublicKey(hex(c.secretKey)).toBytes(true));
    bls.verifyAggregate([key], layout, bls.sumVotes([bls.parseVote(hex(c.vote))]));
  }
  assert.equal(ObjectType.finalize, 0x12);
});

interface ActCase extends Case { members: string[]; num: number; den: number }
test('governance acts', () => {
  for (const c of vectors<ActCase>('../chain/types/testdata/act.json')) {
    const a = CertifiedActWire.decode(hex(c.wire), 64 << 10);
    sameBytes(CertifiedActWire.encode(a), c.wire);
    sameBytes(actLayout(a.act).toBytes(), c.layout!);
    sameBytes(actLayout(a.act).id(), c.hash!);
    const set = ValidatorSet.check(hexes(c.members).map((b) => ValidatorWire.decode(b, 1 << 10)));
    judge(c.wantErr ?? '', () => verifyAct(a, set, c.num, c.den));
  }
});

test('a quorum is strictly more', () => {
  assert.equal(exceeds(2n, 3n, 2n, 3n), false);
  assert.equal(exceeds(3n, 4n, 2n, 3n), true);
  assert.equal(exceeds((1n << 61n) - 1n, 1n << 61n, 2n, 3n), true);
  assert.equal(exceeds(1n, 1n, 0n, 0n), false);
});
