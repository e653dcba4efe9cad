package types

import "github.com/isthmus-network/isthmus/proofs"

// What execution and the rules between networks tell each other. Neither package
// imports the other.

// BlockEnv is the block that is executed, as rules and handlers see it.
type BlockEnv struct {
	Height uint64
	Time   uint64 // of the block, ms
	Epoch  uint64
	Set    *proofs.ValidatorSet // of the epoch
}

// StateReader is a read-only view of a state: the running block's, or that of a
// block already executed. Errors are those of the storage below.
type StateReader interface {
	// Get returns the value of key, and whether there is one.
	Get(key []byte) (value []byte, ok bool, err error)
	// Iterate calls fn for the entries whose key starts with prefix and is not
	// below from, in order of keys, until fn returns false.
	Iterate(prefix, from []byte, fn func(key, value []byte) (more bool, err error)) error
	// LogInfo describes a log.
	LogInfo(name string) (LogInfo, error)
}

// MeshWork is one item of a block that concerns peers: a zero-header, a key block,
// a slice, a governance act or a readiness, in its wire form, and the lane that
// carried it.
type MeshWork struct {
	Lane uint32
	Kind ItemKind
	Data []byte
}

// MeshNote says what became of one piece of work.
type MeshNote struct {
	Work    int // its place in the list of work
	Lane    uint32
	Kind    ItemKind
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

// Inbound is an inbound queue with messages [Begin, End) to execute.
type Inbound struct {
	Peer        proofs.NetworkID
	Incarnation uint64
	Begin, End  uint64
}
