/** Append-only logs (docs/spec/merkle.md). Sizes and indexes are bigints: u64. */

import { equal, short } from './bytes.js';
import { ProofError } from './errors.js';
import { hash } from './layout.js';

const leafTag = Uint8Array.of(0x00);
const nodeTag = Uint8Array.of(0x01);
const maxSize = (1n << 64n) - 1n;

export function leafHash(data: Uint8Array): Uint8Array {
  return hash(leafTag, data);
}

export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return hash(nodeTag, left, right);
}

export const emptyRoot: Uint8Array = hash();

function bitLength(n: bigint): number {
  return n === 0n ? 0 : n.toString(2).length;
}

function popCount(n: bigint): number {
  return n.toString(2).replaceAll('0', '').length;
}

function isBitSet(n: bigint, i: number): boolean {
  return ((n >> BigInt(i)) & 1n) === 1n;
}

function assertU64(n: bigint): void {
  if (n < 0n || n > maxSize) throw new RangeError(`${n} is no u64`);
}

/**
 * Checks that `leaf` is leaf `index` of the log of `size` leaves under `root`. The
 * leaf's hash is computed by the caller from the leaf's data; index and size are
 * certified, never the carrier's. Errors: index out of range, proof length, root
 * mismatch.
 */
export function verifyInclusion(
  leaf: Uint8Array,
  index: bigint,
  size: bigint,
  proof: readonly Uint8Array[],
  root: Uint8Array,
): void {
  assertU64(index);
  assertU64(size);
  if (index >= size) throw new ProofError('index out of range', `inclusion: got index ${index} of ${size}`);
  const inner = bitLength(index ^ (size - 1n));
  const want = inner + popCount(index >> BigInt(inner));
  if (proof.length !== want) {
    throw new ProofError('proof length', `inclusion of ${index} in ${size}: got ${proof.length} hashes, want ${want}`);
  }
  const got = proof.reduce(
    (h, p, i) => (i < inner && !isBitSet(index, i) ? nodeHash(h, p) : nodeHash(p, h)),
    leaf,
  );
  if (!equal(got, root)) {
    throw new ProofError('root mismatch', `inclusion of ${index} in ${size}: got ${short(got)}, want ${short(root)}`);
  }
}

/** A perfect node: the root over the leaves [index·2^level, (index+1)·2^level). */
export interface NodeId {
  readonly level: number;
  readonly index: bigint;
}

/** The nodes of the compact range [begin, end), from left to right. */
export function rangeNodes(begin: bigint, end: bigint): NodeId[] {
  const out: NodeId[] = [];
  let at = begin;
  while (at < end) {
    let level = bitLength(end - at) - 1;
    while ((at & ((1n << BigInt(level)) - 1n)) !== 0n) level--;
    out.push({ level, index: at >> BigInt(level) });
    at += 1n << BigInt(level);
  }
  return out;
}

/** The compact range of the leaves [begin, end). It does not change. */
export class CompactRange {
  readonly begin: bigint;
  readonly end: bigint;
  readonly nodes: readonly Uint8Array[];

  private constructor(begin: bigint, end: bigint, nodes: readonly Uint8Array[]) {
    this.begin = begin;
    this.end = end;
    this.nodes = nodes;
  }

  /** The range of no leaves at `begin`. */
  static empty(begin = 0n): CompactRange {
    return CompactRange.parse(begin, begin, []);
  }

  /** Errors: range bounds; node count unless there are exactly the nodes of the range. */
  static parse(begin: bigint, end: bigint, nodes: readonly Uint8Array[]): CompactRange {
    assertU64(begin);
    assertU64(end);
    if (begin > end) throw new ProofError('range bounds', `compact range: got [${begin}, ${end})`);
    const want = rangeNodes(begin, end).length;
    if (nodes.length !== want) {
      throw new ProofError('node count', `compact range [${begin}, ${end}): got ${nodes.length} nodes, want ${want}`);
    }
    return new CompactRange(begin, end, [...nodes]);
  }

  /** With the leaf hashes behind the last leaf. */
  append(leaves: readonly Uint8Array[]): CompactRange {
    const nodes = [...this.nodes];
    let end = this.end;
    for (const leaf of leaves) end = this.#push(nodes, end, { level: 0, index: end }, leaf);
    return new CompactRange(this.begin, end, nodes);
  }

  /** With the leaves of a range that begins where this one ends. Errors: range bounds. */
  join(right: CompactRange): CompactRange {
    if (right.begin !== this.end) {
      throw new ProofError('range bounds', `join: got a range from ${right.begin}, want ${this.end}`);
    }
    const nodes = [...this.nodes];
    let end = this.end;
    rangeNodes(right.begin, right.end).forEach((id, i) => {
      end = this.#push(nodes, end, id, right.nodes[i]!);
    });
    return new CompactRange(this.begin, end, nodes);
  }

  /** Adds a node that begins at end, and returns the new end. */
  #push(nodes: Uint8Array[], end: bigint, { level, index }: NodeId, h: Uint8Array): bigint {
    const next = end + (1n << BigInt(level));
    if (next > maxSize) throw new ProofError('range bounds', 'compact range: more than 2^64 - 1 leaves');
    while ((index & 1n) === 1n && (index - 1n) << BigInt(level) >= this.begin) {
      h = nodeHash(nodes.pop()!, h);
      index >>= 1n;
      level++;
    }
    nodes.push(h);
    return next;
  }

  /** The root of the log [0, end). Errors: range bounds if the range begins elsewhere. */
  root(): Uint8Array {
    if (this.begin !== 0n) throw new ProofError('range bounds', `root of a range from ${this.begin}, want 0`);
    if (this.nodes.length === 0) return emptyRoot;
    return this.nodes.reduceRight((h, n) => nodeHash(n, h));
  }
}

/** The root of the log of these leaf hashes. */
export function logRoot(leaves: readonly Uint8Array[]): Uint8Array {
  return CompactRange.empty().append(leaves).root();
}
