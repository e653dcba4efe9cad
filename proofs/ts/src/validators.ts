/** Validator sets (docs/spec/zero.md) and what turns one into the next (trust.md). */

import { type PublicKey, checkKeySet, parsePublicKey, verifyPossession } from './bls.js';
import { compare, equal, short, toHex } from './bytes.js';
import { type Value, field, fixed, list, message, u64 } from './canoto.js';
import { ProofError, asKind } from './errors.js';
import { Layout, ObjectType, homeNetwork } from './layout.js';

export const maxValidators = 1024;
const maxTotalWeight = 1n << 61n;

export const ValidatorWire = message({
  /** Ed25519 node key, 32 bytes. */
  node: field(1, fixed(32)),
  /** Compressed BLS key, 96 bytes. */
  key: field(2, fixed(96)),
  weight: field(3, u64),
  /** Proof of possession of the BLS key by the node, 48 bytes. */
  possession: field(4, fixed(48)),
});
export type Validator = Value<typeof ValidatorWire>;

export const SetDeltaWire = message({
  /** Node keys of members that leave, rising. */
  removed: list(1, fixed(32)),
  /** Members that come or change, complete, node keys rising. */
  upserted: list(2, ValidatorWire),
});
export type SetDelta = Value<typeof SetDeltaWire>;

/** Whether weight/total > num/den. A threshold with denominator 0 is never exceeded. */
export function exceeds(weight: bigint, total: bigint, num: bigint, den: bigint): boolean {
  return weight * den > total * num;
}

function sameMember(a: Validator, b: Validator): boolean {
  return equal(ValidatorWire.encode(a), ValidatorWire.encode(b));
}

/** A set that was checked: its keys parse, and each was proved to be its node's. */
export class ValidatorSet {
  readonly members: readonly Validator[];
  readonly total: bigint;
  /** The set hash. */
  readonly hash: Uint8Array;
  readonly #keys: readonly PublicKey[];

  private constructor(members: readonly Validator[], total: bigint, keys: readonly PublicKey[]) {
    this.members = Object.freeze([...members]);
    this.total = total;
    this.hash = setLayout(members).id();
    this.#keys = keys;
  }

  /**
   * Checks members: count, order and weights first, then keys and possessions, but
   * for those that `before` has proved already. Errors: too large, not canonical,
   * bad weight, bad proof of possession, malformed for a key that is none.
   */
  static check(members: readonly Validator[], before?: ValidatorSet): ValidatorSet {
    const total = checkMembers(members);
    const keys = members.map((m, i) => asMember(i, () => (before && before.#proved(m)) || prove(m)));
    asKind('bad proof of possession', 'validator set', () => checkKeySet(keys));
    return new ValidatorSet(members, total, keys);
  }

  /** The key of a member that is in this set just so. */
  #proved(m: Validator): PublicKey | undefined {
    const i = this.members.findIndex((o) => equal(o.node, m.node));
    if (i < 0) return undefined;
    const o = this.members[i]!;
    return equal(o.key, m.key) && equal(o.possession, m.possession) ? this.#keys[i] : undefined;
  }

  /** The BLS key of member i, from 0. */
  key(i: number): PublicKey {
    const k = this.#keys[i];
    if (!k) throw new RangeError(`got member ${i} of ${this.members.length}`);
    return k;
  }

  /**
   * The set that the delta makes of this one; the empty delta leaves it as it is.
   * Errors: not canonical, too large, and those of check.
   */
  apply(d: SetDelta): ValidatorSet {
    if (d.removed.length > maxValidators || d.upserted.length > maxValidators) {
      throw new ProofError(
        'too large',
        `set delta: got ${d.removed.length} removals and ${d.upserted.length} members, want at most ${maxValidators} of each`,
      );
    }
    if (d.removed.length === 0 && d.upserted.length === 0) return this;
    const next = new Map(this.members.map((m) => [toHex(m.node), m]));
    checkRising('set delta: removed', d.removed);
    for (const node of d.removed) {
      if (!next.delete(toHex(node))) throw new ProofError('not canonical', `set delta: ${short(node)} is no member`);
    }
    const removed = new Set(d.removed.map(toHex));
    checkRising('set delta: upserted', d.upserted.map((m) => m.node));
    for (const m of d.upserted) {
      const id = toHex(m.node);
      if (removed.has(id)) throw new ProofError('not canonical', `set delta: ${short(m.node)} is removed as well`);
      const old = next.get(id);
      if (old && sameMember(old, m)) throw new ProofError('not canonical', `set delta: ${short(m.node)} does not change`);
      next.set(id, m);
    }
    return ValidatorSet.check([...next.values()].sort((a, b) => compare(a.node, b.node)), this);
  }
}

function asMember<T>(i: number, f: () => T): T {
  try {
    return f();
  } catch (e) {
    if (e instanceof ProofError) throw new ProofError(e.kind, `validator set: member ${i}: ${e.message}`, e);
    throw e;
  }
}

function checkRising(what: string, nodes: readonly Uint8Array[]): void {
  nodes.forEach((n, i) => {
    if (i > 0 && compare(nodes[i - 1]!, n) >= 0) throw new ProofError('not canonical', `${what} ${i}: node keys do not rise`);
  });
}

/** Count, order, repeated keys and weights; returns the sum of the weights. */
function checkMembers(members: readonly Validator[]): bigint {
  if (members.length < 1 || members.length > maxValidators) {
    throw new ProofError('too large', `validator set: got ${members.length} members, want 1 to ${maxValidators}`);
  }
  const seen = new Set<string>();
  let total = 0n;
  members.forEach((m, i) => {
    if (i > 0 && compare(members[i - 1]!.node, m.node) >= 0) {
      throw new ProofError('not canonical', `validator set: member ${i}: node keys do not rise`);
    }
    if (seen.has(toHex(m.key))) throw new ProofError('not canonical', `validator set: member ${i}: BLS key repeated`);
    seen.add(toHex(m.key));
    total += m.weight;
    if (m.weight === 0n || total > maxTotalWeight) {
      throw new ProofError('bad weight', `validator set: member ${i}: got ${m.weight}, and ${total} in all`);
    }
  });
  return total;
}

function prove(m: Validator): PublicKey {
  const key = asKind('malformed', `node ${short(m.node)}: BLS key`, () => parsePublicKey(m.key));
  asKind('bad proof of possession', `node ${short(m.node)}`, () => verifyPossession(key, m.node, m.possession));
  return key;
}

export function setLayout(members: readonly Validator[]): Layout {
  const l = new Layout(homeNetwork, ObjectType.validatorSet).u32(members.length);
  for (const m of members) l.fixed(m.node, 32).fixed(m.key, 96).u64(m.weight).fixed(m.possession, 48);
  return l;
}
