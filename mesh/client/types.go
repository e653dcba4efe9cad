package client

import (
	"context"
	"log/slog"
	"time"

	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// Config makes a Client. Self, Transport and Local must be set; durations of zero
// take the defaults named.
type Config struct {
	Self      proofs.NetworkID
	Transport Transport
	Local     Local
	Logger    *slog.Logger // nil discards

	RequestTimeout time.Duration // of one request; 3 s
	TurnLength     time.Duration // how long one validator is the first responsible; 2 s
	RankDelay      time.Duration // how much later each next one takes over; 200 ms
	InFlight       time.Duration // how long a submitted item may take to show in our state; 2 s, doubling up to 30 s
	Retry          time.Duration // after a request that failed or gave nothing new; 25 ms, doubling up to Poll
	Poll           time.Duration // while the link is not active or something of ours is unsettled; 5 s
	IdlePoll       time.Duration // otherwise, against lost announcements; 2 min
	MaxPipeline    int           // submitted items that our state does not show yet; 8
	SliceMessages  int           // most messages in one slice; 2048
	FlyingMessages int           // most messages in flight; 4096; more than Parameters.BlockMessages is in vain
	SliceBytes     int           // most bytes of one slice; 2 MiB
}

// FollowStatus is what an operator wants to know of one followed peer. Heights
// that are announced are claims of strangers; those verified are certified.
type FollowStatus struct {
	Network   proofs.NetworkID
	State     string // the peer's state in our network's rules
	Epoch     uint64 // followed by our state
	KeyHeight uint64

	AnnouncedHeight, AnnouncedExecuted uint64
	VerifiedHeight, VerifiedExecuted   uint64

	Consumed     uint64        // messages of the peer that our state has inducted
	Submitted    uint64        // the same, once what this node has in flight is inducted
	InFlight     int           // items submitted by this node that our state does not show yet
	PendingFor   time.Duration // age of the oldest news that our state does not show; 0: none
	TrustLeft    time.Duration // until the trust in the peer's set expires; negative: since
	Alarm        string        // what an operator must act on, empty: nothing
	LastError    string        // the newest failure, of a source or of our own lane
	LastErrorAt  uint64        // ms since the Unix epoch
	LastProgress uint64        // when our state last advanced for this peer
}

// Transport asks nodes of other networks. Both methods are called concurrently.
type Transport interface {
	// Request asks one connected node of network peer, chosen by the transport, and
	// says which it was; from may be empty if none was asked. It returns by the
	// end of ctx, and never more than proto.MaxResponse bytes.
	Request(ctx context.Context, peer proofs.NetworkID, proto Proto, req []byte) (from string, resp []byte, err error)
	// Penalize says that what from gave cannot be valid: choose others first.
	Penalize(peer proofs.NetworkID, from string, err error)
}

// Local is our own network's committed state as this node has it. All methods
// are called concurrently.
type Local interface {
	// Now returns milliseconds since the Unix epoch.
	Now() uint64
	// Peers returns all registered peers, as of one committed block.
	Peers() ([]PeerView, error)
	// Turn returns this validator's place in the present set and the set's size;
	// index is -1 for a node that is no member, which follows but submits nothing.
	Turn() (index, n int)
	// Submit puts an item into our own lane. It may block for a moment
	// (back-pressure); an error says that the item was not taken.
	Submit(kind types.ItemKind, data []byte) error
}

// PeerView is what our state knows of one registered peer.
type PeerView struct {
	Network     proofs.NetworkID
	Kind        string // the network kind; the client follows "native" ones
	State       string // the peer's state in the rules' words, for operators
	Incarnation uint64
	Active      bool // a certified head of the peer for us was inducted

	// What the rules would take of the peer now, by its state. Historical says
	// that key blocks are taken whatever the trust period (bootstrapping).
	TakesKeys, TakesSlices, Historical bool

	Trust    proofs.Trust // Set is nil before the zero-header was inducted
	Consumed merkle.Range // [0, n) of the peer's queue towards us
	Executed uint64       // the newest inducted header's Executed
	OutBegin uint64       // our queue towards the peer: known to be settled up to here
	OutEnd   uint64
	// OutDeadline is the deadline of our oldest message that the peer has neither
	// acked and that was not given back, in its time (ms): past it, a head of the
	// peer that still does not ack it is news, for it proves that the message can
	// only be rejected. 0: none, or not of interest.
	OutDeadline uint64
}
