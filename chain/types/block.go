package types

//go:generate go tool -modfile=../../tools/go.mod canoto --import=github.com/isthmus-network/isthmus/internal/canoto $GOFILE

import (
	"fmt"

	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/bls"
)

// Bounds of the ordering messages.
const (
	MaxNullifications = 64
	MaxProposalBytes  = 4 << 20
	MaxVoteBytes      = 512
	MaxQuorumBytes    = 1024
)

// Cut orders the data layer: for each lane of the epoch, in order of lanes, the
// newest car that is ordered. What a block orders is, lane by lane, the cars
// above its parent's cut up to its own. A new epoch starts from heights 0.
type Cut struct {
	Tips []Tip `canoto:"repeated value,1"`

	canotoData canotoData_Cut
}

// NewCut returns the empty cut of an epoch with n lanes.
func NewCut(n int) Cut {
	c := Cut{Tips: make([]Tip, n)}
	for i := range c.Tips {
		c.Tips[i].Lane = uint32(i)
	}
	return c
}

// Root identifies the cut; it is in the header.
func (c *Cut) Root(network proofs.NetworkID, epoch uint64) proofs.Hash {
	l := proofs.NewLayout(network, proofs.TypeCut).U64(epoch).U32(uint32(len(c.Tips)))
	for i := range c.Tips {
		l.U32(c.Tips[i].Lane).U64(c.Tips[i].Height).Hash(c.Tips[i].Digest)
	}
	return l.Sum()
}

// Extends checks that c has one tip for each of n lanes, in order, and that none
// lies below parent's or replaces it.
func (c *Cut) Extends(parent *Cut, n int) error {
	if len(c.Tips) != n || len(parent.Tips) != n {
		return fmt.Errorf("cut: got %d tips on %d, want %d: %w", len(c.Tips), len(parent.Tips), n, proofs.ErrMalformed)
	}
	for i := range c.Tips {
		t, p := &c.Tips[i], &parent.Tips[i]
		if t.Lane != uint32(i) || t.Height < p.Height || t.Height == p.Height && t.Digest != p.Digest || (t.Height == 0) != (t.Digest == proofs.Hash{}) {
			return fmt.Errorf("cut: lane %d: got tip %d, parent has %d: %w", i, t.Height, p.Height, proofs.ErrIndex)
		}
	}
	return nil
}

// Same reports whether both cuts order the same cars.
func (c *Cut) Same(o *Cut) bool {
	if len(c.Tips) != len(o.Tips) {
		return false
	}
	for i := range c.Tips {
		if !c.Tips[i].Same(&o.Tips[i]) {
			return false
		}
	}
	return true
}

// Block is a header and the cut that its CutRoot commits to. In a key block,
// NextSet turns the epoch's set into the next.
type Block struct {
	Header  proofs.Header   `canoto:"value,1"`
	Cut     Cut             `canoto:"value,2"`
	NextSet proofs.SetDelta `canoto:"value,3"`

	canotoData canotoData_Block
}

// Quorum is a certificate inside the ordering core: a quorum's votes of one
// kind for one view. Outside the core only those that finalize count.
type Quorum struct {
	Kind       proofs.ObjectType `canoto:"uint,1"`
	Epoch      uint64            `canoto:"uint,2"`
	View       uint64            `canoto:"uint,3"`
	ParentView uint64            `canoto:"uint,4"`
	Header     proofs.Hash       `canoto:"fixed bytes,5"`
	Aggregate  proofs.Aggregate  `canoto:"value,6"`

	canotoData canotoData_Quorum
}

// Vote returns what its signers signed.
func (q *Quorum) Vote(setHash proofs.Hash) proofs.Vote {
	return proofs.Vote{Kind: q.Kind, Epoch: q.Epoch, SetHash: setHash, View: q.View, ParentView: q.ParentView, Header: q.Header}
}

// Certificate returns the form in which strangers read a quorum that finalizes.
func (q *Quorum) Certificate() proofs.Certificate {
	return proofs.Certificate{View: q.View, ParentView: q.ParentView, Quorum: q.Aggregate}
}

// Vote is one validator's signed vote on its way. The signature is uncompressed
// and not known to be in the subgroup. Executed is a hint: the last block that
// the voter has executed.
type Vote struct {
	Kind       proofs.ObjectType  `canoto:"uint,1"`
	Epoch      uint64             `canoto:"uint,2"`
	View       uint64             `canoto:"uint,3"`
	ParentView uint64             `canoto:"uint,4"`
	Header     proofs.Hash        `canoto:"fixed bytes,5"`
	Voter      uint32             `canoto:"uint,6"`
	Executed   uint64             `canoto:"uint,7"`
	Signature  [bls.VoteSize]byte `canoto:"fixed bytes,8"`

	canotoData canotoData_Vote
}

// Statement returns what the voter signed.
func (v *Vote) Statement(setHash proofs.Hash) proofs.Vote {
	return proofs.Vote{Kind: v.Kind, Epoch: v.Epoch, SetHash: setHash, View: v.View, ParentView: v.ParentView, Header: v.Header}
}

// Proposal is what the leader of View sends: the block, why its parent may be
// built on (Parent is nil on the epoch's first block), why the views between may
// be skipped, the newest finalization it knows, and the availability certificates
// of tips that need one.
type Proposal struct {
	View           uint64           `canoto:"uint,1"`
	ParentView     uint64           `canoto:"uint,2"`
	Block          Block            `canoto:"value,3"`
	Parent         *Quorum          `canoto:"pointer,4"`
	Nullifications []Quorum         `canoto:"repeated value,5"`
	Finalization   *Quorum          `canoto:"pointer,6"`
	Available      []CarCertificate `canoto:"repeated value,7"`

	canotoData canotoData_Proposal
}

// FinalBlock is a block that became final, with its certificate if it was
// finalised directly (its descendants' otherwise vouch for it).
type FinalBlock struct {
	Block       Block
	ID          proofs.Hash
	Certificate *proofs.Certificate
}

// Executed is what execution of block Height yields for later headers.
type Executed struct {
	Height       uint64
	Time         uint64 // of the block, ms
	StateRoot    proofs.Hash
	OutboundRoot proofs.Hash
	ReceiptRoot  proofs.Hash
	ReceiptSize  uint64
	// NextSet is the set after the next key block, as a function of this state; nil
	// if that renews the set in office, because the chosen one is not ready.
	NextSet *proofs.ValidatorSet
}

// Matches reports whether header h carries these results.
func (e *Executed) Matches(h *proofs.Header) bool {
	return h.Executed == e.Height && h.ExecutedTime == e.Time && h.StateRoot == e.StateRoot &&
		h.OutboundRoot == e.OutboundRoot && h.ReceiptRoot == e.ReceiptRoot && h.ReceiptSize == e.ReceiptSize
}
