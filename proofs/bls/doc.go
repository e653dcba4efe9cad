// Package bls is BLS12-381 in its minimal-signature form: signatures are
// points of G1, public keys points of G2. It holds what certificates need and
// nothing else: keys, votes, aggregation, verification, blame.
//
// The ciphersuite is BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_POP_ of
// draft-irtf-cfrg-bls-signature, with proofs of possession bound to their
// owner; docs/spec/bls.md states the encodings and every rule.
//
// Checked and unchecked values have different types. A [PublicKey] and a
// [Signature] are on the curve, in the subgroup and not infinity: only the
// parsers, a [SecretKey] and aggregation make them. A [Point] is a vote as it
// arrived, on the curve and no more: [Aggregate] checks the subgroup once, on
// the sum, because checking each vote would cost more than the sum itself, and
// [FindInvalid] names the votes at fault when that check or the pairing fails.
//
// The curve comes from supranational/blst when cgo is on, and from
// consensys/gnark-crypto when it is off (or with the build tag purego). Both
// give the same bytes and the same verdicts; lengths, flags, ranges and
// infinity are checked here, above either. The pure Go one is not constant
// time in the secret key: a validator signs with a cgo build.
//
// All functions are pure and safe for concurrent use. No input makes them
// panic, and none starts a goroutine.
//
// Anything may import this package. It imports the standard library, blst and
// gnark-crypto, and must import nothing of this module outside its own
// directory.
package bls

//go:generate go run ./internal/vectors/genvectors -o testdata
