import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CompactRange, ProofError, encodeRangeProof, encodeTrieProof, leafHash, logRoot, parseRangeProof, parseTrieProof,
  rangeNodes, verifyAbsence, verifyInclusion, verifyPresence, verifyRange,
} from '../src/index.js';
import { concat } from '../src/bytes.js';
import { flipped, hex, hexes, judge, refused, sameBytes, vectors } from './vectors.js';

interface Root { desc: string; leaves: string[]; root: string }
test('roots', () => {
  for (const c of vectors<Root>('merkle/testdata/root.json')) {
    sameBytes(logRoot(hexes(c.leaves).map(leafHash)), c.root);
  }
});

interface Range { desc: string; begin: string; end: string; leaves: string[]; ids: [number, string][]; nodes: string[] }
test('compact ranges', () => {
  for (const c of vectors<Range>('merkle/testdata/range.json')) {
    const [begin, end] = [BigInt(c.begin), BigInt(c.end)];
    const leaves = hexes(c.leaves).map(leafHash);
    const want = CompactRange.parse(begin, end, hexes(c.nodes));
    const ids = c.ids.map(([level, index]) => ({ level: Number(level), index: BigInt(index) }));
    assert.deepEqual(rangeNodes(begin, end), ids, c.desc);
    assert.deepEqual(CompactRange.empty(begin).append(leaves), want, c.desc);
    for (let cut = 0; cut <= leaves.length; cut++) {
      const left = CompactRange.empty(begin).append(leaves.slice(0, cut));
      const right = CompactRange.empty(left.end).append(leaves.slice(cut));
      assert.deepEqual(left.join(right), want, `${c.desc}, joined at ${cut}`);
    }
    refused(() => CompactRange.parse(begin, end, [...want.nodes, leafHash(new Uint8Array())]), 'node count');
    refused(() => want.join(CompactRange.empty(end + 1n)), 'range bounds');
  }
});

interface Inclusion { desc: string; leaf: string; index: string; size: string; proof: string[]; root: string; wantErr: string }
test('inclusion', () => {
  for (const c of vectors<Inclusion>('merkle/testdata/inclusion.json')) {
    const verify = (leaf: Uint8Array, proof: Uint8Array[]) =>
      verifyInclusion(leaf, BigInt(c.index), BigInt(c.size), proof, hex(c.root));
    judge(c.wantErr, () => verify(hex(c.leaf), hexes(c.proof)));
    if (c.wantErr !== '') continue;
    refused(() => verify(flipped(hex(c.leaf), 5), hexes(c.proof)), 'root mismatch');
    c.proof.forEach((_, i) => {
      const proof = hexes(c.proof);
      proof[i] = flipped(proof[i]!, i % 32);
      refused(() => verify(hex(c.leaf), proof), 'root mismatch');
    });
  }
});

interface Trie { desc: string; root: string; kind: string; key: string; value: string; proof: string; wantErr: string }
test('trie proofs', () => {
  for (const c of vectors<Trie>('merkle/testdata/trie.json')) {
    const verify = (proof: Uint8Array) => {
      const p = parseTrieProof(proof);
      if (c.kind === 'presence') verifyPresence(hex(c.key), hex(c.value), p, hex(c.root));
      else verifyAbsence(hex(c.key), p, hex(c.root));
    };
    judge(c.wantErr, () => verify(hex(c.proof)));
    if (c.wantErr !== '') continue;
    const bytes = hex(c.proof);
    for (let i = 0; i < bytes.length; i++) {
      assert.throws(() => verify(flipped(bytes, i)), ProofError, `${c.desc}: byte ${i}`);
    }
  }
});

interface Encoding { desc: string; hex: string; wantErr: string }
test('bytes of trie proofs', () => {
  for (const c of vectors<Encoding>('merkle/testdata/trie_encoding.json')) {
    const p = judge(c.wantErr, () => parseTrieProof(hex(c.hex)));
    if (p) sameBytes(encodeTrieProof(p), c.hex);
  }
});

interface RangeProof { desc: string; root: string; from: string; to: string; leaves: string[] | null; proof: string; wantErr: string }
test('range proofs', () => {
  for (const c of vectors<RangeProof>('merkle/testdata/trie_range.json')) {
    const verify = (b: Uint8Array) => verifyRange(hex(c.from), hex(c.to), parseRangeProof(b), hex(c.root));
    const found = judge(c.wantErr, () => verify(hex(c.proof)));
    if (!found) continue;
    assert.deepEqual(found.map((l) => concat(l.keyHash, l.valueHash)), hexes(c.leaves ?? []), c.desc);
    const bytes = hex(c.proof);
    sameBytes(encodeRangeProof(parseRangeProof(bytes)), c.proof);
    for (let i = 0; i < bytes.length; i++) {
      assert.throws(() => verify(flipped(bytes, i)), ProofError, `${c.desc}: byte ${i}`);
    }
  }
});
