/** Proofs of presence and absence in the state trie (docs/spec/merkle.md). */

import { concatAll, equal, short } from './bytes.js';
import { ProofError } from './errors.js';
import { hash } from './layout.js';

const leafTag = Uint8Array.of(0x10);
const nodeTag = Uint8Array.of(0x11);

export const emptyTrieRoot: Uint8Array = hash(Uint8Array.of(0x12));

export const maxTrieSteps = 256;

export interface TrieStep {
  /** The bit of the key hash by which the node divides, from 0, the topmost. */
  readonly bit: number;
  /** The hash of the child that is not on the way. */
  readonly sibling: Uint8Array;
}

export interface TrieProof {
  /** From the root downwards. */
  readonly steps: readonly TrieStep[];
  readonly leaf?: { readonly keyHash: Uint8Array; readonly valueHash: Uint8Array };
}

/** Reads a proof, and all of b. Errors: trie proof encoding; trie proof shape if bits do not rise. */
export function parseTrieProof(b: Uint8Array): TrieProof {
  const bad = (what: string): never => {
    throw new ProofError('trie proof encoding', `trie proof of ${b.length} bytes: ${what}`);
  };
  if (b.length < 3) bad('too short');
  const n = ((b[0] as number) << 8) | (b[1] as number);
  if (n > maxTrieSteps) bad(`got ${n} steps, want at most ${maxTrieSteps}`);
  const flagAt = 2 + 33 * n;
  if (b.length <= flagAt) bad(`too short for ${n} steps`);
  const flag = b[flagAt] as number;
  if (flag > 1) bad(`got flag ${flag}`);
  if (b.length !== flagAt + 1 + 64 * flag) bad(`got another length than ${flagAt + 1 + 64 * flag}`);
  const steps: TrieStep[] = [];
  for (let at = 2; at < flagAt; at += 33) {
    steps.push({ bit: b[at] as number, sibling: b.slice(at + 1, at + 33) });
  }
  checkSteps(steps);
  if (flag === 0) return { steps };
  const rest = b.slice(flagAt + 1);
  return { steps, leaf: { keyHash: rest.subarray(0, 32), valueHash: rest.subarray(32) } };
}

/** The bytes of a proof. */
export function encodeTrieProof(p: TrieProof): Uint8Array {
  const parts: Uint8Array[] = [Uint8Array.of(p.steps.length >> 8, p.steps.length & 0xff)];
  for (const s of p.steps) parts.push(Uint8Array.of(s.bit), s.sibling);
  parts.push(Uint8Array.of(p.leaf ? 1 : 0));
  if (p.leaf) parts.push(p.leaf.keyHash, p.leaf.valueHash);
  return concatAll(parts);
}

function bitOf(keyHash: Uint8Array, i: number): number {
  return ((keyHash[i >> 3] as number) >> (7 - (i & 7))) & 1;
}

function checkSteps(steps: readonly TrieStep[]): void {
  if (steps.length > maxTrieSteps) {
    throw new ProofError('trie proof shape', `got ${steps.length} steps, want at most ${maxTrieSteps}`);
  }
  steps.forEach((s, i) => {
    if (i > 0 && s.bit <= steps[i - 1]!.bit) throw new ProofError('trie proof shape', `step ${i}: bits do not rise`);
  });
}

export function leafNodeHash(keyHash: Uint8Array, valueHash: Uint8Array): Uint8Array {
  return hash(leafTag, keyHash, valueHash);
}

export function innerHash(bit: number, left: Uint8Array, right: Uint8Array): Uint8Array {
  return hash(nodeTag, Uint8Array.of(bit), left, right);
}

function climb(h: Uint8Array, keyHash: Uint8Array, steps: readonly TrieStep[]): Uint8Array {
  return steps.reduceRight(
    (below, s) =>
      bitOf(keyHash, s.bit) === 0 ? innerHash(s.bit, below, s.sibling) : innerHash(s.bit, s.sibling, below),
    h,
  );
}

function matchRoot(got: Uint8Array, root: Uint8Array): void {
  if (!equal(got, root)) throw new ProofError('root mismatch', `trie: got ${short(got)}, want ${short(root)}`);
}

/** Checks that the state under root holds the pair. Errors: trie proof shape, root mismatch. */
export function verifyPresence(key: Uint8Array, value: Uint8Array, p: TrieProof, root: Uint8Array): void {
  checkSteps(p.steps);
  if (p.leaf) throw new ProofError('trie proof shape', 'proof of presence: got a leaf, want none');
  const k = hash(key);
  matchRoot(climb(leafNodeHash(k, hash(value)), k, p.steps), root);
}

/**
 * Checks that the state under root does not hold the key. Errors: trie proof shape,
 * key present, neighbour off the path, root mismatch.
 */
export function verifyAbsence(key: Uint8Array, p: TrieProof, root: Uint8Array): void {
  checkSteps(p.steps);
  if (!p.leaf) {
    if (p.steps.length > 0) throw new ProofError('trie proof shape', 'proof of absence: got steps without a leaf');
    matchRoot(emptyTrieRoot, root);
    return;
  }
  const k = hash(key);
  const { keyHash, valueHash } = p.leaf;
  if (equal(keyHash, k)) throw new ProofError('key present', `proof of absence: the leaf is that of the key ${short(k)}`);
  if (p.steps.some((s) => bitOf(keyHash, s.bit) !== bitOf(k, s.bit))) {
    throw new ProofError('neighbour off the path', `proof of absence of ${short(k)}: leaf ${short(keyHash)}`);
  }
  matchRoot(climb(leafNodeHash(keyHash, valueHash), k, p.steps), root);
}
