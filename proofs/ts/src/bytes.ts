import { ProofError } from './errors.js';

const hexBytes = /^(?:[0-9a-f]{2})*$/;

/** Lower-case hexadecimal. */
export function toHex(b: Uint8Array): string {
  let s = '';
  for (const x of b) s += x.toString(16).padStart(2, '0');
  return s;
}

/** Reads lower-case hexadecimal. Errors: malformed. */
export function fromHex(s: string): Uint8Array {
  if (!hexBytes.test(s)) throw new ProofError('malformed', 'got no lower-case hexadecimal of whole bytes');
  const b = new Uint8Array(s.length / 2);
  for (let i = 0; i < b.length; i++) b[i] = Number.parseInt(s.slice(2 * i, 2 * i + 2), 16);
  return b;
}

/** The first four bytes, for messages. */
export function short(b: Uint8Array): string {
  return toHex(b.subarray(0, 4));
}

/** -1, 0 or 1, as bytes and then by length. */
export function compare(a: Uint8Array, b: Uint8Array): number {
  const n = Math.min(a.length, b.length);
  for (let i = 0; i < n; i++) {
    const d = (a[i] as number) - (b[i] as number);
    if (d !== 0) return d < 0 ? -1 : 1;
  }
  return Math.sign(a.length - b.length);
}

export function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && compare(a, b) === 0;
}

export function isZero(b: Uint8Array): boolean {
  return b.every((x) => x === 0);
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return concatAll(parts);
}

/** As concat, for lists that may be too long to be arguments. */
export function concatAll(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) {
    out.set(p, at);
    at += p.length;
  }
  return out;
}

/** Writes n into out[at, at + width), big-endian. n must fit. */
export function putUint(out: Uint8Array, at: number, width: number, n: bigint): void {
  for (let i = width - 1; i >= 0; i--) {
    out[at + i] = Number(n & 0xffn);
    n >>= 8n;
  }
  if (n !== 0n) throw new RangeError(`integer does not fit ${width} bytes`);
}

/** Reads all of b as an unsigned integer, big-endian. */
export function getUint(b: Uint8Array): bigint {
  return b.length === 0 ? 0n : BigInt(`0x${toHex(b)}`);
}

const utf8 = new TextEncoder();

export function text(s: string): Uint8Array {
  return utf8.encode(s);
}
