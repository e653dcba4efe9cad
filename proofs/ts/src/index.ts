/**
 * The light client of Isthmus for browsers and Node: everything a stranger needs to
 * check what a network certified. Pure functions over bytes: trust, claim and clock go
 * in; a checked object comes out, or a ProofError.
 */

export * from './act.js';
export { compare, equal, fromHex, toHex } from './bytes.js';
export * from './errors.js';
export * from './header.js';
export { Layout, ObjectType, accountId, accountLayout, hash, homeNetwork } from './layout.js';
export * from './merkle.js';
export * from './message.js';
export * from './queue.js';
export * from './slice.js';
export * from './trie.js';
export * from './trierange.js';
export * from './trust.js';
export * from './validators.js';
export * from './zero.js';
export * as bls from './bls.js';
export * from './claims.js';
export * from './conservation.js';
export * from './file.js';
export * from './state.js';
export * from './statement.js';
