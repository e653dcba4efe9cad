// Package proofs is the light client: everything a stranger needs to check what
// a network certified, and nothing else. It owns the types a stranger must
// decode: zero-headers, validator sets, headers, certificates, key-block links,
// queue heads, messages, slices and receipts.
//
// The package is pure. Every function takes the time, the trust and the bytes it
// works on as arguments. It performs no I/O and starts no goroutine.
//
// Types come in pairs where the difference matters: [Header] is what somebody
// claims, [VerifiedHeader] is what a quorum certified, and only a verifier of
// this package can make the second from the first. The same holds for [Slice]
// and [VerifiedSlice].
//
// Bytes that are signed or hashed have a fixed big-endian layout written by hand
// (layout.go and docs/spec); the wire encoding is canoto and is never hashed.
//
// It may import the standard library, its own subpackages, internal/canoto,
// blst, gnark-crypto and curve25519-voi. Everything may import it.
package proofs

//go:generate go run ./internal/vectors -dir testdata
