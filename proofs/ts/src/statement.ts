/** What a verified proof file proves, for reading. */

import { equal, isZero, toHex } from './bytes.js';
import type { Balance } from './claims.js';
import type { ProvedConservation } from './conservation.js';
import { ReceiptKind, messageId } from './message.js';
import type { VerifiedMessage, VerifiedReceipt } from './state.js';

/** Which header of a network a proof rests on, and who signed it. Times in ms. */
export interface Certified {
  readonly network: Uint8Array;
  /** What the network calls itself. */
  readonly name: string;
  readonly symbol: string;
  readonly decimals: number;
  readonly epoch: bigint;
  readonly height: bigint;
  /** The header's id. */
  readonly header: Uint8Array;
  readonly time: bigint;
  /** The state is that after this block, */
  readonly executed: bigint;
  /** and as of this time. */
  readonly executedTime: bigint;
  /** Of that state when it was read. */
  readonly age: bigint;
  /** Hash of the set that signed. */
  readonly set: Uint8Array;
  readonly signers: number;
  readonly members: number;
  /** Of the signers. */
  readonly weight: bigint;
  readonly totalWeight: bigint;
  /**
   * The trust period was over when it was read. The signatures prove nothing to who
   * sees the file for the first time now.
   */
  readonly expired: boolean;
}

/** What is proved, by kind. */
export type Proved =
  | { readonly kind: 'message'; readonly message: VerifiedMessage }
  | { readonly kind: 'receipt'; readonly receipt: VerifiedReceipt }
  | { readonly kind: 'account'; readonly account: Uint8Array; readonly balances: readonly Balance[] }
  | { readonly kind: 'absence'; readonly key: Uint8Array }
  | { readonly kind: 'unexecuted'; readonly body: Uint8Array; readonly expirySeconds: bigint }
  | { readonly kind: 'conservation'; readonly conservation: ProvedConservation };

/** What is proved, and by which networks: first the one that was asked for. */
export type Statement = Proved & { readonly networks: readonly [Certified, ...Certified[]] };

const outcomes = [
  'ok', 'out of gas', 'deadline passed', 'insufficient balance', 'no such recipient', 'unknown peer', 'link window full',
  'asset cannot go there', 'claim exceeded', 'malformed', 'refused', 'overflow', 'link not active',
] as const;

/** The words for an outcome's code. A code that is not known is a failure. */
export function outcomeName(code: number): string {
  return outcomes[code] ?? `code ${code}`;
}

/** Says in words what is proved, by which weight of which set, and as of when. */
export function statementLines(s: Statement): string[] {
  return [...provedLines(s), ...s.networks.flatMap(certifiedLines)];
}

function provedLines(s: Statement): string[] {
  const home = s.networks[0];
  switch (s.kind) {
    case 'message':
      return messageLines(s.message, home);
    case 'receipt':
      return receiptLines(s.receipt, home);
    case 'account':
      return s.balances.map(
        (b) => `Account ${toHex(s.account)} of network ${title(home)} has ${amountText(b.amount, b.asset, home)}.`,
      );
    case 'absence':
      return [`The state of network ${title(home)} holds nothing under the key ${toHex(s.key)} (${quote(s.key)}).`];
    case 'unexecuted':
      return [
        `Network ${title(home)} executed no external message with body ${toHex(s.body)} and expiry ` +
          `${stamp(s.expirySeconds * 1000n)} (second ${s.expirySeconds}), and never will.`,
      ];
    case 'conservation':
      return conservationLines(s.conservation, home);
  }
}

function title(c: Certified): string {
  return `${c.name} (${toHex(c.network)})`;
}

function certifiedLines(c: Certified): string[] {
  const lines = [
    `Certified by network ${title(c)} in epoch ${c.epoch}: header ${c.height}, id ${toHex(c.header)}, of ${stamp(c.time)}.`,
    `Signed by weight ${c.weight} of ${c.totalWeight}: ${c.signers} of the ${c.members} validators of set ${toHex(c.set)}.`,
    `True of ${c.name} after block ${c.executed}, ${stamp(c.executedTime)}; read ${span(c.age)} later.`,
  ];
  if (c.expired) {
    lines.push(
      'HISTORY: the trust period is over. Validators that were released since could have signed this afterwards; ' +
        'it proves something only to who knows that the file is older than that.',
    );
  }
  return lines;
}

function messageLines({ message: m, head }: VerifiedMessage, home: Certified): string[] {
  const q = head.head;
  return [
    `Network ${title(home)} has in its queue for network ${toHex(m.destination)}, incarnation ${m.incarnation}, ` +
      `at index ${m.index}, the message ${toHex(messageId(m))}.`,
    `It moves ${amountText(m.amount, m.asset, home)} from account ${toHex(m.sender)} to account ${toHex(m.recipient)} there.`,
    `It was emitted ${stamp(m.emitted)}, caused by ${toHex(m.cause)}; its deadline is ${stamp(m.deadline)} ` +
      `by the destination's time. Payload: ${quote(m.payload)}.`,
    `The queue holds messages [${q.begin}, ${q.end}); those below are released.`,
  ];
}

