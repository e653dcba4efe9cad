package api

import (
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// The states of a peer (design, section 7).
const (
	PeerRegistered    = "registered"
	PeerBootstrapping = "bootstrapping"
	PeerActive        = "active"
	PeerLagging       = "lagging"
	PeerExpired       = "expired"
	PeerDiverged      = "diverged"
	PeerFrozen        = "frozen"
	PeerPaused        = "paused"
)

// Link describes the pair of queues to one peer, as of the newest executed block;
// what this node's follower knows beyond it is marked so. Times are in
// milliseconds since the Unix epoch.
type Link struct {
	Peer        proofs.NetworkID `json:"peer"`
	Name        string           `json:"name,omitempty"`   // empty until the peer's zero-header is known
	Symbol      string           `json:"symbol,omitempty"` // likewise
	Decimals    uint8            `json:"decimals"`
	State       string           `json:"state"`
	Reason      string           `json:"reason,omitempty"`
	Incarnation uint64           `json:"incarnation"`

	Epoch       uint64 `json:"epoch"`           // followed
	KeyHeight   uint64 `json:"key_height"`      // last followed key block
	HeaderTime  uint64 `json:"header_time_ms"`  // of the newest header that trust rests on
	TrustExpiry uint64 `json:"trust_expiry_ms"` // after it, the peer is expired

	OutBegin   uint64 `json:"out_begin"` // the outbound queue holds [OutBegin, OutEnd)
	OutEnd     uint64 `json:"out_end"`
	OutAcked   uint64 `json:"out_acked"`   // inducted by the peer, as it certified
	OutSettled uint64 `json:"out_settled"` // executed or rejected by the peer
	InAcked    uint64 `json:"in_acked"`    // inducted here
	InSettled  uint64 `json:"in_settled"`  // executed or rejected here
	Outcomes   uint64 `json:"outcomes"`    // failures that the peer has not released yet

	OldestPending uint64 `json:"oldest_pending_ms"`        // age of the oldest unsettled message towards the peer; 0 if none
	FollowerError string `json:"follower_error,omitempty"` // last error of this node's follower; empty when it works
	Addresses     int    `json:"addresses"`                // known to this node's follower
}

// The states of an act.
const (
	ActOpen      = "open"      // approvals are collected
	ActCertified = "certified" // approved; on its way into a block
	ActExecuted  = "executed"
	ActExpired   = "expired"
	ActRefused   = "refused" // executed with a code other than 0
)

// Approval is one validator's approval of an act.
type Approval struct {
	Node   proofs.NodeKey `json:"node"`
	Weight uint64         `json:"weight"`
}

// ActState is an act of governance and how far it has come.
type ActState struct {
	ID        proofs.Hash `json:"-"`
	Act       types.Act   `json:"act"`
	State     string      `json:"state"`
	Approvals []Approval  `json:"approvals"`      // in order of the set
	Weight    uint64      `json:"weight"`         // of the approvals
	Total     uint64      `json:"total"`          // of the set
	Code      proofs.Code `json:"code,omitempty"` // once executed
}
