package proofs

//go:generate go tool -modfile=../tools/go.mod canoto --import=github.com/isthmus-network/isthmus/internal/canoto $GOFILE

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// MaxOutcomes bounds the failures listed in one queue head, and with it the
// window of a link: were all of its messages to fail, the head must hold them.
const MaxOutcomes = 1 << 14

// Outcome says that the message at Index of the peer's queue was not executed
// successfully. Success is implicit.
type Outcome struct {
	Index uint64 `canoto:"uint,1" json:"index"`
	Code  Code   `canoto:"uint,2" json:"code"`

	canotoData canotoData_Outcome
}

// QueueHead is the committed summary of one outbound queue, and of what was
// consumed of the peer's queue:
//
//   - the queue holds messages [Begin, End); Root is the Merkle root over all of
//     [0, End);
//   - every message of the peer below Acked was inducted, below Settled executed
//     or rejected; Outcomes lists the failures that the peer has not yet released.
type QueueHead struct {
	Peer        NetworkID `canoto:"fixed bytes,1" json:"peer"`
	Incarnation uint64    `canoto:"uint,2" json:"incarnation"`
	Begin       uint64    `canoto:"uint,3" json:"begin"`
	End         uint64    `canoto:"uint,4" json:"end"`
	Root        Hash      `canoto:"fixed bytes,5" json:"-"`
	Acked       uint64    `canoto:"uint,6" json:"acked"`
	Settled     uint64    `canoto:"uint,7" json:"settled"`
	Outcomes    []Outcome `canoto:"repeated value,8" json:"outcomes,omitempty"`

	canotoData canotoData_QueueHead
}

// Leaf returns the head's leaf among the heads of network: the fields in order,
// the outcomes counted.
func (q *QueueHead) Leaf(network NetworkID) Hash {
	l := NewLayout(network, TypeQueueHead).
		Hash(q.Peer).U64(q.Incarnation).U64(q.Begin).U64(q.End).Hash(q.Root).U64(q.Acked).U64(q.Settled).U32(uint32(len(q.Outcomes)))
	for i := range q.Outcomes {
		l.U64(q.Outcomes[i].Index).U32(uint32(q.Outcomes[i].Code))
	}
	return leafOf(l.Bytes())
}

// Validate checks that the head is consistent by itself and canonical.
func (q *QueueHead) Validate() error {
	switch {
	case q.Begin > q.End:
		return fmt.Errorf("queue head: begin %d after end %d: %w", q.Begin, q.End, ErrIndex)
	case q.Settled > q.Acked:
		return fmt.Errorf("queue head: settled %d beyond acked %d: %w", q.Settled, q.Acked, ErrIndex)
	case q.Incarnation == 0:
		return fmt.Errorf("queue head: got incarnation 0: %w", ErrIncarnation)
	case len(q.Outcomes) > MaxOutcomes:
		return fmt.Errorf("queue head: got %d outcomes, want at most %d: %w", len(q.Outcomes), MaxOutcomes, ErrTooLarge)
	}
	for i := range q.Outcomes {
		o := &q.Outcomes[i]
		if o.Index >= q.Settled || o.Code == CodeOK || i > 0 && q.Outcomes[i-1].Index >= o.Index {
			return fmt.Errorf("queue head: outcome %d (index %d, code %d) of %d settled: %w", i, o.Index, o.Code, q.Settled, ErrNotCanon)
		}
	}
	return nil
}

// OutboundRoot commits to all queue heads of a network, sorted by peer, as of
// the block whose time is at:
// SHA-256 of at ‖ number of heads ‖ Merkle root over their leaves.
func OutboundRoot(network NetworkID, at uint64, heads []QueueHead) (Hash, error) {
	leaves, err := headLeaves(network, heads)
	if err != nil {
		return Hash{}, err
	}
	return outboundRoot(network, at, uint32(len(heads)), merkle.Root(leaves)), nil
}

