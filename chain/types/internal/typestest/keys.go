// Package typestest makes the keys and validator sets that tests and vectors of
// chain/types use. Everything follows from small numbers, so that a run repeats
// byte for byte. Only tests of chain/types and the command that writes its vectors
// import it; its functions panic where only a mistake of the caller can fail.
package typestest

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/bls"
)

// Network is the network of all tests and vectors.
var Network = proofs.NetworkID(sha256.Sum256([]byte("network")))

// NodeKey returns the Ed25519 key that number n names.
func NodeKey(n uint64) ed25519.PrivateKey {
	seed := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("isthmus test node"), n))
	return ed25519.NewKeyFromSeed(seed[:])
}

// Committee is a validator set with its keys, in the order of the set.
type Committee struct {
	Set   *proofs.ValidatorSet
	Nodes []ed25519.PrivateKey
	BLS   []*bls.SecretKey
}

// NewCommittee makes a set of as many members as there are weights.
func NewCommittee(weights ...uint64) *Committee {
	type seat struct {
		validator proofs.Validator
		node      ed25519.PrivateKey
		bls       *bls.SecretKey
	}
	seats := make([]seat, len(weights))
	for i, w := range weights {
		node := NodeKey(uint64(i))
		seed := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("isthmus test bls"), uint64(i)))
		secret := must(bls.GenerateKey(bytes.NewReader(seed[:])))
		id := proofs.NodeKey(node.Public().(ed25519.PublicKey))
		seats[i] = seat{proofs.Validator{Node: id, Key: secret.PublicKey().Bytes(), Weight: w, Possession: secret.ProvePossession(id)}, node, secret}
	}
	slices.SortFunc(seats, func(a, b seat) int { return bytes.Compare(a.validator.Node[:], b.validator.Node[:]) })
	c := &Committee{}
	members := make([]proofs.Validator, len(seats))
	for i, s := range seats {
		members[i] = s.validator
		c.Nodes, c.BLS = append(c.Nodes, s.node), append(c.BLS, s.bls)
	}
	c.Set = must(proofs.NewValidatorSet(members))
	return c
}

// Sign returns the aggregate of the members in places who on msg.
func (c *Committee) Sign(msg []byte, who ...int) proofs.Aggregate {
	a := proofs.Aggregate{Bitmap: proofs.NewBitmap(c.Set.Len())}
	votes := make([]bls.Point, len(who))
	for k, i := range who {
		proofs.SetBit(a.Bitmap, i)
		vote := c.BLS[i].Sign(msg)
		votes[k] = must(bls.ParseVote(vote[:]))
	}
	a.Signature = must(bls.Aggregate(votes)).Bytes()
	return a
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
