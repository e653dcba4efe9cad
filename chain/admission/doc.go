// Package admission takes external messages in: the checks at ingress, the bounds
// on what waits, the signed receipt, and the status of each message until a
// certified header covers its execution.
//
// [Pool] is pure: time and lookups are arguments, and signatures can be checked
// outside, in batches. It is used by one goroutine, or under its owner's lock.
// The bytes of the receipt are in docs/spec/lanes.md.
//
// It may be imported by chain/node, chain/api, cmd and tests. It imports the
// standard library, proofs, chain/types, internal/canoto and curve25519-voi only.
package admission
