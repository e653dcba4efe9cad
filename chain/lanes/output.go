package lanes

import (
	"errors"

	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// The kinds of slots in the signing record.
const (
	SlotCar  = uint8(proofs.TypeCar)
	SlotVote = uint8(proofs.TypeCarVote)
)

// ErrBusy refuses, without blame, what does not fit into the machine's bounds now.
const ErrBusy proofs.Error = "lane is full for now"

// Output is what one step asks for.
//
// Store must be durable before Votes are recorded, and Votes recorded and durable
// before anything else here is acted on. If the signing record refuses an entry of
// Votes, nothing of the output may be sent: another process uses the key, or the
// store was rolled back.
type Output struct {
	Store []types.Car // to keep until PruneBelow passes their epoch
	Votes []SlotEntry // for the signing record

	Sends        []Send
	FetchCars    []CarFetch
	FetchBatches []BatchFetch

	Held         []proofs.Hash  // ids of holds that are complete; each once
	Ordered      []OrderedBlock // in order of height, each once
	Acknowledged []proofs.Hash  // batches of own cars that are now held by more than a third of the weight
	Adopted      []proofs.Hash  // batches of a validator that left: to be kept in Start.Own like the node's own

	Tips        []LaneTip // one for each lane, if TipsChanged
	TipsChanged bool

	Evidence []Evidence
	Refused  []Refusal

	// PruneBelow, if not zero: stored cars of lower epochs can be deleted. Batches
	// and cars of ordered blocks are named in Ordered; how long they are served is
	// the node's policy.
	PruneBelow uint64
	// Forget are durable batches that no car of this epoch names and that are in no
	// ordered block that the machine remembers: they can be deleted unless the node's
	// index of ordered blocks or Start.Own names them.
	Forget []proofs.Hash

	Wake uint64 // when the next TickIn is due at the latest, ms; 0 if never
}

// SlotEntry is what Digest, the digest of a car, was or will be signed as: at most
// one digest for each (Kind, Epoch, Lane, Height).
type SlotEntry struct {
	Kind   uint8 // SlotCar or SlotVote
	Epoch  uint64
	Height uint64
	Lane   uint32
	Digest proofs.Hash
}

// Send is one message: exactly one of Car, Vote, Cert is set. All sends to every
// other member of the epoch's set.
type Send struct {
	All  bool
	To   proofs.NodeKey // if not All
	Car  *types.Car
	Vote *types.CarVote
	Cert *types.CarCertificate
}

// CarFetch asks for the car Digest and its ancestors above height Down, newest
// first, from one of From (in order of preference). It is repeated with other
// peers first until the cars are there.
type CarFetch struct {
	Epoch  uint64
	Lane   uint32
	Height uint64
	Digest proofs.Hash
	Down   uint64
	From   []proofs.NodeKey
}

// BatchFetch asks for a batch, likewise.
type BatchFetch struct {
	Digest proofs.Hash
	From   []proofs.NodeKey
}

// OrderedCar is one car of a block, in order of execution.
type OrderedCar struct {
	Lane    uint32
	Height  uint64
	Digest  proofs.Hash
	Batches []proofs.Hash
}

// OrderedBlock is a final block all of whose cars and batches are durable here.
// Cars are in order of execution: lanes ascending, heights ascending. One batch
// may occur more than once.
type OrderedBlock struct {
	Final types.FinalBlock
	Cars  []OrderedCar
}

// LaneTip is how far a lane can be ordered. Held is the newest car that this node
// holds with all that is below it (a lane that was seen to fork offers only
// certified cars); Certified is the newest with a certificate. Both are at least
// the final tip; Certificate is nil if Certified is that.
type LaneTip struct {
	Held        types.Tip
	Certified   types.Tip
	Certificate *types.CarCertificate
}

// Evidence is two cars that one validator signed for one height.
type Evidence struct {
	Node proofs.NodeKey
	A, B types.Car
}

// Refusal says why a message was dropped.
type Refusal struct {
	From proofs.NodeKey // zero for the node's own inputs
	Err  error
}

// Blame reports whether no honest node would have sent it. The rest is early,
// late, or too much at once.
func (r Refusal) Blame() bool {
	for _, kind := range [...]error{proofs.ErrMalformed, proofs.ErrTooLarge, proofs.ErrSigner, proofs.ErrSignature, proofs.ErrQuorum} {
		if errors.Is(r.Err, kind) {
			return true
		}
	}
	return false
}
