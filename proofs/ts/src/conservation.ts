/** Conservation of an asset between its home and its peers (docs/spec/file.md). */

import { compare, equal, getUint, isZero, short } from './bytes.js';
import { type Value, field, fixed, list, message } from './canoto.js';
import { assetId } from './claims.js';
import { ProofError } from './errors.js';
import { homeNetwork } from './layout.js';
import {
  type StateEntry, StateEntryWire, type VerifiedEntry, amountOf, assetAt, logNames, logOf, stateKeys, verifyEntry,
} from './state.js';
import type { VerifiedHeader } from './trust.js';

const maxPeers = 1000;
const maxIncarnations = 64;
const maxAmount = (1n << 128n) - 1n;

/** The entries of one end of a link before its flows. */
const fixedEntries = 4;

/** Where a peer's record has its format and the link's incarnation (docs/spec/mesh.md). */
const record = { format: 1, incarnationAt: 12, incarnationEnd: 20 } as const;

export const LinkClaimWire = message({
  home: list(1, StateEntryWire),
  abroad: list(2, StateEntryWire),
});
export type LinkClaim = Value<typeof LinkClaimWire>;

export const ConservationClaimWire = message({
  /** The asset's id at home; zero is the home's own asset. */
  asset: field(1, fixed(32)),
  home: list(2, StateEntryWire),
  peers: list(3, LinkClaimWire),
});
export type ConservationClaim = Value<typeof ConservationClaimWire>;

/** An asset on one link, in its smallest unit; what crossed is as the home has it. */
export interface ProvedLink {
  readonly peer: Uint8Array;
  readonly incarnation: bigint;
  /** Escrowed at home for the peer: vouchers + toPeer + toHome. */
  readonly claim: bigint;
  /** What circulates at the peer. */
  readonly vouchers: bigint;
  /** In flight to the peer, or failed there and not yet refunded. */
  readonly toPeer: bigint;
  readonly toHome: bigint;
  readonly sent: bigint;
  readonly received: bigint;
  readonly refunded: bigint;
}

export interface ProvedConservation {
  /** Under its name abroad. */
  readonly asset: Uint8Array;
  /** The sum of all balances at home, with the fees. */
  readonly supply: bigint;
  readonly fees: bigint;
  readonly peers: readonly ProvedLink[];
}

/** The keys of an asset at home: its supply, and for the own asset the fees in it. */
function homeKeys(asset: Uint8Array): Uint8Array[] {
  const supply = stateKeys.supply(assetId(homeNetwork, asset));
  return isZero(asset) ? [supply, stateKeys.fees()] : [supply];
}

export function checkConservationClaim(c: ConservationClaim, chains: number): void {
  const n = c.peers.length;
  if (n === 0 || n > maxPeers) throw new ProofError('too large', `got ${n} peers, want 1 to ${maxPeers}`);
  if (chains !== n + 1) throw new ProofError('not canonical', `got ${chains} chains, want ${n + 1}`);
  const want = homeKeys(c.asset).length;
  if (c.home.length !== want) throw new ProofError('not canonical', `got ${c.home.length} entries of the home, want ${want}`);
}

export function verifyConservationClaim(c: ConservationClaim, headers: readonly VerifiedHeader[]): ProvedConservation {
  const [home, ...abroad] = headers as [VerifiedHeader, ...VerifiedHeader[]];
  const asset = assetId(home.header.network, c.asset);
  const [supply = 0n, fees = 0n] = homeKeys(c.asset).map((key, i) => amountOf(verifyEntry(home, key, c.home[i]!)));
  if (fees > supply) throw new ProofError('value not conserved', `fees ${fees} of a supply of ${supply}`);
  const peers = abroad.map((v, i) => {
    const id = v.header.network;
    if (equal(id, home.header.network) || (i > 0 && compare(abroad[i - 1]!.header.network, id) >= 0)) {
      throw new ProofError('not canonical', `peer ${i}, ${short(id)}: peers do not rise, or it is the home`);
    }
    return verifyLink(c.peers[i]!, home, v, asset);
  });
  return { asset, supply, fees, peers };
}

interface Flow {
  readonly sent: bigint;
  readonly received: bigint;
  readonly refunded: bigint;
}

/** One end of a link as its network's state has it. */
interface LinkEnd {
  /** Ends of the queues. */
  readonly out: bigint;
  readonly in: bigint;
  /** Escrowed at home, or vouchers abroad. */
  readonly held: bigint;
  /** By incarnation, from 1. */
  readonly flows: readonly Flow[];
}

function linkKeys(self: Uint8Array, peer: Uint8Array, incarnations: number, asset: Uint8Array): Uint8Array[] {
  const here = assetAt(self, asset);
  const last = BigInt(incarnations);
  const own = isZero(here.subarray(0, 32));
  const keys = [
    stateKeys.peer(peer),
    stateKeys.log(logNames.outbound(peer, last)),
    stateKeys.log(logNames.inbound(peer, last)),
    own ? stateKeys.claim(peer, here) : stateKeys.supply(here),
  ];
  for (let i = 1n; i <= last; i++) keys.push(stateKeys.flow(peer, i, here));
  return keys;
}

