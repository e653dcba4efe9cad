package api

import "github.com/isthmus-network/isthmus/proofs"

// Bounds of what crosses the API. A server never answers with more; a client
// refuses more.
const (
	MaxKeyBlocks = 1000
	MaxReceipts  = 1000
	MaxProveKeys = 256
	MaxKeyBytes  = 1024 // one state key
	MaxBalances  = 1000
	MaxLinks     = 4096
	MaxSteps     = 1024
	MaxActs      = 1024
	MaxAddrs     = 64
)

// Info describes a node and its network. Times are in milliseconds since the
// Unix epoch.
type Info struct {
	Network    proofs.NetworkID  `json:"network"`
	Parameters proofs.Parameters `json:"parameters"` // with name, symbol and decimals
	Node       proofs.NodeKey    `json:"node"`
	Validator  int               `json:"validator"` // place in the epoch's set; -1 if not in it
	Validators int               `json:"validators"`
	Version    string            `json:"version"` // of the program
	Protocol   uint32            `json:"protocol"`

	Epoch     uint64 `json:"epoch"`
	View      uint64 `json:"view"`
	Height    uint64 `json:"height"`             // newest final block
	Executed  uint64 `json:"executed"`           // newest executed block
	Certified uint64 `json:"certified"`          // newest certified header
	Proved    uint64 `json:"certified_executed"` // what that header's roots are of
	KeyBlocks uint64 `json:"key_blocks"`

	Peers   int      `json:"peers"` // connected nodes
	Started uint64   `json:"started_ms"`
	Listen  []string `json:"listen"` // multiaddrs with the peer id
}

// Admission is the answer to an admitted message. Receipt is the node's signed
// promise (proofs.TypeAdmissionReceipt) in its wire form.
type Admission struct {
	ID      proofs.Hash
	Body    proofs.Hash
	Receipt []byte
}

// Stage says how far an external message has come at a node.
type Stage uint8

// The stages, in order. Certified and Expired are the ends.
const (
	StageReceived     Stage = 1 // admitted
	StageBatched      Stage = 2 // in a batch of the node's lane
	StageAcknowledged Stage = 3 // more than a third of the weight holds its car durably
	StageOrdered      Stage = 4 // in a final block
	StageExecuted     Stage = 5
	StageCertified    Stage = 6 // under the roots of a certified header
	StageExpired      Stage = 7 // never executed, and it never will be
)

// Status of one external message. Height and Code mean something from
// StageExecuted on (Height from StageOrdered).
type Status struct {
	ID     proofs.Hash
	Stage  Stage
	Height uint64 // of the block that ordered it
	Code   proofs.Code
}

// Balance of one asset, under its name in the node's network.
type Balance struct {
	Asset  proofs.AssetID `json:"asset"`
	Amount proofs.Amount  `json:"amount"`
}

// Account lists at most MaxBalances balances, in order of assets, as of block
// Executed.
type Account struct {
	Account  proofs.AccountID `json:"account"`
	Balances []Balance        `json:"balances"`
	More     bool             `json:"more"` // there are more
	Executed uint64           `json:"executed"`
}

// The names of a trace's steps, in the order in which they happen. A node lists
// those it saw.
const (
	StepReceived     = "received"     // admitted by this node
	StepBatched      = "batched"      // put into a batch of its lane
	StepAcknowledged = "acknowledged" // held by more than a third of the weight
	StepOrdered      = "ordered"      // in a final block
	StepExecuted     = "executed"
	StepEmitted      = "emitted"   // appended to an outbound queue
	StepCertified    = "certified" // under a certified header
	StepHeard        = "heard"     // the destination heard of the changed queue
	StepFetched      = "fetched"   // the destination has the slice, verified
	StepIncluded     = "included"  // the slice is in a final block of the destination
	StepInducted     = "inducted"  // in the inbound queue
	StepAcked        = "acked"     // the source saw, certified, that it was inducted
	StepSettled      = "settled"   // the source saw, certified, that it was executed or rejected
	StepReleased     = "released"  // left the outbound queue
	StepRefunded     = "refunded"
	StepExpired      = "expired"
)

// ProofKind says what shows a step to a stranger.
type ProofKind uint8

// The kinds of proofs. Height of a [ProofHint] is that of the certified header.
const (
	ProofNone    ProofKind = 0 // the node's word
	ProofHeader  ProofKind = 1 // the header
	ProofReceipt ProofKind = 2 // entry Index of its receipt log
	ProofQueue   ProofKind = 3 // entry Index of its outbound queue: ask for a slice
	ProofHead    ProofKind = 4 // the queue head for the other network
	ProofState   ProofKind = 5 // a state entry
)

// ProofHint says where the proof of a step is found.
type ProofHint struct {
	Kind   ProofKind `json:"kind"`
	Height uint64    `json:"height,omitempty"`
	Index  uint64    `json:"index,omitempty"`
}

// Step is one thing that happened to a message.
type Step struct {
	Name   string    `json:"step"`
	Time   uint64    `json:"time_ms"`          // the node's clock, or the block's time if Height is set
	Height uint64    `json:"height,omitempty"` // of the block, 0 if none
	Detail string    `json:"detail,omitempty"`
	Proof  ProofHint `json:"proof"`
}

// Emitted is a message that an execution emitted, and what the emitting network
// knows of it since.
type Emitted struct {
	Ref   proofs.EmittedRef `json:"message"`
	Steps []Step            `json:"steps"`
}

// Trace of one message at one network. Steps are in order of time.
type Trace struct {
	Network proofs.NetworkID `json:"network"`
	ID      proofs.Hash      `json:"-"`
	Code    proofs.Code      `json:"code"` // once executed
	Done    bool             `json:"done"` // executed, rejected or expired here
	Steps   []Step           `json:"steps"`
	Emitted []Emitted        `json:"emitted,omitempty"`
}

// StateProof shows entries of the state that Header's StateRoot commits to.
type StateProof struct {
	Header  proofs.CertifiedHeader
	Entries []ProvedEntry
}

// Event is a block that became final or certified.
type Event struct {
	Kind   EventKind `json:"kind"`
	Height uint64    `json:"height"`
	Time   uint64    `json:"time_ms"` // of the block
	Items  int       `json:"items"`   // executed items; 0 when not known yet
}

// EventKind says what happened to the block.
type EventKind uint8

// The kinds of events.
const (
	EventFinal     EventKind = 1
	EventCertified EventKind = 2
)
