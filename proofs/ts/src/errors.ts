/**
 * What a verifier refuses for. The strings are those of the reference code in Go,
 * so that both name a failure alike (docs/spec/README.md).
 */

/** The bytes can never be valid: drop them and blame who sent them. */
const dropped = [
  'malformed',
  'not canonical',
  'too large',
  'wrong network',
  'wrong validator set',
  'bad signer bitmap',
  'quorum not reached',
  'bad signature',
  'bad proof of possession',
  'bad weight',
  'root mismatch',
  'bad branch',
  'bad index',
  'bad header link',
  'bad time',
  'wrong destination',
  'wrong incarnation',
  'no consistent cut',
  'value not conserved',
  'bls: wrong length',
  'bls: encoding is not canonical',
  'bls: point at infinity',
  'bls: point is not on the curve',
  'bls: point is not in the subgroup',
  'bls: signature does not verify',
  'bls: proof of possession refused',
  'bls: duplicate public key',
  'bls: inverse public keys',
  'bls: empty set',
  'index out of range',
  'proof length',
  'range bounds',
  'node count',
  'trie proof shape',
  'key present',
  'neighbour off the path',
  'trie proof encoding',
] as const;

/** May be valid to who knows more, or knew it earlier: wait or ask; blame nobody. */
const waiting = [
  'epoch not followed',
  'already superseded',
  'gap before the first message',
  'trust expired',
  'unknown protocol version',
  'time ahead of the local clock',
] as const;

/** Two certified statements contradict each other: stop and alarm. */
const alarming = ['peer history diverged', 'two certified headers at one height'] as const;

export type ErrorKind = (typeof dropped)[number] | (typeof waiting)[number] | (typeof alarming)[number];

/** What the caller does about a failure. */
export type Blame = 'sender' | 'nobody' | 'alarm';

/** Says what to do about a failure of this kind. */
export function blame(kind: ErrorKind): Blame {
  if ((waiting as readonly string[]).includes(kind)) return 'nobody';
  if ((alarming as readonly string[]).includes(kind)) return 'alarm';
  return 'sender';
}

/**
 * The only error that this package throws about what it was given to verify. Its
 * message says what was got and what was wanted; `cause` is the failure beneath it,
 * if there is one.
 */
export class ProofError extends Error {
  readonly kind: ErrorKind;

  constructor(kind: ErrorKind, detail: string, cause?: unknown) {
    super(`${detail}: ${kind}`, cause === undefined ? undefined : { cause });
    this.name = 'ProofError';
    this.kind = kind;
  }

  /** Whether this failure, or one beneath it, is of the kind. */
  is(kind: ErrorKind): boolean {
    if (this.kind === kind) return true;
    return this.cause instanceof ProofError && this.cause.is(kind);
  }
}

/**
 * Runs f and gives every refusal inside it another kind, as its cause.
 * Errors that are no refusals are bugs and pass through.
 */
export function asKind<T>(kind: ErrorKind, what: string, f: () => T): T {
  try {
    return f();
  } catch (e) {
    if (!(e instanceof ProofError)) throw e;
    throw new ProofError(kind, `${what}: ${e.message}`, e);
  }
}
