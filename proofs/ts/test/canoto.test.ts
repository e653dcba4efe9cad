import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bool, bytes, field, fixed, list, message, optional, string, u128, u32, u64, u8 } from '../src/canoto.js';
import { hex, refused, sameBytes } from './vectors.js';

const Inner = message({ a: field(1, u64), b: field(2, fixed(2)) });
const Outer = message({
  small: field(1, u8),
  medium: field(2, u32),
  large: field(3, u64),
  exact: field(4, fixed(2)),
  open: field(5, bytes),
  words: field(6, string),
  inner: field(7, Inner),
  inners: list(8, Inner),
  hashes: list(9, fixed(2)),
  amount: field(20, u128),
});
const decode = (s: string) => Outer.decode(hex(s), 1 << 10);

const whole =
  '08ff' + '01' + '10ffffffff0f' + '18ffffffffffffffffff01' + '22020001' + '2a0100' + '3203efbbbf' + '3a020801' +
  '4200' + '4204' + '12020100' + '4a020000' + '4a020001' + 'a20110' + '00'.repeat(15) + '07';

test('what is canonical decodes, and encodes to the same bytes', () => {
  const v = decode(whole);
  assert.equal(v.small, 255);
  assert.equal(v.medium, 0xffffffff);
  assert.equal(v.large, (1n << 64n) - 1n);
  assert.equal(v.words, '\ufeff');
  assert.equal(v.inners.length, 2);
  assert.equal(v.hashes.length, 2);
  assert.equal(v.amount, 7n);
  sameBytes(Outer.encode(v), whole);
  assert.deepEqual(Outer.encode(decode('')), new Uint8Array(0));
});

const refusals: Record<string, string> = {
  'fields out of order': '100108' + '01',
  'a field twice': '08010801',
  'a repeated field in two runs': '42004a0200004200',
  'an unknown field': '5001',
  'field 0': '0001',
  'zero written out': '0800',
  'zero bytes written out': '22020000',
  'empty bytes written out': '2a00',
  'an empty string written out': '3200',
  'an empty message written out': '3a00',
  'amount zero written out': 'a20110' + '00'.repeat(16),
  'a long varint': '088100',
  'a long key': '888000' + '01',
  'a varint beyond its field': '088002',
  'a varint beyond 32 bits': '108080808010',
  'a varint beyond 64 bits': '18ffffffffffffffffff02',
  'a varint of eleven bytes': '18ffffffffffffffffffff01',
  'a varint cut': '18ff',
  'a key alone': '08',
  'fixed bytes too short': '220101',
  'fixed bytes too long': '2203010101',
  'length beyond the end': '2a0201',
  'a huge length': '2affffffffffffffffff01',
  'another wire type': '0d01000000',
  'length-delimited in place of a varint': '0a0101',
  'not UTF-8': '3202c328',
  'an inner field cut by its length': '3a0108',
};

for (const [what, bytes] of Object.entries(refusals)) {
  test(`refused: ${what}`, () => {
    refused(() => decode(bytes), 'malformed');
  });
}

test('booleans, and messages that may be missing', () => {
  const M = message({ yes: field(1, bool), inner: optional(2, Inner) });
  const read = (s: string) => M.decode(hex(s), 100);
  assert.deepEqual(read(''), { yes: false, inner: undefined });
  assert.equal(read('0801').yes, true);
  assert.equal(read('1200').inner?.a, 0n);
  for (const s of ['', '0801', '1200', '12020805']) sameBytes(M.encode(read(s)), s);
  for (const s of ['0800', '0802', '12001200']) refused(() => read(s), 'malformed');
});

test('length and memory are bounded', () => {
  refused(() => Outer.decode(new Uint8Array(1025), 1 << 10), 'too large');
  const many = (n: number) => hex('4200'.repeat(n));
  assert.equal(Outer.decode(many(3000), 1 << 20).inners.length, 3000);
  const Fat = message({ rows: list(8, message({ a: field(1, fixed(64)) })) });
  assert.equal(Fat.decode(many(1000), 1 << 20).rows.length, 1000);
  refused(() => Fat.decode(many(10_000), 1 << 20), 'malformed');
});
