/** The zero-header, block 0 of a network (docs/spec/zero.md). */

import { equal, isZero, short, text } from './bytes.js';
import { type Value, field, fixed, list, message, string, u32, u64, u8 } from './canoto.js';
import { ProofError } from './errors.js';
import { Layout, ObjectType, homeNetwork } from './layout.js';
import { ValidatorSet, ValidatorWire, setLayout } from './validators.js';

/** The protocol version that this package speaks. */
export const protocolVersion = 1;

/** Most bytes of the wire form of a zero-header: 1,024 members and the rest. */
export const maxZeroHeaderBytes = 256 << 10;

export const ParametersWire = message({
  name: field(1, string),
  symbol: field(2, string),
  decimals: field(3, u8),
  /** All durations in milliseconds, unless they say seconds. */
  epochDuration: field(4, u64),
  trustPeriod: field(5, u64),
  maxClockDrift: field(6, u64),
  heartbeat: field(7, u64),
  viewTimeout: field(8, u64),
  maxExecutionLag: field(9, u64),
  externalLifeSeconds: field(10, u64),
  defaultDeadline: field(11, u64),
  blockMessages: field(12, u64),
  blockGas: field(13, u64),
  externalFee: field(14, u64),
  byteFee: field(15, u64),
  gasPrice: field(16, u64),
  linkWindow: field(17, u64),
  maxPayload: field(18, u64),
  governanceNum: field(19, u32),
  governanceDen: field(20, u32),
});
export type Parameters = Value<typeof ParametersWire>;

export const ZeroHeaderWire = message({
  version: field(1, u32),
  time: field(2, u64),
  parameters: field(3, ParametersWire),
  validators: list(4, ValidatorWire),
  stateRoot: field(5, fixed(32)),
});
export type ZeroHeader = Value<typeof ZeroHeaderWire>;

/** Errors: too large, malformed. */
export function decodeZeroHeader(b: Uint8Array): ZeroHeader {
  return ZeroHeaderWire.decode(b, maxZeroHeaderBytes);
}

export function zeroHeaderLayout(z: ZeroHeader): Layout {
  return zeroLayout(z, setLayout(z.validators).id());
}

function zeroLayout(z: ZeroHeader, setHash: Uint8Array): Layout {
  const p = z.parameters;
  const l = new Layout(homeNetwork, ObjectType.zeroHeader).u32(z.version).u64(z.time);
  l.bytes(text(p.name)).bytes(text(p.symbol)).u8(p.decimals);
  for (const n of [
    p.epochDuration, p.trustPeriod, p.maxClockDrift, p.heartbeat, p.viewTimeout, p.maxExecutionLag,
    p.externalLifeSeconds, p.defaultDeadline, p.blockMessages, p.blockGas, p.externalFee, p.byteFee,
    p.gasPrice, p.linkWindow, p.maxPayload,
  ]) l.u64(n);
  return l.u32(p.governanceNum).u32(p.governanceDen).hash(setHash).hash(z.stateRoot);
}

declare const checked: unique symbol;

/** A zero-header that was checked, with its set and its network's id. */
export interface Zero {
  readonly header: ZeroHeader;
  readonly set: ValidatorSet;
  readonly id: Uint8Array;
  readonly [checked]: 'zero';
}

/**
 * Checks a zero-header; `id` is the network's id, if the reader knows it. The id
 * comes first: it costs a hash, and each member a pairing.
 * Errors: unknown protocol version, malformed, root mismatch, wrong network, and
 * those of ValidatorSet.check.
 */
export function checkZeroHeader(z: ZeroHeader, id?: Uint8Array): Zero {
  const got = zeroHeaderLayout(z).id();
  if (id && !equal(got, id)) {
    throw new ProofError('wrong network', `zero-header: got that of ${short(got)}, want ${short(id)}`);
  }
  if (z.version !== protocolVersion) {
    throw new ProofError('unknown protocol version', `zero-header: got version ${z.version}, want ${protocolVersion}`);
  }
  checkParameters(z.parameters);
  if (z.time === 0n || isZero(z.stateRoot)) {
    throw new ProofError('root mismatch', 'zero-header: state root and time must not be zero');
  }
  const set = ValidatorSet.check(z.validators);
  return Object.freeze({ header: z, set, id: got }) as Zero;
}

function checkParameters(p: Parameters): void {
  const quarter = p.trustPeriod / 4n;
  const within = (n: bigint, min: bigint, max: bigint) => n >= min && n <= max;
  const rules: readonly (readonly [string, boolean])[] = [
    ['name', /^[a-z][a-z0-9-]{0,31}$/.test(p.name)],
    ['symbol', /^[A-Z][A-Z0-9]{0,11}$/.test(p.symbol)],
    ['decimals', p.decimals <= 30],
    ['epoch duration', within(p.epochDuration, 1n, quarter)],
    ['most clock drift', within(p.maxClockDrift, 1n, quarter)],
    ['heartbeat', within(p.heartbeat, 1n, p.epochDuration)],
    ['view timeout', p.viewTimeout > 0n],
    ['execution lag', within(p.maxExecutionLag, 1n, 65_536n)],
    ['life of an external message', within(p.externalLifeSeconds, 1n, 1_048_576n)],
    ['default deadline', p.defaultDeadline > 0n],
    ['messages in a block', p.blockMessages > 0n],
    ['gas in a block', p.blockGas > 0n],
    ['link window', within(p.linkWindow, 1n, 16_384n)],
    ['payload', p.maxPayload <= 65_536n],
    ['governance threshold', p.governanceNum < p.governanceDen],
  ];
  for (const [what, holds] of rules) {
    if (!holds) throw new ProofError('malformed', `parameters: ${what} out of range`);
  }
}
