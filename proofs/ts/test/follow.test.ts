import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Clock, CompactRange, HeaderWire, KeyBlockWire, ProofError, SliceWire, type Slice, type Trust, type Zero, advance,
  checkConflict, checkZeroHeader, decodeSlice, decodeZeroHeader, headerId, isExpired, maxKeyBlockBytes, messageId, refresh,
  trustZero, verifyHeader, verifyHead, verifyMessages,
} from '../src/index.js';
import { flipped, hex, hexes, judge, refused, sameBytes, vectors } from './vectors.js';

const zeros = new Map<string, Zero>();

/** The checked zero-header; checking is slow, and the vectors share few. */
function zero(wire: string): Zero {
  let z = zeros.get(wire);
  if (!z) zeros.set(wire, (z = checkZeroHeader(decodeZeroHeader(hex(wire)))));
  return z;
}

interface KeyBlockCase { desc: string; zero: string; now: string; before: string[]; wire: string; nextSet?: string; wantErr: string }
const keyBlocks = vectors<KeyBlockCase>('testdata/key_block.json');
const keyBlock = (b: Uint8Array) => KeyBlockWire.decode(b, maxKeyBlockBytes);

function follow(c: KeyBlockCase): Trust {
  const clock = { now: BigInt(c.now) };
  return hexes(c.before).reduce((t, b) => advance(t, keyBlock(b), clock).trust, trustZero(zero(c.zero)));
}

for (const c of keyBlocks) {
  test(`key block: ${c.desc}`, () => {
    const clock = { now: BigInt(c.now) };
    const trust = follow(c);
    sameBytes(KeyBlockWire.encode(keyBlock(hex(c.wire))), c.wire);
    const next = judge(c.wantErr, () => advance(trust, keyBlock(hex(c.wire)), clock).trust);
    if (!next) return;
    sameBytes(next.set.hash, c.nextSet!);
    const { header } = keyBlock(hex(c.wire));
    assert.equal(next.epoch, header.epoch + 1n);
    assert.equal(next.keyHeight, header.height);
    assert.deepEqual(next.keyId, headerId(header));
  });
}

interface SliceCase {
  desc: string; zero: string; reader: string; now: string; consumed: string; nodes: string[]; wire: string;
  messages?: string[]; after: string; peaks?: string[]; wantErr: string;
}
const slices = vectors<SliceCase>('testdata/slice.json');

function verifySlice(c: SliceCase, s: Slice, clock: Clock = { now: BigInt(c.now) }) {
  const header = verifyHeader(trustZero(zero(c.zero)), s.header, clock);
  const head = verifyHead(header, s.proof, hex(c.reader));
  return verifyMessages(head, s, CompactRange.parse(0n, BigInt(c.consumed), hexes(c.nodes)));
}

for (const c of slices) {
  test(`slice: ${c.desc}`, () => {
    sameBytes(SliceWire.encode(decodeSlice(hex(c.wire))), c.wire);
    const v = judge(c.wantErr, () => verifySlice(c, decodeSlice(hex(c.wire))));
    if (!v) return;
    assert.deepEqual(v.messages.map(messageId), hexes(c.messages));
    assert.deepEqual(v.consumed, CompactRange.parse(0n, BigInt(c.after), hexes(c.peaks)));
  });
}

/** The first case of the name, which is accepted as it is. */
function accepted<T extends { desc: string; wantErr: string }>(cases: readonly T[], desc: string): T {
  const c = cases.find((x) => x.desc === desc);
  assert.ok(c && c.wantErr === '', desc);
  return c;
}

test('a header is refused before its signature is looked at', () => {
  const c = accepted(slices, 'partial');
  const { header } = decodeSlice(hex(c.wire));
  const trust = trustZero(zero(c.zero));
  const now = BigInt(c.now);
  const h = header.header;
  verifyHeader(trust, header, { now });
  const none = new Uint8Array(32);
  const changed = (change: Partial<typeof h>) => ({ ...header, header: { ...h, ...change } });
  const cases: readonly [Partial<typeof h>, ProofError['kind']][] = [
    [{ network: none }, 'wrong network'],
    [{ version: 2 }, 'unknown protocol version'],
    [{ setHash: none }, 'wrong validator set'],
    [{ setHash: none, epoch: 1n }, 'epoch not followed'],
    [{ height: 0n }, 'bad header link'],
    [{ executed: h.height }, 'bad header link'],
    [{ epoch: (1n << 64n) - 1n }, 'bad header link'],
    [{ previousKeyHeight: 1n }, 'bad header link'],
    [{ epoch: 1n, previousKeyHeight: h.height }, 'bad header link'],
    [{ epoch: 1n, previousKeyHeight: 0n }, 'bad header link'],
    [{ stateRoot: none }, 'root mismatch'],
    [{ outboundRoot: none }, 'root mismatch'],
    [{ receiptRoot: none }, 'root mismatch'],
    [{ executedTime: h.time }, 'bad time'],
    [{ time: now + trust.maxClockDrift + 1n }, 'time ahead of the local clock'],
    [{ receiptSize: h.receiptSize + 1n }, 'bad signature'],
  ];
  for (const [change, want] of cases) refused(() => verifyHeader(trust, changed(change), { now }), want);
  refused(() => verifyHeader({ ...trust, epoch: 1n }, header, { now }), 'already superseded');
  refused(() => verifyHeader(trust, { ...header, links: Array(17).fill(h) }, { now }), 'too large');
  refused(() => verifyHeader(trust, { ...header, links: [h] }, { now }), 'bad header link');
});

