package mesh

import (
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// The types that the rules share with execution.
type (
	Env     = types.BlockEnv    // the block that rules run in
	Reader  = types.StateReader // a read-only view of a state
	Work    = types.MeshWork    // an item that concerns peers
	Note    = types.MeshNote    // what became of it
	Pending = types.Inbound     // an inbound queue with messages to execute
)

// Rules are the mesh rules of one network. The readers among its methods may be
// called from any goroutine on views that are safe there.
type Rules struct {
	self *proofs.Zero
	sets setCache
}

// New returns the rules of network self.
func New(self *proofs.Zero) *Rules { return &Rules{self: self} }

// State is where the relation to a peer stands.
type State uint8

// The states of a peer.
const (
	Registered    State = 1 // governance named it; its zero-header is awaited
	Bootstrapping State = 2 // its zero-header is known; a certified queue head for us is awaited
	Active        State = 3 // messages flow
	Lagging       State = 4 // it certified a header of a protocol version that is not known here
	Expired       State = 5 // its validator set was not followed within the trust period
	Diverged      State = 6 // its certified history is not the one that was consumed
	Frozen        State = 7 // it finally certified two headers at one height
	Paused        State = 8 // governance stopped the link
)

// Peer is what an operator wants to know of a registered network.
type Peer struct {
	ID          proofs.NetworkID
	State       State
	Reason      string // why it is not active
	Incarnation uint64
	Window      uint64 // most unsettled messages towards it
	GasRate     uint64 // units here for one gas there

	// Trust: the epoch and key block that are followed, the time of the newest
	// header that was inducted, and when trust ends without another; ms.
	Epoch, KeyHeight, TrustTime, TrustExpiry uint64
	SetHash                                  proofs.Hash

	// Of the newest inducted header: its height, and what it had executed.
	LastHeight, LastExecuted, LastTime uint64

	// Our queue to it: [OutBegin, OutEnd); it inducted up to Acked and settled
	// up to OutBegin.
	OutBegin, OutEnd, Acked uint64
	// Its queue to us: inducted up to InEnd, settled up to InBegin.
	InBegin, InEnd uint64
}

// Flow sums what crossed a link of one asset in one incarnation.
type Flow struct {
	Sent, Received, Refunded proofs.Amount
}

// Evidence proves that a peer certified two headers at one height.
type Evidence struct {
	Height uint64
	A, B   proofs.CertifiedHeader
}