function readLinkEnd(v: VerifiedHeader, peer: Uint8Array, asset: Uint8Array, entries: readonly StateEntry[]): LinkEnd {
  const n = entries.length - fixedEntries;
  if (n < 1 || n > maxIncarnations) {
    throw new ProofError('not canonical', `got ${entries.length} entries, want ${fixedEntries} and one for each of 1 to ${maxIncarnations} incarnations`);
  }
  const verified = linkKeys(v.header.network, peer, n, asset).map((key, i) => verifyEntry(v, key, entries[i]!));
  const [peerRecord, out, inbound, held, ...flows] = verified as [VerifiedEntry, VerifiedEntry, VerifiedEntry, VerifiedEntry];
  checkIncarnation(peerRecord.value, n);
  return {
    out: logOf(out).range.end,
    in: logOf(inbound).range.end,
    held: amountOf(held),
    flows: (flows as VerifiedEntry[]).map(flowOf),
  };
}

function checkIncarnation(value: Uint8Array | undefined, n: number): void {
  if (!value || value.length < record.incarnationEnd || value[0] !== record.format) {
    throw new ProofError('malformed', `record of the peer: got ${value?.length ?? 0} bytes, want format ${record.format}`);
  }
  const got = getUint(value.subarray(record.incarnationAt, record.incarnationEnd));
  if (got !== BigInt(n)) {
    throw new ProofError('wrong incarnation', `flows of ${n} incarnations, the link is in incarnation ${got}`);
  }
}

function flowOf(e: VerifiedEntry): Flow {
  if (!e.value) return { sent: 0n, received: 0n, refunded: 0n };
  const b = e.value;
  if (b.length !== 48) throw new ProofError('malformed', `flow: got ${b.length} bytes, want 48`);
  return { sent: getUint(b.subarray(0, 16)), received: getUint(b.subarray(16, 32)), refunded: getUint(b.subarray(32)) };
}

/** Checks both ends of a link, that their states fit together, and the sums. */
function verifyLink(c: LinkClaim, home: VerifiedHeader, abroad: VerifiedHeader, asset: Uint8Array): ProvedLink {
  const here = readLinkEnd(home, abroad.header.network, asset, c.home);
  const there = readLinkEnd(abroad, home.header.network, asset, c.abroad);
  if (here.flows.length !== there.flows.length) {
    throw new ProofError('wrong incarnation', `incarnations ${here.flows.length} at home, ${there.flows.length} abroad`);
  }
  if (there.in > here.out || here.in > there.out) {
    throw new ProofError('no consistent cut', `home sent ${here.out}, abroad took ${there.in}; abroad sent ${there.out}, home took ${here.in}`);
  }
  const sums = sumFlows(here, there);
  const l = { peer: abroad.header.network, incarnation: BigInt(here.flows.length), claim: here.held, vouchers: there.held };
  checkSum('escrowed', l.claim, sums.sent - sums.received - sums.refunded);
  checkSum('vouchers', l.vouchers, sums.made - sums.burnt);
  if (l.vouchers > l.claim) {
    throw new ProofError('value not conserved', `vouchers ${l.vouchers}, escrowed for them ${l.claim}`);
  }
  const { toPeer, toHome, sent, received, refunded } = sums;
  return { ...l, toPeer, toHome, sent, received, refunded };
}

function checkSum(what: string, got: bigint, want: bigint): void {
  if (got !== want) throw new ProofError('value not conserved', `${what}: got ${got}, the flows leave ${want}`);
}

/** Adds up what crossed a link; no sum is below nothing or beyond 128 bits. */
function sumFlows(here: LinkEnd, there: LinkEnd) {
  const sums = { toPeer: 0n, toHome: 0n, sent: 0n, received: 0n, refunded: 0n, burnt: 0n, made: 0n };
  here.flows.forEach((h, i) => {
    const t = there.flows[i]!;
    const toPeer = h.sent - h.refunded - t.received;
    const toHome = t.sent - t.refunded - h.received;
    if (toPeer < 0n || toHome < 0n) {
      throw new ProofError('value not conserved', `incarnation ${i + 1}: more arrived than was sent`);
    }
    sums.toPeer += toPeer;
    sums.toHome += toHome;
    sums.sent += h.sent;
    sums.received += h.received;
    sums.refunded += h.refunded;
    sums.burnt += t.sent;
    sums.made += t.received + t.refunded;
  });
  if (Object.values(sums).some((n) => n > maxAmount)) throw new ProofError('value not conserved', 'a sum exceeds 128 bits');
  return sums;
}
