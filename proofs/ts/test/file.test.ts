import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  type ProofFile, ProofError, decimal, hash, maxFileBytes, parseFile, sealFile, statementLines, statementObject, verifyChain,
  verifyFile,
} from '../src/index.js';
import { ChainWire } from '../src/file.js';
import { flipped, hex, judge, refused, vectors } from './vectors.js';

interface FileCase { desc: string; kind: string; network: string; now: string; maxAge: string; hex: string; wantErr: string }
const files = vectors<FileCase>('testdata/file.json');
const kinds = ['message', 'receipt', 'account', 'absence', 'unexecuted', 'conservation'];
const bodyAt = 40;

for (const c of files) {
  test(`file: ${c.desc}`, () => {
    const reading = { now: BigInt(c.now), maxAge: BigInt(c.maxAge) };
    const s = judge(c.wantErr, () => verifyFile(hex(c.hex), hex(c.network), reading));
    if (!s) return;
    assert.equal(s.kind, c.kind);
    assert.deepEqual(s.networks[0].network, hex(c.network));
    assert.ok(statementLines(s).length >= 4);
    JSON.stringify(statementObject(s));
  });
}

function accepted(desc: string): FileCase {
  const c = files.find((x) => x.desc === desc);
  assert.ok(c && c.wantErr === '', desc);
  return c;
}

/** The file with one bit of its body changed and a digest that fits. */
function forged(file: Uint8Array, i: number): Uint8Array {
  return sealFile(flipped(file.subarray(bodyAt), i));
}

const wireOf = (f: ProofFile) => f.chains.map((chain) => ChainWire.encode(chain));
const sameChains = (a: ProofFile, b: ProofFile) =>
  Buffer.compare(Buffer.concat(wireOf(a)), Buffer.concat(wireOf(b))) === 0;

for (const kind of kinds) {
  test(`every byte of a file matters: ${kind}`, () => {
    const c = accepted(kind);
    const bytes = hex(c.hex);
    const network = hex(c.network);
    const reading = { now: BigInt(c.now) };
    const file = parseFile(bytes);
    const headers = file.chains.map((chain) => verifyChain(chain, chain.header.header.network, reading).header);
    const proved = file.claim.verify(headers);
    for (let i = 0; i < bytes.length; i++) refused(() => parseFile(flipped(bytes, i)), i === 7 ? 'unknown protocol version' : 'malformed');

    let claims = 0;
    for (let i = 0; i < bytes.length - bodyAt; i++) {
      assert.throws(() => {
        const other = parseFile(forged(bytes, i));
        // What the chains say costs pairings: a sample of it is below.
        if (!sameChains(other, file)) throw new ProofError('bad signature', 'another chain');
        claims++;
        const got = other.claim.verify(headers);
        // The same proof may show that another key, or body, is absent too: that is true.
        const shows = (kind === 'absence' || kind === 'unexecuted') && !sameProved(got, proved);
        if (shows) throw new ProofError('bad branch', 'a true statement, and another');
      }, ProofError, `byte ${i}`);
    }
    assert.ok(claims > 10, `${claims} flips reached the claim`);
    for (let i = 3; i < bytes.length - bodyAt; i += 151) {
      if (accepts(() => sameChains(parseFile(forged(bytes, i)), file))) continue;
      assert.throws(() => verifyFile(forged(bytes, i), network, reading), ProofError, `byte ${i}`);
    }
  });
}

function accepts(f: () => boolean): boolean {
  try {
    return f();
  } catch {
    return false;
  }
}

function sameProved(a: unknown, b: unknown): boolean {
  try {
    assert.deepEqual(a, b);
    return true;
  } catch {
    return false;
  }
}

test('a file is history, unless its reader demands more', () => {
  const c = accepted('account');
  const network = hex(c.network);
  const file = hex(c.hex);
  const { networks: [n] } = verifyFile(file, network, { now: BigInt(c.now), inTrust: true });
  assert.equal(n.expired, false);
  const late = BigInt(c.now) + (1n << 50n);
  const old = verifyFile(file, network, { now: late });
  assert.equal(old.networks[0].expired, true);
  assert.ok(statementLines(old).some((l) => l.startsWith('HISTORY')));
  refused(() => verifyFile(file, network, { now: late, inTrust: true }), 'trust expired');
  refused(() => verifyFile(file, network, { now: n.executedTime + 11n, maxAge: 10n }), 'trust expired');
  refused(() => verifyFile(file, hash(network), { now: BigInt(c.now) }), 'wrong network');
});

test('a file that is too large is not read', () => {
  refused(() => parseFile(new Uint8Array(maxFileBytes + 1)), 'too large');
});

test('amounts with a decimal point', () => {
  assert.equal(decimal(0n, 0), '0');
  assert.equal(decimal(0n, 9), '0');
  assert.equal(decimal(4993n, 9), '0.000004993');
  assert.equal(decimal(1_500_000_000n, 9), '1.5');
  assert.equal(decimal(2_000_000_000n, 9), '2');
});

test('the command', () => {
  const program = fileURLToPath(new URL('../../bin/verify.mjs', import.meta.url));
  const run = (...args: string[]) => spawnSync(process.execPath, [program, ...args], { encoding: 'utf8' });
  const c = accepted('receipt');
  const dir = mkdtempSync(join(tmpdir(), 'isthmus-verify-'));
  try {
    const path = join(dir, 'a.proof');
    writeFileSync(path, hex(c.hex));
    const good = run(path, '--network', c.network, '--now', c.now);
    assert.equal(good.status, 0, good.stderr);
    assert.match(good.stdout, /executed the external message/);
    assert.match(good.stdout, /Signed by weight/);
    const json = run(path, '--network', c.network, '--now', c.now, '--json');
    assert.equal((JSON.parse(json.stdout) as { kind: string }).kind, 'receipt');
    const foreign = run(path, '--network', c.network.replace(/^./, (d) => (d === '0' ? '1' : '0')));
    assert.equal(foreign.status, 1);
    assert.match(foreign.stderr, /wrong network\nblame: sender/);
    for (const args of [[], [path], [path, '--network', 'xyz'], [join(dir, 'none'), '--network', c.network]]) {
      assert.equal(run(...args).status, 2);
    }
  } finally {
    rmSync(dir, { recursive: true });
  }
});
