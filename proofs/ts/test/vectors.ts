import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type ErrorKind, ProofError, fromHex, toHex } from '../src/index.js';

const proofs = new URL('../../../', import.meta.url);

/** The cases of a vector file; the path is from the directory proofs. */
export function vectors<T>(path: string): T[] {
  const cases = JSON.parse(readFileSync(new URL(path, proofs), 'utf8')) as T[];
  assert.ok(cases.length > 0, `${path} has no cases`);
  return cases;
}

/** Runs f and expects it to be refused, for this reason or one beneath it. */
export function refused(f: () => unknown, want: ErrorKind): ProofError {
  try {
    f();
  } catch (e) {
    if (!(e instanceof ProofError)) throw e;
    assert.equal(e.kind, want, e.message);
    return e;
  }
  assert.fail(`accepted, want: ${want}`);
}

/** Runs f, and expects what wantErr of a vector says. Returns what was accepted. */
export function judge<T>(wantErr: string, f: () => T): T | undefined {
  if (wantErr === '') return f();
  refused(f, wantErr as ErrorKind);
  return undefined;
}

export function sameBytes(got: Uint8Array, want: string): void {
  assert.equal(toHex(got), want);
}

export const hex = fromHex;
export const hexes = (list: readonly string[] = []): Uint8Array[] => list.map(fromHex);

/** b with one bit of byte i changed. */
export function flipped(b: Uint8Array, i: number): Uint8Array {
  const out = b.slice();
  out[i] = (out[i] as number) ^ 1;
  return out;
}