func outboundRoot(network NetworkID, at uint64, count uint32, root Hash) Hash {
	return NewLayout(network, TypeOutboundRoot).U64(at).U32(count).Hash(root).Sum()
}

func headLeaves(network NetworkID, heads []QueueHead) ([]Hash, error) {
	leaves := make([]Hash, len(heads))
	for i := range heads {
		if i > 0 && bytes.Compare(heads[i-1].Peer[:], heads[i].Peer[:]) >= 0 {
			return nil, fmt.Errorf("queue heads: %d: peers do not rise: %w", i, ErrNotCanon)
		}
		leaves[i] = heads[i].Leaf(network)
	}
	return leaves, nil
}

// HeadProof shows one queue head under an outbound root.
type HeadProof struct {
	Head   QueueHead `canoto:"value,1"`
	Index  uint32    `canoto:"uint,2"` // the head's place among Count heads
	Count  uint32    `canoto:"uint,3"`
	Root   Hash      `canoto:"fixed bytes,4"` // Merkle root over the heads' leaves
	Branch []Hash    `canoto:"repeated fixed bytes,5"`

	canotoData canotoData_HeadProof
}

// ProveHead makes the proof for the head of peer.
func ProveHead(network NetworkID, heads []QueueHead, peer NetworkID) (*HeadProof, error) {
	leaves, err := headLeaves(network, heads)
	if err != nil {
		return nil, err
	}
	for i := range heads {
		if heads[i].Peer != peer {
			continue
		}
		branch, err := merkle.Inclusion(leaves, uint64(i))
		if err != nil {
			return nil, err
		}
		return &HeadProof{Head: heads[i], Index: uint32(i), Count: uint32(len(heads)), Root: merkle.Root(leaves), Branch: branch}, nil
	}
	return nil, fmt.Errorf("queue head for %s: none among %d: %w", peer.Short(), len(heads), ErrDestination)
}

// VerifiedHead is a queue head that its network certified, as of a time.
type VerifiedHead struct {
	head   QueueHead
	source NetworkID
	header *VerifiedHeader
}

// Head returns a copy of the head; it shares the outcomes, which the caller must
// not change.
func (v *VerifiedHead) Head() QueueHead { return v.head }

// Source returns the network whose queue it is.
func (v *VerifiedHead) Source() NetworkID { return v.source }

// Header returns the header that certifies it.
func (v *VerifiedHead) Header() *VerifiedHeader { return v.header }

// Time returns the time of the execution after which the head was so, in the
// source's milliseconds.
func (v *VerifiedHead) Time() uint64 { return v.header.header.ExecutedTime }

// VerifyHead checks that header v commits to the head in p, and that the head is
// for reader.
func (v *VerifiedHeader) VerifyHead(p *HeadProof, reader NetworkID) (*VerifiedHead, error) {
	h := &v.header
	if p.Head.Peer != reader {
		return nil, fmt.Errorf("queue head of %s: got peer %s, want %s: %w", h.Network.Short(), p.Head.Peer.Short(), reader.Short(), ErrDestination)
	}
	if err := p.Head.Validate(); err != nil {
		return nil, err
	}
	if got := outboundRoot(h.Network, h.ExecutedTime, p.Count, p.Root); got != h.OutboundRoot {
		return nil, fmt.Errorf("outbound root of %s: got %x, want %x: %w", h.Network.Short(), got[:4], h.OutboundRoot[:4], ErrRoot)
	}
	if err := merkle.VerifyInclusion(p.Head.Leaf(h.Network), uint64(p.Index), uint64(p.Count), p.Branch, p.Root); err != nil {
		return nil, fmt.Errorf("queue head of %s: %w: %w", h.Network.Short(), ErrBranch, err)
	}
	head := p.Head
	head.Outcomes = slices.Clone(head.Outcomes)
	return &VerifiedHead{head: head, source: h.Network, header: v}, nil
}
