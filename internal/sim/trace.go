package sim

import (
	"encoding/binary"
	"hash"
	"hash/fnv"

	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// trace is the running hash of a run: what happened when to whom, what was said
// and what was executed. Equal traces are equal runs.
type trace struct{ h hash.Hash64 }

func newTrace() trace { return trace{fnv.New64a()} }

func (t *trace) mix(words ...uint64) {
	var b [8]byte
	for _, v := range words {
		binary.LittleEndian.PutUint64(b[:], v)
		t.h.Write(b[:])
	}
}

func (t *trace) hash(id proofs.Hash) { t.h.Write(id[:]) }

func (t *trace) event(_ *World, e *event) {
	node := uint64(1 << 32)
	if e.node != nil {
		node = uint64(e.node.index)
	}
	t.mix(e.at, node)
	switch m := e.what.(type) {
	case string:
		t.h.Write([]byte(m))
	case *types.Vote:
		t.mix(uint64(m.Kind), m.Epoch, m.View, uint64(m.Voter), m.Executed)
		t.hash(m.Header)
	case *types.Quorum:
		t.mix(uint64(m.Kind), m.Epoch, m.View)
		t.hash(m.Header)
		t.h.Write(m.Aggregate.Bitmap)
	case *types.Proposal:
		t.mix(m.View, m.ParentView, m.Block.Header.Time)
		t.hash(m.Block.Header.CutRoot)
	case *types.Car:
		t.mix(m.Epoch, uint64(m.Lane), m.Height)
		t.hash(m.Parent)
	case *types.CarVote:
		t.mix(m.Epoch, uint64(m.Tip.Lane), m.Tip.Height, uint64(m.Voter))
	case *types.CarCertificate:
		t.mix(m.Epoch, uint64(m.Tip.Lane), m.Tip.Height, uint64(len(m.Votes)))
	case *types.Batch:
		t.mix(uint64(len(m.Items)), uint64(len(m.Items[0].Data)))
	}
}

func (t *trace) executed(n *Node, e *types.Executed) {
	t.mix(uint64(n.index), e.Height)
	t.hash(e.StateRoot)
	t.hash(e.OutboundRoot)
	t.hash(e.ReceiptRoot)
}

func (t *trace) sum() uint64 { return t.h.Sum64() }
