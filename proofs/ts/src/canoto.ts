/**
 * The wire form (docs/spec/layout.md): Protocol Buffers' bytes in a strict subset in
 * which each value has one encoding. A message is described by its fields; the same
 * description reads and writes it.
 *
 * Integers of up to 32 bits are numbers, longer ones are bigints.
 */

import { concat, concatAll, getUint, isZero, putUint, text } from './bytes.js';
import { ProofError } from './errors.js';

const varint = 0;
const lengthDelimited = 2;

/** What decoding may allocate: eight bytes for each byte of input, and 64 KiB. */
const memoryFactor = 8;
const memoryBase = 64 << 10;

/** Where a decoder stands, in bytes that it shares with the caller. */
interface Cursor {
  readonly b: Uint8Array;
  at: number;
  readonly end: number;
  /** What may still be allocated; shared by the nested messages. */
  readonly memory: { left: number };
}

/** How the values of one type are written. */
export interface Kind<T> {
  readonly wireType: typeof varint | typeof lengthDelimited;
  /** Bytes that a value takes in memory, but for what hangs on it; an estimate. */
  readonly memory: number;
  zero(): T;
  /** Whether a single field with this value is left out. */
  omitted(v: T): boolean;
  read(c: Cursor): T;
  /** The value without its key. */
  write(v: T): Uint8Array;
}

export interface Field<T> {
  readonly number: number;
  readonly key: number;
  readonly memory: number;
  zero(): T;
  /** Whether the field is left out. */
  omitted(v: T): boolean;
  read(c: Cursor, what: string): T;
  write(v: T): Uint8Array;
}

function refuse(what: string): never {
  throw new ProofError('malformed', `wire form: ${what}`);
}

function charge(c: Cursor, n: number): void {
  if (n > c.memory.left) refuse('decoding would take more memory than its length allows');
  c.memory.left -= n;
}

/** A varint of at most `bits` bits, as short as possible. */
function readVarint(c: Cursor, bits: number): bigint {
  let v = 0n;
  for (let shift = 0; ; shift += 7) {
    if (shift > 63) refuse('integer too long');
    if (c.at >= c.end) refuse('ends inside an integer');
    const x = c.b[c.at++] as number;
    v |= BigInt(x & 0x7f) << BigInt(shift);
    if (x < 0x80) {
      if (shift > 0 && x === 0) refuse('integer with zeros in front');
      break;
    }
  }
  if (v >> BigInt(bits) !== 0n) refuse(`integer of more than ${bits} bits`);
  return v;
}

function writeVarint(v: bigint): Uint8Array {
  const out: number[] = [];
  for (; v >= 0x80n; v >>= 7n) out.push(Number(v & 0x7fn) | 0x80);
  out.push(Number(v));
  return Uint8Array.from(out);
}

/** Reads a length and returns the cursor over what it spans; moves c behind it. */
function enter(c: Cursor): Cursor {
  const n = readVarint(c, 64);
  if (n > BigInt(c.end - c.at)) refuse(`got a length of ${n}, and ${c.end - c.at} bytes`);
  const inner = { b: c.b, at: c.at, end: c.at + Number(n), memory: c.memory };
  c.at = inner.end;
  return inner;
}

function delimited(content: Uint8Array): Uint8Array {
  return concat(writeVarint(BigInt(content.length)), content);
}

function small(bits: number): Kind<number> {
  return {
    wireType: varint,
    memory: 8,
    zero: () => 0,
    omitted: (v) => v === 0,
    read: (c) => Number(readVarint(c, bits)),
    write: (v) => writeVarint(BigInt(v)),
  };
}

export const u8 = small(8);
export const u32 = small(32);

export const u64: Kind<bigint> = {
  wireType: varint,
  memory: 8,
  zero: () => 0n,
  omitted: (v) => v === 0n,
  read: (c) => readVarint(c, 64),
  write: writeVarint,
};

export const bool: Kind<boolean> = {
  wireType: varint,
  memory: 1,
  zero: () => false,
  omitted: (v) => !v,
  read: (c) => readVarint(c, 1) === 1n,
  write: (v) => writeVarint(v ? 1n : 0n),
};

/** Exactly `size` bytes. */
export function fixed(size: number): Kind<Uint8Array> {
  return {
    wireType: lengthDelimited,
    memory: size,
    zero: () => new Uint8Array(size),
    omitted: isZero,
    read: (c) => {
      const inner = enter(c);
      if (inner.end - inner.at !== size) refuse(`got ${inner.end - inner.at} fixed bytes, want ${size}`);
      return c.b.slice(inner.at, inner.end);
    },
    write: (v) => {
      if (v.length !== size) throw new RangeError(`got ${v.length} bytes, want ${size}`);
      return delimited(v);
    },
  };
}

const amountBytes = fixed(16);

/** An amount: u128, 16 bytes big-endian. */
export const u128: Kind<bigint> = {
  wireType: lengthDelimited,
  memory: 16,
  zero: () => 0n,
  omitted: (v) => v === 0n,
  read: (c) => getUint(amountBytes.read(c)),
  write: (v) => {
    const b = new Uint8Array(16);
    putUint(b, 0, 16, v);
    return delimited(b);
  },
};

