package types

//go:generate go tool -modfile=../../tools/go.mod canoto --import=github.com/isthmus-network/isthmus/internal/canoto $GOFILE

import (
	"crypto/ed25519"
	"fmt"

	"github.com/isthmus-network/isthmus/proofs"
)

// MaxReadyBytes bounds the wire form of a Ready.
const MaxReadyBytes = 256

// Ready is a node's word that it runs, has executed the state in which governance
// chose a set with it in it, and will sign with that set. Any validator may carry
// it. It is bound to the act that chose the set, so that it speaks for no other
// choice, not even of the same set.
type Ready struct {
	Sequence  uint64         `canoto:"uint,1"`        // of the act
	SetHash   proofs.Hash    `canoto:"fixed bytes,2"` // of the chosen set
	Node      proofs.NodeKey `canoto:"fixed bytes,3"`
	Signature [64]byte       `canoto:"fixed bytes,4"`

	canotoData canotoData_Ready
}

func (r *Ready) layout(network proofs.NetworkID) []byte {
	return proofs.NewLayout(network, proofs.TypeReady).U64(r.Sequence).Hash(r.SetHash).Hash(r.Node).Bytes()
}

// Sign fills in node and signature.
func (r *Ready) Sign(network proofs.NetworkID, key ed25519.PrivateKey) {
	r.Node = proofs.NodeKey(key.Public().(ed25519.PublicKey))
	copy(r.Signature[:], ed25519.Sign(key, r.layout(network)))
}

// Verify checks the node's signature; the error is proofs.ErrSignature.
func (r *Ready) Verify(network proofs.NetworkID) error {
	if !VerifyEd25519(r.Node, r.layout(network), r.Signature) {
		return fmt.Errorf("readiness of %s: %w", r.Node, proofs.ErrSignature)
	}
	return nil
}
