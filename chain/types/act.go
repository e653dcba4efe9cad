package types

//go:generate go tool -modfile=../../tools/go.mod canoto --import=github.com/isthmus-network/isthmus/internal/canoto $GOFILE

import (
	"fmt"

	"github.com/isthmus-network/isthmus/proofs"
)

// MaxActBytes bounds the wire form of a certified act.
const MaxActBytes = 64 << 10

// ActKind says what a governance act does.
type ActKind uint8

// The kinds of acts.
const (
	ActRegister ActKind = 1 // make a network a peer
	ActPause    ActKind = 2 // stop sending to and inducting from a peer
	ActResume   ActKind = 3 // undo a pause

	ActValidator       ActKind = 4 // Validator joins the network's own set, or changes its weight or keys
	ActRemoveValidator ActKind = 5 // the validator with the node key of Validator leaves it
)

// Act is one decision of a network's validators. It is bound to the network, an
// epoch before which it is void, an expiry and a sequence number, so that no
// approval can be used twice or elsewhere. It is approved by the set of the block
// that carries it out (docs/decisions/acts-and-epochs.md).
type Act struct {
	Network     proofs.NetworkID `canoto:"fixed bytes,1" json:"network"`
	Epoch       uint64           `canoto:"uint,2" json:"epoch"` // it is void before
	Sequence    uint64           `canoto:"uint,3" json:"sequence"`
	Expiry      uint64           `canoto:"uint,4" json:"expiry_ms"`
	Kind        ActKind          `canoto:"uint,5" json:"kind"`
	Peer        proofs.NetworkID `canoto:"fixed bytes,6" json:"peer"`
	NetworkKind string           `canoto:"string,7" json:"network_kind,omitempty"` // of a registration: "native"
	Window      uint64           `canoto:"uint,8" json:"window,omitempty"`         // most unsettled messages towards the peer
	GasRate     uint64           `canoto:"uint,9" json:"gas_rate,omitempty"`       // units at home for one gas abroad
	TrustPeriod uint64           `canoto:"uint,10" json:"trust_period_ms,omitempty"`
	// Validator is there in acts on the network's own set, and only there. Whoever
	// leaves is named by its node key alone.
	Validator *proofs.Validator `canoto:"pointer,11" json:"validator,omitempty"`

	canotoData canotoData_Act
}

// SigningBytes is what the validators sign: the fields in the order of their
// numbers, the last one only if there is one.
func (a *Act) SigningBytes() []byte {
	l := proofs.NewLayout(a.Network, proofs.TypeAct).
		U64(a.Epoch).U64(a.Sequence).U64(a.Expiry).U8(uint8(a.Kind)).Hash(a.Peer).
		Var([]byte(a.NetworkKind)).U64(a.Window).U64(a.GasRate).U64(a.TrustPeriod)
	if v := a.Validator; v != nil {
		l.Hash(v.Node).Fixed(v.Key[:]).U64(v.Weight).Fixed(v.Possession[:])
	}
	return l.Bytes()
}

// OnSet reports whether the act changes the network's own validator set.
func (a *Act) OnSet() bool { return a.Kind == ActValidator || a.Kind == ActRemoveValidator }

// ID identifies the act.
func (a *Act) ID() proofs.Hash { return sum(a.SigningBytes()) }

// CertifiedAct is an act and the approval of its network's validators.
type CertifiedAct struct {
	Act      Act              `canoto:"value,1"`
	Approval proofs.Aggregate `canoto:"value,2"`

	canotoData canotoData_CertifiedAct
}

// Verify checks that validators of set weighing more than two thirds, and more
// than the network's own threshold, approved the act.
func (c *CertifiedAct) Verify(set *proofs.ValidatorSet, num, den uint32) error {
	if uint64(num)*3 < uint64(den)*2 {
		num, den = 2, 3
	}
	if err := c.Approval.Verify(set, c.Act.SigningBytes(), num, den); err != nil {
		return fmt.Errorf("act %d of %s: %w", c.Act.Sequence, c.Act.Network.Short(), err)
	}
	return nil
}
