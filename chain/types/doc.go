// Package types holds what only a network's own nodes see: external messages,
// batches, cars, cuts, blocks, the votes and certificates of the ordering core,
// governance acts, the state as rules see it, and what execution and the rules
// between networks tell each other.
//
// Pure packages import it besides proofs. It may import the standard library,
// proofs and its subpackages, internal/canoto and curve25519-voi (by way of
// proofs). Hashed layouts are in docs/spec; wire types are canoto.
package types

//go:generate go run ./internal/vectors -dir testdata
