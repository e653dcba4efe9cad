package types

//go:generate go tool -modfile=../../tools/go.mod canoto --import=github.com/isthmus-network/isthmus/internal/canoto $GOFILE

import (
	"crypto/ed25519"
	"fmt"

	"github.com/isthmus-network/isthmus/proofs"
)

// Bounds of the data layer.
const (
	MaxBatchBytes = 6 << 20 // room for one largest slice and its framing
	MaxCarBatches = 64
)

// ItemKind says what an item of a batch is.
type ItemKind uint8

// The kinds of items.
const (
	ItemExternal ItemKind = 1 // a user's External
	ItemZero     ItemKind = 2 // a registered peer's proofs.ZeroHeader
	ItemKeyBlock ItemKind = 3 // a peer's proofs.KeyBlock
	ItemSlice    ItemKind = 4 // a peer's proofs.Slice
	ItemAct      ItemKind = 5 // a CertifiedAct of governance
	ItemReady    ItemKind = 6 // a Ready of a validator of the next set
)

// Item is one thing to execute, in its wire form.
type Item struct {
	Kind ItemKind `canoto:"uint,1"`
	Data []byte   `canoto:"bytes,2"`

	canotoData canotoData_Item
}

// Batch is what a lane orders as one: its digest is in a car, its bytes are
// streamed ahead.
type Batch struct {
	Items []Item `canoto:"repeated value,1"`

	canotoData canotoData_Batch
}

// Digest is SHA-256 of the items' count, kinds and bytes. Batches belong to no
// epoch or lane: the same batch may be carried again.
func (b *Batch) Digest(network proofs.NetworkID) proofs.Hash {
	l := proofs.NewLayout(network, proofs.TypeBatch).U32(uint32(len(b.Items)))
	for i := range b.Items {
		l.U8(uint8(b.Items[i].Kind)).Var(b.Items[i].Data)
	}
	return l.Sum()
}

// Car is one signed link of a lane: validator Lane's stream of batches in an
// epoch. Heights start at 1, whose parent is the zero digest.
type Car struct {
	Epoch     uint64        `canoto:"uint,1"`
	Lane      uint32        `canoto:"uint,2"` // the validator's place in the epoch's set
	Height    uint64        `canoto:"uint,3"`
	Parent    proofs.Hash   `canoto:"fixed bytes,4"`
	Batches   []proofs.Hash `canoto:"repeated fixed bytes,5"`
	Signature [64]byte      `canoto:"fixed bytes,6"`

	canotoData canotoData_Car
}

func (c *Car) layout(network proofs.NetworkID) []byte {
	l := proofs.NewLayout(network, proofs.TypeCar).U64(c.Epoch).U32(c.Lane).U64(c.Height).Hash(c.Parent).U32(uint32(len(c.Batches)))
	for _, b := range c.Batches {
		l.Hash(b)
	}
	return l.Bytes()
}

// Digest identifies the car; the signature covers the same bytes.
func (c *Car) Digest(network proofs.NetworkID) proofs.Hash { return sum(c.layout(network)) }

// Sign fills in the signature.
func (c *Car) Sign(network proofs.NetworkID, key ed25519.PrivateKey) {
	copy(c.Signature[:], ed25519.Sign(key, c.layout(network)))
}

// Verify checks the signature of the lane's owner.
func (c *Car) Verify(network proofs.NetworkID, owner proofs.NodeKey) error {
	if !VerifyEd25519(owner, c.layout(network), c.Signature) {
		return fmt.Errorf("car %d of lane %d: %w", c.Height, c.Lane, proofs.ErrSignature)
	}
	return nil
}

// Tip names the newest car of a lane that a cut orders. Height 0 with the zero
// digest is a lane of which nothing is ordered yet.
type Tip struct {
	Lane   uint32      `canoto:"uint,1"`
	Height uint64      `canoto:"uint,2"`
	Digest proofs.Hash `canoto:"fixed bytes,3"`

	canotoData canotoData_Tip
}

// Same reports whether both tips name one car.
func (t *Tip) Same(o *Tip) bool {
	return t.Lane == o.Lane && t.Height == o.Height && t.Digest == o.Digest
}

// CarVote says: Voter holds the car, its batches and all of its lane below it
// durably. Signed once for each (lane, height).
type CarVote struct {
	Epoch     uint64   `canoto:"uint,1"`
	Tip       Tip      `canoto:"value,2"`
	Voter     uint32   `canoto:"uint,3"`
	Signature [64]byte `canoto:"fixed bytes,4"`

	canotoData canotoData_CarVote
}

func carVoteLayout(network proofs.NetworkID, epoch uint64, t *Tip) []byte {
	return proofs.NewLayout(network, proofs.TypeCarVote).U64(epoch).U32(t.Lane).U64(t.Height).Hash(t.Digest).Bytes()
}

// Sign fills in the signature.
func (v *CarVote) Sign(network proofs.NetworkID, key ed25519.PrivateKey) {
	copy(v.Signature[:], ed25519.Sign(key, carVoteLayout(network, v.Epoch, &v.Tip)))
}

// Verify checks the voter's signature.
func (v *CarVote) Verify(network proofs.NetworkID, voter proofs.NodeKey) error {
	if !VerifyEd25519(voter, carVoteLayout(network, v.Epoch, &v.Tip), v.Signature) {
		return fmt.Errorf("vote of %d for car %d of lane %d: %w", v.Voter, v.Tip.Height, v.Tip.Lane, proofs.ErrSignature)
	}
	return nil
}

// CarSignature is one voter's part of a CarCertificate.
type CarSignature struct {
	Voter     uint32   `canoto:"uint,1"`
	Signature [64]byte `canoto:"fixed bytes,2"`

	canotoData canotoData_CarSignature
}

// CarCertificate proves that more than a third of the weight holds a car and all
// of its lane below it, so that at least one honest node can serve it. The
// signatures are sorted by voter.
type CarCertificate struct {
	Epoch uint64         `canoto:"uint,1"`
	Tip   Tip            `canoto:"value,2"`
	Votes []CarSignature `canoto:"repeated value,3"`

	canotoData canotoData_CarCertificate
}

// Verify checks that the voters are sorted members of set, weigh more than a
// third, and signed.
func (c *CarCertificate) Verify(network proofs.NetworkID, set *proofs.ValidatorSet) error {
	var weight uint64
	for i := range c.Votes {
		voter := c.Votes[i].Voter
		if int(voter) >= set.Len() || i > 0 && c.Votes[i-1].Voter >= voter {
			return fmt.Errorf("car certificate: voter %d at place %d: %w", voter, i, proofs.ErrSigner)
		}
		weight += set.At(int(voter)).Weight
	}
	if !set.IsOneHonest(weight) {
		return fmt.Errorf("car certificate: got weight %d, want more than a third of %d: %w", weight, set.Total(), proofs.ErrQuorum)
	}
	for i := range c.Votes {
		v := CarVote{Epoch: c.Epoch, Tip: c.Tip, Voter: c.Votes[i].Voter, Signature: c.Votes[i].Signature}
		if err := v.Verify(network, set.At(int(v.Voter)).Node); err != nil {
			return err
		}
	}
	return nil
}
