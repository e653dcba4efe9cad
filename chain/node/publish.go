package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/isthmus-network/isthmus/chain/state"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/mesh"
	"github.com/isthmus-network/isthmus/mesh/client"
	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// publication is what strangers may ask for: a certified header whose execution
// this node has, and the queue heads under it.
type publication struct {
	header proofs.CertifiedHeader
	heads  []proofs.QueueHead
}

func (p *publication) head(peer proofs.NetworkID) (proofs.QueueHead, bool) {
	for i := range p.heads {
		if p.heads[i].Peer == peer {
			return p.heads[i], true
		}
	}
	return proofs.QueueHead{}, false
}

// publisher prepares a publication for each newly certified header, and announces
// those that tell a peer something.
type publisher struct {
	n         *Node
	newest    atomic.Pointer[types.FinalBlock] // certified; newer than what is published
	published atomic.Pointer[publication]
	signal    chan struct{}
	announced []proofs.QueueHead
	keyHeight uint64
}

func newPublisher(n *Node) *publisher { return &publisher{n: n, signal: make(chan struct{}, 1)} }

// offer gives a final block that has its own certificate.
func (p *publisher) offer(f *types.FinalBlock) {
	p.newest.Store(f)
	p.wake()
}

func (p *publisher) wake() {
	select {
	case p.signal <- struct{}{}:
	default:
	}
}

func (p *publisher) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-p.signal:
		}
		if err := p.publish(); err != nil && ctx.Err() == nil {
			return fmt.Errorf("node: publish: %w", err)
		}
	}
}

// publish takes the newest certified header if its execution is there.
func (p *publisher) publish() error {
	f := p.newest.Load()
	if f == nil || f.Block.Header.Executed > p.n.state.Version() {
		return nil
	}
	if last := p.published.Load(); last != nil && last.header.Header.Height >= f.Block.Header.Height {
		return nil
	}
	v, err := p.n.viewAt(f.Block.Header.Executed)
	if err != nil {
		return err
	}
	heads, err := p.n.rules.Heads(v)
	if errors.Is(err, state.ErrPruned) {
		return nil // long ago; a newer one follows
	}
	if err != nil {
		return err
	}
	pub := &publication{header: proofs.CertifiedHeader{Header: f.Block.Header, Certificate: *f.Certificate}, heads: heads}
	p.published.Store(pub)
	p.n.ingress.certified(f.Block.Header.Executed, f.Block.Header.Height)
	p.n.pulse.beat()
	p.n.events.certified(f)
	return p.announce(pub)
}

// announce gossips that there is news: a head that changed, or a key block.
func (p *publisher) announce(pub *publication) error {
	h := &pub.header.Header
	key := h.PreviousKeyHeight
	if h.IsKeyBlock() {
		key = h.Height
	}
	if key == p.keyHeight && slices.EqualFunc(pub.heads, p.announced, sameHead) {
		return nil
	}
	p.keyHeight, p.announced = key, pub.heads
	a := client.AnnouncementOf(h, pub.heads)
	if err := p.n.host.Publish(client.HeadsTopic(p.n.zero.ID), a.MarshalCanoto()); err != nil {
		p.n.log.Debug("announcement not published", "error", err)
	}
	return nil
}

func sameHead(a, b proofs.QueueHead) bool {
	return a.Peer == b.Peer && a.Incarnation == b.Incarnation && a.Begin == b.Begin && a.End == b.End &&
		a.Acked == b.Acked && a.Settled == b.Settled && len(a.Outcomes) == len(b.Outcomes)
}

var errNothingPublished = errors.New("no certified header is executed here yet")

// served answers the readers of this network (client.Served).
type served struct{ n *Node }

var _ client.Served = served{}

// Zero implements client.Served.
func (s served) Zero() (*proofs.ZeroHeader, error) { return &s.n.zero.ZeroHeader, nil }

// KeyBlocks implements client.Served.
func (s served) KeyBlocks(from uint64, limit int) ([]proofs.KeyBlock, error) {
	heights, err := s.n.blocks.keyBlocksAfter(from, limit)
	if err != nil {
		return nil, err
	}
	out := make([]proofs.KeyBlock, 0, len(heights))
	for _, h := range heights {
		kb, err := s.n.blocks.keyBlock(h)
		if err != nil {
			return nil, err
		}
		out = append(out, *kb)
	}
	return out, nil
}

// Head implements client.Served.
func (s served) Head(reader proofs.NetworkID) (proofs.QueueHead, uint64, bool, error) {
	p := s.n.pub.published.Load()
	if p == nil {
		return proofs.QueueHead{}, 0, false, nil
	}
	head, ok := p.head(reader)
	return head, p.header.Header.Executed, ok, nil
}

// Slice implements client.Served.
func (s served) Slice(reader proofs.NetworkID, start uint64, maxMessages, maxBytes int) (*proofs.Slice, error) {
	p := s.n.pub.published.Load()
	if p == nil {
		return nil, errNothingPublished
	}
	head, ok := p.head(reader)
	if !ok {
		return nil, nil
	}
	proof, err := proofs.ProveHead(s.n.zero.ID, p.heads, reader)
	if err != nil {
		return nil, err
	}
	slice := &proofs.Slice{Header: p.header, Proof: *proof, Start: start}
	if start >= head.End {
		return slice, nil
	}
	return slice, s.n.fillSlice(slice, &head, maxMessages, maxBytes)
}

// Left implements client.Served.
func (s served) Left(reader proofs.NetworkID, end uint64) ([]proofs.Hash, error) {
	p := s.n.pub.published.Load()
	if p == nil {
		return nil, errNothingPublished
	}
	head, ok := p.head(reader)
	if !ok || end > head.End {
		return nil, fmt.Errorf("queue to %s up to %d: %w", reader.Short(), end, proofs.ErrIndex)
	}
	log, err := s.n.state.ReadLog(mesh.OutLog(reader, head.Incarnation))
	if err != nil {
		return nil, err
	}
	return rangeOf(log, 0, end)
}

// sliceOverhead is what a slice weighs besides its messages.
const sliceOverhead = 4096

// fillSlice adds messages from slice.Start on, and what closes the root behind them.
func (n *Node) fillSlice(slice *proofs.Slice, head *proofs.QueueHead, maxMessages, maxBytes int) error {
	log, err := n.state.ReadLog(mesh.OutLog(head.Peer, head.Incarnation))
	if err != nil {
		return err
	}
	end := min(head.End, slice.Start+uint64(maxMessages))
	entries, err := log.Entries(slice.Start, end, max(maxBytes-sliceOverhead-16*len(slice.Proof.Head.Outcomes), 1))
	if err != nil {
		return err
	}
	slice.Messages = make([]proofs.Message, len(entries))
	for i, b := range entries {
		if err := proofs.Decode(&slice.Messages[i], b, 2*proofs.MaxPayload); err != nil {
			return fmt.Errorf("queue entry %d: %w", slice.Start+uint64(i), err)
		}
	}
	right, err := rangeOf(log, slice.Start+uint64(len(entries)), head.End)
	slice.Right = right
	return err
}

// rangeOf returns the compact range [from, end) of a log.
func rangeOf(log *state.LogReader, from, end uint64) ([]merkle.Hash, error) {
	if from == end {
		return nil, nil
	}
	return log.RangeNodes(from, end)
}
