/** What is hashed or signed (docs/spec/layout.md): never the wire form. */

import { sha256 } from '@noble/hashes/sha2.js';
import { concat, concatAll, putUint, text } from './bytes.js';

const tag = text('isthmus1');

/** The network of objects that exist before their network has an id. */
export const homeNetwork: Uint8Array = new Uint8Array(32);

/** Object types; values are never reused. */
export const ObjectType = {
  zeroHeader: 0x01,
  header: 0x02,
  validatorSet: 0x03,
  account: 0x04,
  notarize: 0x10,
  nullify: 0x11,
  finalize: 0x12,
  act: 0x13,
  message: 0x30,
  queueHead: 0x31,
  outboundRoot: 0x32,
  receipt: 0x33,
} as const;

export type ObjectType = (typeof ObjectType)[keyof typeof ObjectType];

/** SHA-256 of the parts, one behind the other: 32 bytes. */
export function hash(...parts: readonly Uint8Array[]): Uint8Array {
  return sha256(concat(...parts));
}

/** Builds a layout, field by field. */
export class Layout {
  readonly #parts: Uint8Array[];

  constructor(network: Uint8Array, type: ObjectType) {
    this.#parts = [tag];
    this.fixed(network, 32).u8(type);
  }

  #uint(width: number, n: bigint): this {
    const b = new Uint8Array(width);
    putUint(b, 0, width, n);
    this.#parts.push(b);
    return this;
  }

  u8(n: number): this {
    return this.#uint(1, BigInt(n));
  }

  u32(n: number): this {
    return this.#uint(4, BigInt(n));
  }

  u64(n: bigint): this {
    return this.#uint(8, n);
  }

  u128(n: bigint): this {
    return this.#uint(16, n);
  }

  /** Bytes that stand for themselves. */
  fixed(b: Uint8Array, size: number): this {
    if (b.length !== size) throw new RangeError(`got ${b.length} bytes, want ${size}`);
    this.#parts.push(b);
    return this;
  }

  hash(b: Uint8Array): this {
    return this.fixed(b, 32);
  }

  /** Bytes of variable length, behind their length as u32. */
  bytes(b: Uint8Array): this {
    this.u32(b.length).#parts.push(b);
    return this;
  }

  toBytes(): Uint8Array {
    return concatAll(this.#parts);
  }

  /** The id of the object. */
  id(): Uint8Array {
    return hash(this.toBytes());
  }

  /** The object as a leaf of a log. */
  leaf(): Uint8Array {
    return hash(Uint8Array.of(0), this.toBytes());
  }
}

/** The account of an Ed25519 key; the same in all networks. */
export function accountId(key: Uint8Array): Uint8Array {
  return accountLayout(key).id();
}

export function accountLayout(key: Uint8Array): Layout {
  return new Layout(homeNetwork, ObjectType.account).fixed(key, 32);
}
