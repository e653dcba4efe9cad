// Package merkle holds the two authenticated structures of Isthmus and what a stranger needs to check them: append-only
// logs (queues, receipts, dedup buckets) and the state trie.
//
// What lives here: the hash functions of both, compact ranges, inclusion proofs of logs, proofs of presence, absence and
// key ranges of the trie, the byte forms of its proofs, and the trie in memory as the reference for stores. All of it is pure: no I/O, no clock, no goroutine, no map order. Storage of
// nodes lives with the stores; they drive this package through the visit and node callbacks.
//
// Logs hash as RFC 6962 section 2.1 and RFC 9162 section 2.1 say. Compact ranges follow transparency-dev/merkle,
// docs/compact_ranges.md. The trie is a path-compressed binary Merkle trie over SHA-256(key). The bytes are specified in
// docs/spec/merkle.md; language-neutral vectors are in testdata.
//
// Two preconditions bind every caller, because hashes alone cannot check them:
//
//   - A log's root does not bind its size (RFC 6962). Size and index must come from what is certified together with the
//     root, never from the carrier of a proof.
//   - The leaf hash given to [VerifyInclusion] must be computed by the caller from the leaf's data, with [LeafHash]. A leaf
//     hash that comes from a prover may be an inner node.
//
// Who may import it: everyone. What it must not import: anything but the standard library.
package merkle

//go:generate go run ./internal/vectors -dir testdata
