/**
 * Proofs of all that a state holds between two key hashes (docs/spec/merkle.md, key
 * ranges). A trie and a range have exactly one proof.
 */

import { compare, concatAll, equal, short } from './bytes.js';
import { ProofError } from './errors.js';
import { emptyTrieRoot, innerHash, leafNodeHash } from './trie.js';

const maxNodes = 131_072;
const maxRangeBytes = 8_519_680;

export interface TrieLeaf {
  readonly keyHash: Uint8Array;
  readonly valueHash: Uint8Array;
}

/** A node of the trie as it is shown; the nodes of a proof are in preorder. */
export type RangeNode =
  | { readonly kind: 'empty' }
  | ({ readonly kind: 'leaf' } & TrieLeaf)
  | { readonly kind: 'inner'; readonly bit: number }
  | { readonly kind: 'stub'; readonly hash: Uint8Array };

const kinds = ['empty', 'leaf', 'inner', 'stub'] as const;
const contentSize = { empty: 0, leaf: 64, inner: 1, stub: 32 } as const;

/** Reads a range proof, and all of b. Errors: trie proof encoding. */
export function parseRangeProof(b: Uint8Array): RangeNode[] {
  const bad = (what: string): never => {
    throw new ProofError('trie proof encoding', `range proof of ${b.length} bytes: ${what}`);
  };
  if (b.length === 0) bad('too short');
  if (b.length > maxRangeBytes) bad(`want at most ${maxRangeBytes}`);
  const nodes: RangeNode[] = [];
  let wanted = 1;
  for (let at = 0; at < b.length; wanted--) {
    if (wanted === 0) bad('bytes left over');
    const kind = kinds[b[at++] as number] ?? bad('unknown kind of node');
    const content = b.slice(at, (at += contentSize[kind]));
    if (at > b.length) bad('too short');
    if (kind === 'empty' && b.length > 1) bad('an empty trie beside nodes');
    if (kind === 'inner') wanted += 2;
    nodes.push(readNode(kind, content));
  }
  if (wanted !== 0) bad('too short');
  return nodes;
}

function readNode(kind: RangeNode['kind'], content: Uint8Array): RangeNode {
  switch (kind) {
    case 'empty':
      return { kind };
    case 'leaf':
      return { kind, keyHash: content.subarray(0, 32), valueHash: content.subarray(32) };
    case 'inner':
      return { kind, bit: content[0] as number };
    case 'stub':
      return { kind, hash: content };
  }
}

/** The bytes of a range proof. */
export function encodeRangeProof(nodes: readonly RangeNode[]): Uint8Array {
  return concatAll(
    nodes.flatMap((n) => {
      const kind = Uint8Array.of(kinds.indexOf(n.kind));
      if (n.kind === 'leaf') return [kind, n.keyHash, n.valueHash];
      if (n.kind === 'inner') return [kind, Uint8Array.of(n.bit)];
      return n.kind === 'stub' ? [kind, n.hash] : [kind];
    }),
  );
}

/** A subtree as it is shown. */
interface Tree {
  readonly node: RangeNode;
  readonly sides?: readonly [left: Tree, right: Tree];
  /** The key hash of a leaf that is shown below, or here. */
  readonly sample: Uint8Array | undefined;
  readonly hash: Uint8Array;
}

function misshapen(what: string): never {
  throw new ProofError('trie proof shape', `range proof: ${what}`);
}

/** Builds the tree of nodes in preorder. Bits rise, so it is at most 257 deep. */
function build(nodes: readonly RangeNode[]): Tree {
  let next = 0;
  const take = (above: number): Tree => {
    const node = nodes[next++] ?? misshapen('too few nodes');
    switch (node.kind) {
      case 'empty':
        if (nodes.length > 1) misshapen('an empty trie beside nodes');
        return { node, sample: undefined, hash: emptyTrieRoot };
      case 'leaf':
        return { node, sample: node.keyHash, hash: leafNodeHash(node.keyHash, node.valueHash) };
      case 'stub':
        return { node, sample: undefined, hash: node.hash };
      case 'inner': {
        if (node.bit <= above) misshapen(`bit ${node.bit} below bit ${above}`);
        const left = take(node.bit);
        const right = take(node.bit);
        const hash = innerHash(node.bit, left.hash, right.hash);
        return { node, sides: [left, right], sample: left.sample ?? right.sample, hash };
      }
    }
  };
  const tree = take(-1);
  if (next !== nodes.length) misshapen('too many nodes');
  return tree;
}