test('the trust period', () => {
  const c = accepted(slices, 'partial');
  const { header } = decodeSlice(hex(c.wire));
  const trust = trustZero(zero(c.zero));
  const last = trust.time + trust.trustPeriod;
  assert.equal(isExpired(trust, last), false);
  verifyHeader(trust, header, { now: last });
  refused(() => verifyHeader(trust, header, { now: last + 1n }), 'trust expired');
  const v = verifyHeader(trust, header, { now: last + 1n, historical: true });
  assert.equal(refresh(trust, v).time, v.header.time);
});

test('the key block that is followed', () => {
  const c = accepted(keyBlocks, 'the set is renewed');
  const kb = keyBlock(hex(c.wire));
  const clock = { now: BigInt(c.now) };
  const { trust } = advance(trustZero(zero(c.zero)), kb, clock);
  const bare = { header: kb.header, links: [], certificate: { ...kb.certificate, view: 9n } };
  verifyHeader(trust, bare, clock);
  refused(() => advance(trust, kb, clock), 'already superseded');
  refused(() => verifyHeader(trust, bare, { now: trust.time + trust.trustPeriod + 1n }), 'trust expired');
});

test('a delta has one form', () => {
  const c = accepted(keyBlocks, 'members go, change and come');
  const kb = keyBlock(hex(c.wire));
  const { set } = trustZero(zero(c.zero));
  const { removed, upserted } = kb.next;
  sameBytes(set.apply(kb.next).hash, c.nextSet!);
  const empty = { removed: [], upserted: [] };
  assert.equal(set.apply(empty), set);
  const none = new Uint8Array(32);
  refused(() => set.apply({ removed: [none], upserted: [] }), 'not canonical');
  refused(() => set.apply({ removed: [...removed, ...removed], upserted }), 'not canonical');
  refused(() => set.apply({ removed, upserted: [...upserted, ...upserted] }), 'not canonical');
  refused(() => set.apply({ removed: [], upserted: [set.members[0]!] }), 'not canonical');
  refused(() => set.apply({ removed: [set.members[0]!.node], upserted: [set.members[0]!] }), 'not canonical');
  refused(() => set.apply({ removed: Array(1025).fill(none), upserted: [] }), 'too large');
  refused(() => set.apply({ removed: set.members.map((m) => m.node), upserted: [] }), 'too large');
  const changed = { ...set.members[0]!, possession: set.members[1]!.possession };
  refused(() => set.apply({ removed: [], upserted: [changed] }), 'bad proof of possession');
});

test('only verifiers make checked objects', () => {
  const c = accepted(slices, 'partial');
  const s = decodeSlice(hex(c.wire));
  const v = verifyHeader(trustZero(zero(c.zero)), s.header, { now: BigInt(c.now) });
  const forged = { ...v } as typeof v;
  assert.throws(() => verifyHead(forged, s.proof, hex(c.reader)), TypeError);
  const head = verifyHead(v, s.proof, hex(c.reader));
  assert.throws(() => verifyMessages({ ...head } as typeof head, s, CompactRange.empty()), TypeError);
  checkConflict(v, v);
});

test('a history that is not the one that was consumed', () => {
  const c = accepted(slices, 'head only, all consumed');
  const s = decodeSlice(hex(c.wire));
  verifySlice(c, s);
  const nodes = c.nodes.map((n, i) => (i === 0 ? flipped(hex(n), 0) : hex(n)));
  const header = verifyHeader(trustZero(zero(c.zero)), s.header, { now: BigInt(c.now) });
  const head = verifyHead(header, s.proof, hex(c.reader));
  const end = BigInt(c.consumed);
  refused(() => verifyMessages(head, s, CompactRange.parse(0n, end, nodes)), 'peer history diverged');
  const longer = CompactRange.parse(0n, end, hexes(c.nodes)).append([nodes[0]!]);
  refused(() => verifyMessages(head, s, longer), 'peer history diverged');
});

test('every byte of a slice matters', () => {
  const c = accepted(slices, 'partial');
  const bytes = hex(c.wire);
  const s = decodeSlice(bytes);
  verifySlice(c, s);
  // The certificate's own bytes and the header's cost a pairing each: the test of the file samples them.
  const cheap = SliceWire.encode({ ...s, header: { ...s.header, links: [] } }).length;
  assert.equal(cheap, bytes.length);
  const header = verifyHeader(trustZero(zero(c.zero)), s.header, { now: BigInt(c.now) });
  const consumed = CompactRange.parse(0n, BigInt(c.consumed), hexes(c.nodes));
  for (let i = 0; i < bytes.length; i++) {
    assert.throws(() => {
      const other = decodeSlice(flipped(bytes, i));
      if (!sameHeader(other, s)) throw new ProofError('bad signature', 'left to the other tests');
      const v = verifyMessages(verifyHead(header, other.proof, hex(c.reader)), other, consumed);
      // Messages below what was consumed are skipped unread.
      if (v.messages.length !== 0 && other.start < consumed.end) throw new ProofError('bad index', 'skipped');
    }, ProofError, `byte ${i}`);
  }
});

function sameHeader(a: Slice, b: Slice): boolean {
  const wire = (s: Slice) => SliceWire.encode({ ...s, messages: [], right: [], left: [], start: 0n, proof: b.proof });
  return Buffer.compare(wire(a), wire(b)) === 0;
}

test('bytes of a certificate', () => {
  const c = accepted(keyBlocks, 'the set is renewed');
  const bytes = hex(c.wire);
  const trust = trustZero(zero(c.zero));
  const clock = { now: BigInt(c.now) };
  advance(trust, keyBlock(bytes), clock);
  for (let i = 0; i < bytes.length; i += 7) {
    assert.throws(() => advance(trust, keyBlock(flipped(bytes, i)), clock), ProofError, `byte ${i}`);
  }
  assert.ok(HeaderWire.encode(keyBlock(bytes).header).length > 200);
});
