#!/usr/bin/env node
// Checks a proof file: verify.mjs FILE --network ID [--in-trust] [--max-age MS] [--now MS] [--json]

import { readFileSync, statSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { ProofError, blame, fromHex, maxFileBytes, statementLines, statementObject, verifyFile } from '../dist/index.js';

const usage = `usage: isthmus-verify FILE --network ID [--in-trust] [--max-age MS] [--now MS] [--json]

  --network   id of the network, 64 hexadecimal digits, known by other means than the file
  --in-trust  refuse headers beyond their network's trust period
  --max-age   refuse states that are older, in milliseconds
  --now       the time to judge by, in milliseconds since 1970; the clock's if left out
  --json      print the statement as JSON`;

function readArguments() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      network: { type: 'string' },
      'in-trust': { type: 'boolean', default: false },
      'max-age': { type: 'string', default: '0' },
      now: { type: 'string', default: String(Date.now()) },
      json: { type: 'boolean', default: false },
    },
  });
  if (positionals.length !== 1) throw new Error(`got ${positionals.length} files, want one`);
  if (!/^[0-9a-f]{64}$/.test(values.network ?? '')) throw new Error('--network wants 64 hexadecimal digits');
  for (const name of ['max-age', 'now']) {
    if (!/^[0-9]{1,20}$/.test(values[name])) throw new Error(`--${name} wants milliseconds`);
  }
  return {
    file: positionals[0],
    network: fromHex(values.network),
    reading: { now: BigInt(values.now), maxAge: BigInt(values['max-age']), inTrust: values['in-trust'] },
    json: values.json,
  };
}

function main() {
  let args;
  let bytes;
  try {
    args = readArguments();
    const { size } = statSync(args.file);
    if (size > maxFileBytes) throw new Error(`${args.file}: got ${size} bytes, want at most ${maxFileBytes}`);
    bytes = new Uint8Array(readFileSync(args.file));
  } catch (e) {
    console.error(`${e.message}\n${usage}`);
    return 2;
  }
  try {
    const statement = verifyFile(bytes, args.network, args.reading);
    console.log(args.json ? JSON.stringify(statementObject(statement), null, 2) : statementLines(statement).join('\n'));
    return 0;
  } catch (e) {
    if (!(e instanceof ProofError)) throw e;
    console.error(`refused: ${e.message}\nblame: ${blame(e.kind)}`);
    return 1;
  }
}

process.exitCode = main();
