/** Governance acts (docs/spec/act.md): what the validators of a network approved. */

import { type Value, field, fixed, message, optional, string, u64, u8 } from './canoto.js';
import { AggregateWire, verifyQuorum } from './header.js';
import { Layout, ObjectType } from './layout.js';
import { text } from './bytes.js';
import { type ValidatorSet, ValidatorWire, exceeds } from './validators.js';

export const maxCertifiedActBytes = 64 << 10;

export const ActWire = message({
  network: field(1, fixed(32)),
  epoch: field(2, u64),
  sequence: field(3, u64),
  /** ms */
  expiry: field(4, u64),
  /** Of peers: 1 register, 2 pause, 3 resume; of the own set: 4 validator, 5 remove validator. */
  kind: field(5, u8),
  peer: field(6, fixed(32)),
  networkKind: field(7, string),
  window: field(8, u64),
  gasRate: field(9, u64),
  /** ms */
  trustPeriod: field(10, u64),
  /** Of kinds 4 and 5. */
  validator: optional(11, ValidatorWire),
});
export type Act = Value<typeof ActWire>;

export const CertifiedActWire = message({
  act: field(1, ActWire),
  approval: field(2, AggregateWire),
});
export type CertifiedAct = Value<typeof CertifiedActWire>;

/** What validators sign; its id is the act's. */
export function actLayout(a: Act): Layout {
  const l = new Layout(a.network, ObjectType.act)
    .u64(a.epoch).u64(a.sequence).u64(a.expiry).u8(a.kind).hash(a.peer).bytes(text(a.networkKind))
    .u64(a.window).u64(a.gasRate).u64(a.trustPeriod);
  const v = a.validator;
  return v ? l.fixed(v.node, 32).fixed(v.key, 96).u64(v.weight).fixed(v.possession, 48) : l;
}

/**
 * Checks that more than the larger of two thirds and num/den of the set approved.
 * Whether network, epoch, sequence and expiry are the right ones is for the caller.
 * Errors: those of verifyQuorum.
 */
export function verifyAct(a: CertifiedAct, set: ValidatorSet, num: number, den: number): void {
  const [n, d] = [BigInt(num), BigInt(den)];
  const larger = d !== 0n && !exceeds(n, d, 2n, 3n) ? ([2n, 3n] as const) : ([n, d] as const);
  verifyQuorum(a.approval, set, actLayout(a.act).toBytes(), ...larger);
}