export const bytes: Kind<Uint8Array> = {
  wireType: lengthDelimited,
  memory: 24,
  zero: () => new Uint8Array(0),
  omitted: (v) => v.length === 0,
  read: (c) => {
    const inner = enter(c);
    charge(c, inner.end - inner.at);
    return c.b.slice(inner.at, inner.end);
  },
  write: delimited,
};

export const string: Kind<string> = {
  wireType: lengthDelimited,
  memory: 16,
  zero: () => '',
  omitted: (v) => v === '',
  read: (c) => {
    const b = bytes.read(c);
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(b);
    } catch {
      return refuse('string is not UTF-8');
    }
  },
  write: (v) => delimited(text(v)),
};

/** A field that occurs at most once; its zero value is left out. */
export function field<T>(number: number, kind: Kind<T>): Field<T> {
  const key = number * 8 + kind.wireType;
  return {
    number,
    key,
    memory: kind.memory,
    zero: () => kind.zero(),
    omitted: kind.omitted,
    read: (c, what) => {
      const v = kind.read(c);
      if (kind.omitted(v)) refuse(`${what} is zero and written out`);
      return v;
    },
    write: (v) => (kind.omitted(v) ? new Uint8Array(0) : concat(writeVarint(BigInt(key)), kind.write(v))),
  };
}

/** A message that may be missing. One of zeros is not missing: it is written, with length 0. */
export function optional<T>(number: number, kind: Message<T>): Field<T | undefined> {
  const whole = list(number, kind);
  return {
    ...whole,
    memory: 8,
    zero: () => undefined,
    omitted: (v) => v === undefined,
    read: (c) => {
      charge(c, kind.memory);
      return kind.read(c);
    },
    write: (v) => whole.write(v === undefined ? [] : [v]),
  };
}

/** A field that may occur again, one behind the other; elements may be zero. */
export function list<T>(number: number, kind: Kind<T>): Field<readonly T[]> {
  const key = number * 8 + kind.wireType;
  const keyBytes = writeVarint(BigInt(key));
  return {
    number,
    key,
    memory: 24,
    zero: () => [],
    omitted: (vs) => vs.length === 0,
    read: (c) => {
      const out: T[] = [];
      do {
        charge(c, kind.memory);
        out.push(kind.read(c));
      } while (takeKey(c, keyBytes));
      return out;
    },
    write: (vs) => concatAll(vs.flatMap((v) => [keyBytes, kind.write(v)])),
  };
}

/** Moves c behind the key if that is what comes next. */
function takeKey(c: Cursor, want: Uint8Array): boolean {
  for (let i = 0; i < want.length; i++) {
    if (c.at + i >= c.end || c.b[c.at + i] !== want[i]) return false;
  }
  c.at += want.length;
  return true;
}

type Fields = Record<string, Field<unknown>>;
type Values<F> = { readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never };

/** A message type: a kind of its own, to be nested. */
export interface Message<T> extends Kind<T> {
  /**
   * Reads a whole message of at most `limit` bytes. Errors: too large; malformed for
   * every encoding but the one.
   */
  decode(b: Uint8Array, limit: number): T;
  encode(v: T): Uint8Array;
}

/** The value type of a message type. */
export type Value<M> = M extends Message<infer T> ? T : never;

/** Describes a message. The fields are listed in the order of their numbers. */
export function message<F extends Record<string, Field<any>>>(fields: F): Message<Values<F>> {
  const entries = Object.entries(fields as Fields);
  for (let i = 1; i < entries.length; i++) {
    if (entries[i]![1].number <= entries[i - 1]![1].number) throw new Error('fields are not listed in order');
  }
  const zero = () => Object.fromEntries(entries.map(([name, f]) => [name, f.zero()])) as Values<F>;
  const encode = (v: Values<F>) =>
    concatAll(entries.map(([name, f]) => f.write((v as Record<string, unknown>)[name])));
  const readFields = (c: Cursor): Values<F> => {
    const out = zero() as Record<string, unknown>;
    let next = 0;
    while (c.at < c.end) {
      const key = Number(readVarint(c, 32));
      const i = entries.findIndex(([, f], j) => j >= next && f.key === key);
      if (i < 0) refuse(`got key ${key}: unknown, of another type, or out of order`);
      const [name, f] = entries[i]!;
      out[name] = f.read(c, name);
      next = i + 1;
    }
    return Object.freeze(out) as Values<F>;
  };
  return {
    wireType: lengthDelimited,
    memory: entries.reduce((n, [, f]) => n + f.memory, 0),
    zero,
    omitted: (v) => entries.every(([name, f]) => f.omitted((v as Record<string, unknown>)[name])),
    read: (c) => readFields(enter(c)),
    write: (v) => delimited(encode(v)),
    encode,
    decode: (b, limit) => {
      if (b.length > limit) throw new ProofError('too large', `got ${b.length} bytes, want at most ${limit}`);
      const memory = { left: memoryFactor * b.length + memoryBase };
      return readFields({ b, at: 0, end: b.length, memory });
    },
  };
}
