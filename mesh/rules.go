package mesh

import (
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// Reader is a read-only view of a state: the running block's, or that of a block
// already executed. Errors are those of the storage below. It is an alias, for
// the same reason as [Env].
type Reader = interface {
	// Get returns the value of key, and whether there is one.
	Get(key []byte) (value []byte, ok bool, err error)
	// Iterate calls fn for the entries whose key starts with prefix and is not
	// below from, in order of keys, until fn returns false.
	Iterate(prefix, from []byte, fn func(key, value []byte) (more bool, err error)) error
	// LogInfo describes a log.
	LogInfo(name string) (types.LogInfo, error)
}

// Env is the block that rules run in. It is an alias of a plain struct, as are
// [Work], [Note] and [Pending], so that execution, which must not import this
// package, names the same types.
type Env = struct {
	Height uint64
	Time   uint64 // of the block, ms
	Epoch  uint64
	Set    *proofs.ValidatorSet // of the epoch
}

// Work is one item of a block that concerns peers: a zero-header, a key block, a
// slice, a governance act or a readiness, in its wire form, and the lane that
// carried it.
type Work = struct {
	Lane uint32
	Kind types.ItemKind
	Data []byte
}

// Note says what became of one piece of work.
type Note = struct {
	Work    int // its place in the list of work
	Lane    uint32
	Kind    types.ItemKind
	Peer    proofs.NetworkID // zero if the item could not be read
	Height  uint64           // of the peer's header
	First   uint64           // index of the first newly inducted message; an act's sequence
	Count   uint64           // newly inducted messages
	Act     proofs.Hash      // id of a governance act
	Code    proofs.Code      // of an act that was carried out: Applied is set
	Applied bool             // the state changed
	Fault   bool             // the lane's owner is to blame
	Err     error            // why nothing, or not all, was inducted; classed as in proofs
}

// Pending is an inbound queue with messages [Begin, End) to execute.
type Pending = struct {
	Peer        proofs.NetworkID
	Incarnation uint64
	Begin, End  uint64
}

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