/** A prefix of bits; those of `low` behind it are 0, those of `high` 1. */
interface Place {
  readonly bits: number;
  readonly low: Uint8Array;
  readonly high: Uint8Array;
}

function placeOf(key: Uint8Array, bits: number): Place {
  const low = key.slice();
  const high = key.slice();
  for (let i = 0; i < 32; i++) {
    const kept = Math.min(Math.max(bits - 8 * i, 0), 8);
    const rest = 0xff >> kept;
    low[i] = (key[i] as number) & ~rest;
    high[i] = (key[i] as number) | rest;
  }
  return { bits, low, high };
}

/** The place of a side of an inner node: the bits that it shares, and the side's. */
function sidePlace(sample: Uint8Array, bit: number, side: 0 | 1): Place {
  const key = sample.slice();
  const mask = 0x80 >> (bit & 7);
  key[bit >> 3] = side === 1 ? (key[bit >> 3] as number) | mask : (key[bit >> 3] as number) & ~mask;
  return placeOf(key, bit + 1);
}

function checkHolds(place: Place, key: Uint8Array): void {
  if (compare(key, place.low) < 0 || compare(key, place.high) > 0) {
    throw new ProofError('neighbour off the path', `range proof: leaf ${short(key)} is not where it is shown`);
  }
}

/**
 * Checks what the trie under root holds at the key hashes from `from` to `to`, both
 * included, and returns it, rising. Errors: range bounds, trie proof shape, neighbour
 * off the path, root mismatch.
 */
export function verifyRange(from: Uint8Array, to: Uint8Array, nodes: readonly RangeNode[], root: Uint8Array): TrieLeaf[] {
  if (compare(from, to) > 0) throw new ProofError('range bounds', `range from ${short(from)} to ${short(to)}`);
  if (nodes.length > maxNodes) misshapen(`got ${nodes.length} nodes, want at most ${maxNodes}`);
  const tree = build(nodes);
  const found: TrieLeaf[] = [];
  const outside = (p: Place) => compare(p.high, from) < 0 || compare(p.low, to) > 0;

  const show = (t: Tree, place: Place): void => {
    const { node } = t;
    if (outside(place)) {
      if (node.kind !== 'stub') misshapen('a subtree outside the range is opened');
    } else if (node.kind === 'stub') {
      misshapen('a subtree that may hold what is in the range is a stub');
    } else if (node.kind === 'leaf') {
      checkHolds(place, node.keyHash);
      if (compare(node.keyHash, from) >= 0 && compare(node.keyHash, to) <= 0) {
        found.push({ keyHash: node.keyHash, valueHash: node.valueHash });
      }
    } else if (node.kind === 'inner') {
      const sample = sampleOf(t, place);
      if (outside(placeOf(sample, node.bit))) return witness(t, place);
      show(t.sides![0], sidePlace(sample, node.bit, 0));
      show(t.sides![1], sidePlace(sample, node.bit, 1));
    }
  };
  if (tree.node.kind !== 'empty') show(tree, placeOf(from, 0));
  if (!equal(tree.hash, root)) {
    throw new ProofError('root mismatch', `range proof: got ${short(tree.hash)}, want ${short(root)}`);
  }
  return found;
}

function sampleOf(t: Tree, place: Place): Uint8Array {
  const sample = t.sample ?? misshapen('an inner node without a leaf below it');
  checkHolds(place, sample);
  return sample;
}

/** An inner node outside the range: opened down to one leaf, which shows that it is. */
function witness(t: Tree, place: Place): void {
  const sample = sampleOf(t, place);
  if (t.node.kind === 'leaf') return;
  if (t.node.kind !== 'inner') return misshapen('a witness is no leaf');
  const [left, right] = t.sides!;
  if (right.node.kind !== 'stub') misshapen('a witness shows more than one leaf');
  witness(left, sidePlace(sample, t.node.bit, 0));
}