function receiptLines({ receipt: r, index }: VerifiedReceipt, home: Certified): string[] {
  const names: Record<number, string> = {
    [ReceiptKind.external]: 'the external message',
    [ReceiptKind.message]: 'the message',
    [ReceiptKind.act]: 'the governance act',
  };
  const what = names[r.kind] ?? `what kind ${r.kind} names,`;
  const lines = [`Network ${title(home)} executed ${what} ${toHex(r.id)} in block ${r.height}, ${stamp(r.time)}: ${outcomeName(r.code)}.`];
  if (r.kind === ReceiptKind.message) {
    lines.push(`It came from network ${toHex(r.source)}, incarnation ${r.incarnation}, index ${r.index}.`);
  }
  lines.push(`It used ${r.gas} gas and paid ${decimal(r.fee, home.decimals)} ${home.symbol}; it is entry ${index} of the receipt log.`);
  for (const e of r.emitted) {
    lines.push(`It emitted message ${toHex(e.leaf)} to network ${toHex(e.destination)}, incarnation ${e.incarnation}, index ${e.index}.`);
  }
  return lines;
}

function conservationLines(c: ProvedConservation, home: Certified): string[] {
  const show = (n: bigint) => amountText(n, c.asset, home);
  return [
    `At home, in network ${title(home)}, the balances sum up to ${show(c.supply)}, of which ${show(c.fees)} are fees.`,
    ...c.peers.flatMap((l) => [
      `For network ${toHex(l.peer)}, ${show(l.claim)} are escrowed at home; vouchers for ${show(l.vouchers)} circulate there: not more than the claim.`,
      `In flight to it ${show(l.toPeer)}, to home ${show(l.toHome)}. Sent by home in all ${show(l.sent)}, ` +
        `received back ${show(l.received)}, refunded ${show(l.refunded)}.`,
    ]),
  ];
}

/** An amount, with its symbol if the asset is the network's own. */
function amountText(n: bigint, asset: Uint8Array, home: Certified): string {
  const own = equal(asset.subarray(0, 32), home.network) && isZero(asset.subarray(32));
  return own ? `${decimal(n, home.decimals)} ${home.symbol}` : `${n} units of asset ${toHex(asset)}`;
}

/** An amount of smallest units with its decimal point. */
export function decimal(n: bigint, decimals: number): string {
  const digits = n.toString().padStart(decimals + 1, '0');
  const at = digits.length - decimals;
  const fraction = digits.slice(at).replace(/0+$/, '');
  return fraction === '' ? digits.slice(0, at) : `${digits.slice(0, at)}.${fraction}`;
}

/** The end of the year 9999: the last time that is written as a date. */
const latest = 253_402_300_799_999n;

function stamp(ms: bigint): string {
  if (ms > latest) return `${ms} ms after 1970`;
  return new Date(Number(ms)).toISOString().replace('T', ' ').replace('Z', ' UTC');
}

/** A duration such as 1h2m3.5s. */
function span(ms: bigint): string {
  if (ms > 1n << 53n) return `${ms} ms`;
  if (ms === 0n) return '0s';
  if (ms < 1000n) return `${ms}ms`;
  const [h, m] = [ms / 3_600_000n, (ms / 60_000n) % 60n];
  const s = `${decimal(ms % 60_000n, 3)}s`;
  return h > 0n ? `${h}h${m}m${s}` : m > 0n ? `${m}m${s}` : s;
}

/** Bytes as text in quotes, where what is not printable ASCII is escaped. */
function quote(b: Uint8Array): string {
  const shown = Array.from(b, (x) => {
    if (x === 0x22 || x === 0x5c) return `\\${String.fromCharCode(x)}`;
    return x >= 0x20 && x < 0x7f ? String.fromCharCode(x) : `\\x${x.toString(16).padStart(2, '0')}`;
  });
  return `"${shown.join('')}"`;
}

/** The statement with bytes as hexadecimal and integers of 64 bits and more as decimal strings, for JSON. */
export function statementObject(s: Statement): Record<string, unknown> {
  const proved = s.kind === 'message' ? { ...s, message: s.message.message, queue: s.message.head.head }
    : s.kind === 'receipt' ? { ...s, receipt: s.receipt.receipt, place: s.receipt.index }
    : s;
  return plain(proved) as Record<string, unknown>;
}

function plain(v: unknown): unknown {
  if (v instanceof Uint8Array) return toHex(v);
  if (typeof v === 'bigint') return v.toString();
  if (Array.isArray(v)) return v.map(plain);
  if (typeof v !== 'object' || v === null) return v;
  return Object.fromEntries(Object.entries(v).map(([k, x]) => [k, plain(x)]));
}
