package types

import (
	"crypto/sha256"

	"github.com/oasisprotocol/curve25519-voi/primitives/ed25519"

	"github.com/isthmus-network/isthmus/proofs"
)

// zip215 is the one rule for Ed25519 signatures, single and batched: mixed rules
// would fork a network.
var zip215 = &ed25519.Options{Verify: ed25519.VerifyOptionsZIP_215}

// VerifyEd25519 checks one signature under ZIP-215.
func VerifyEd25519(key [32]byte, msg []byte, sig [64]byte) bool {
	return ed25519.VerifyWithOptions(key[:], msg, sig[:], zip215)
}

// VerifyExternals checks the signatures of many external messages at once and
// reports for each whether it holds. The verdict of each is the same as that of
// [External.VerifySignature].
func VerifyExternals(xs []*External) []bool {
	v := ed25519.NewBatchVerifierWithCapacity(len(xs))
	for _, x := range xs {
		v.AddWithOptions(x.Key[:], x.layout(), x.Signature[:], zip215)
	}
	_, valid := v.Verify(nil)
	return valid
}

func sum(b []byte) proofs.Hash { return sha256.Sum256(b) }
