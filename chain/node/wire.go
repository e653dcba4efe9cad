package node

//go:generate go tool -modfile=../../tools/go.mod canoto --import=github.com/isthmus-network/isthmus/internal/canoto $GOFILE

import (
	"fmt"
	"time"

	"github.com/isthmus-network/isthmus/chain/p2p"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/bls"
)

// maxCarBytes bounds a car on the wire: its batches' digests and its framing.
const maxCarBytes = 64*types.MaxCarBatches + 1024

// The classes of one-way messages between the validators of a network. Each has
// a stream of its own, so that bytes of batches never delay a vote.
var (
	classOrder = p2p.Class{Name: "order", MaxSize: types.MaxProposalBytes, Queue: 1024, ValidatorsOnly: true}
	classLanes = p2p.Class{Name: "lanes", MaxSize: 1 << 20, Queue: 1024, ValidatorsOnly: true}
	classBatch = p2p.Class{Name: "batch", MaxSize: types.MaxBatchBytes, Queue: 256, ValidatorsOnly: true}
	classActs  = p2p.Class{Name: "acts", MaxSize: types.MaxActBytes, Queue: 64, ValidatorsOnly: true}
	// A node that joins is no validator yet.
	classReady = p2p.Class{Name: "ready", MaxSize: types.MaxReadyBytes, Queue: 4, DropOldest: true}
)

// The kinds of messages within a class: the first byte of each.
const (
	msgProposal uint8 = iota + 1
	msgVote
	msgQuorum
	msgCar
	msgCarVote
	msgCarCertificate
	msgAct
)

// The requests that validators answer each other. Any node of the network may
// ask for blocks; it is how an observer follows.
var (
	protoBlocks  = p2p.Protocol{Name: "blocks", MaxRequest: 64, MaxResponse: 8 << 20, Timeout: 5 * time.Second, PerPeer: 4, Total: 16}
	protoBlock   = p2p.Protocol{Name: "block", MaxRequest: 64, MaxResponse: 1 << 20, Timeout: 2 * time.Second, PerPeer: 8, Total: 32}
	protoCars    = p2p.Protocol{Name: "cars", MaxRequest: 128, MaxResponse: 1 << 20, Timeout: 2 * time.Second, PerPeer: 8, Total: 32}
	protoBatches = p2p.Protocol{Name: "batches", MaxRequest: 64, MaxResponse: types.MaxBatchBytes, Timeout: 5 * time.Second, PerPeer: 8, Total: 32}
	// From validators that left, which have no lane any more.
	protoHandOver = p2p.Protocol{Name: "handover", MaxRequest: types.MaxExternalBytes, MaxResponse: 64, Timeout: 5 * time.Second, PerPeer: 4, Total: 16, ValidatorsOnly: true}
)

const (
	maxBlocksAnswer = 64
	maxCarsAnswer   = 64
)

// blocksRequest asks for final blocks from a height on.
type blocksRequest struct {
	From  uint64 `canoto:"uint,1"`
	Limit uint32 `canoto:"uint,2"`

	canotoData canotoData_blocksRequest
}

// blocksAnswer holds final blocks, ascending.
type blocksAnswer struct {
	Blocks []storedBlock `canoto:"repeated value,1"`

	canotoData canotoData_blocksAnswer
}

// carsRequest asks for a car and its ancestors above Down.
type carsRequest struct {
	Epoch uint64    `canoto:"uint,1"`
	Tip   types.Tip `canoto:"value,2"`
	Down  uint64    `canoto:"uint,3"`

	canotoData canotoData_carsRequest
}

// carsAnswer holds cars, newest first.
type carsAnswer struct {
	Cars []types.Car `canoto:"repeated value,1"`

	canotoData canotoData_carsAnswer
}

// approval is one validator's signature under a governance act.
type approval struct {
	Act       types.Act          `canoto:"value,1"`
	Voter     uint32             `canoto:"uint,2"`
	Signature [bls.VoteSize]byte `canoto:"fixed bytes,3"`

	canotoData canotoData_approval
}

type marshaler interface{ MarshalCanoto() []byte }

func frame(kind uint8, m marshaler) []byte { return append([]byte{kind}, m.MarshalCanoto()...) }

// decodeOrder reads a message of classOrder.
func decodeOrder(b []byte) (any, error) {
	if len(b) == 0 {
		return nil, fmt.Errorf("empty message: %w", proofs.ErrMalformed)
	}
	switch kind, body := b[0], b[1:]; kind {
	case msgProposal:
		m := new(types.Proposal)
		return m, proofs.Decode(m, body, types.MaxProposalBytes)
	case msgVote:
		m := new(types.Vote)
		return m, proofs.Decode(m, body, types.MaxVoteBytes)
	case msgQuorum:
		m := new(types.Quorum)
		return m, proofs.Decode(m, body, types.MaxQuorumBytes)
	default:
		return nil, fmt.Errorf("message kind %d: %w", kind, proofs.ErrMalformed)
	}
}

// decodeLanes reads a message of classLanes.
func decodeLanes(b []byte) (any, error) {
	if len(b) == 0 {
		return nil, fmt.Errorf("empty message: %w", proofs.ErrMalformed)
	}
	switch kind, body := b[0], b[1:]; kind {
	case msgCar:
		m := new(types.Car)
		return m, proofs.Decode(m, body, maxCarBytes)
	case msgCarVote:
		m := new(types.CarVote)
		return m, proofs.Decode(m, body, types.MaxVoteBytes)
	case msgCarCertificate:
		m := new(types.CarCertificate)
		return m, proofs.Decode(m, body, classLanes.MaxSize)
	default:
		return nil, fmt.Errorf("message kind %d: %w", kind, proofs.ErrMalformed)
	}
}
