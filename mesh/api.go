package mesh

import (
	"errors"

	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

var errAPI = errors.New("mesh: rules are not part of this build")

// Rules are the mesh rules of one network.
type Rules struct{ self *proofs.Zero }

// New returns the rules of network self.
func New(self *proofs.Zero) *Rules { return &Rules{self: self} }

// Induct does a block's work with peers and governance.
func (r *Rules) Induct(st types.State, env Env, work []Work) (notes []Note, refunds []proofs.Message, err error) {
	return nil, nil, errAPI
}

// GasRate returns the units that one gas at peer costs here.
func (r *Rules) GasRate(rd Reader, peer proofs.NetworkID) (rate uint64, ok bool, err error) {
	return 0, false, errAPI
}

// Send appends a message to the queue for its destination.
func (r *Rules) Send(st types.State, env Env, m *proofs.Message) (proofs.EmittedRef, proofs.Code, error) {
	return proofs.EmittedRef{}, 0, errAPI
}

// Inbound lists the queues with messages to execute, sorted by peer.
func (r *Rules) Inbound(rd Reader) ([]Pending, error) { return nil, errAPI }

// Entry reads an inducted message.
func (r *Rules) Entry(st types.State, p Pending, index uint64) (*proofs.Message, error) {
	return nil, errAPI
}

// Receive puts the value of an inducted message into the supply.
func (r *Rules) Receive(st types.State, env Env, m *proofs.Message) (asset proofs.AssetID, code proofs.Code, err error) {
	return asset, 0, errAPI
}

// Settle records what became of inducted messages.
func (r *Rules) Settle(st types.State, p Pending, settled uint64, failed []proofs.Outcome) error {
	return errAPI
}

// Heads returns the heads of all queues, sorted by peer.
func (r *Rules) Heads(rd Reader) ([]proofs.QueueHead, error) { return nil, errAPI }

// Peers lists the registered networks, sorted by id.
func (r *Rules) Peers(rd Reader) ([]Peer, error) { return nil, errAPI }

// Peer describes one registered network.
func (r *Rules) Peer(rd Reader, id proofs.NetworkID) (p Peer, ok bool, err error) {
	return p, false, errAPI
}

// Trust returns what the state trusts of peer; ok is false before its zero-header
// was inducted.
func (r *Rules) Trust(rd Reader, peer proofs.NetworkID) (t proofs.Trust, ok bool, err error) {
	return t, false, errAPI
}

// Wants reports whether a slice without messages that shows head, as of the
// peer's time at, would be inducted now.
func (r *Rules) Wants(rd Reader, peer proofs.NetworkID, head *proofs.QueueHead, at uint64) (bool, error) {
	return false, errAPI
}

// NextSequence returns the sequence number of the next governance act.
func NextSequence(rd Reader) (uint64, error) { return 0, errAPI }

// ReadFlow returns what crossed the link to peer of an asset.
func ReadFlow(rd Reader, peer proofs.NetworkID, incarnation uint64, asset proofs.AssetID) (Flow, error) {
	return Flow{}, errAPI
}

// OutLog names the log that is the queue to peer.
func OutLog(peer proofs.NetworkID, incarnation uint64) string { return "" }

// InLog names the log of what was inducted from peer.
func InLog(peer proofs.NetworkID, incarnation uint64) string { return "" }
