package sim

import (
	"slices"

	"github.com/isthmus-network/isthmus/chain/consensus"
	"github.com/isthmus-network/isthmus/chain/lanes"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// adversary turns what an honest machine wants to send into something else. The
// node's keys are its own; it forges nobody else's signatures.
type adversary interface {
	order(n *Node, set *proofs.ValidatorSet, s consensus.Send)
	lane(n *Node, set *proofs.ValidatorSet, s lanes.Send)
	batch(n *Node, peers []*Node) []*Node // to whom a batch of its own goes
	serves() bool                         // whether it answers requests
}

// polite does what its machine wants: the part of an adversary that is not evil.
type polite struct{}

func (polite) order(n *Node, set *proofs.ValidatorSet, s consensus.Send) { n.sendOrder(set, s) }
func (polite) lane(n *Node, set *proofs.ValidatorSet, s lanes.Send)      { n.sendLane(set, s) }
func (polite) batch(_ *Node, peers []*Node) []*Node                      { return peers }
func (polite) serves() bool                                              { return true }

// silent leads nothing: its proposals never leave.
type silent struct{ polite }

func newSilent() adversary { return silent{} }

func (silent) order(n *Node, set *proofs.ValidatorSet, s consensus.Send) {
	if _, ok := s.Msg.(*types.Proposal); !ok {
		n.sendOrder(set, s)
	}
}

// garbler signs garbage now and then.
type garbler struct{ polite }

func newGarbler() adversary { return garbler{} }

func (garbler) order(n *Node, set *proofs.ValidatorSet, s consensus.Send) {
	if v, ok := s.Msg.(*types.Vote); ok && n.world.chance(0.5) {
		bad := *v
		bad.Signature[7] ^= 1
		s.Msg = &bad
	}
	n.sendOrder(set, s)
}

func (garbler) lane(n *Node, set *proofs.ValidatorSet, s lanes.Send) {
	if s.Vote != nil && n.world.chance(0.5) {
		bad := *s.Vote
		bad.Signature[7] ^= 1
		s.Vote = &bad
	}
	n.sendLane(set, s)
}

// withholder gives what it makes to some only, and answers no requests: batches,
// cars and proposals each reach others than the rest does.
type withholder struct{}

func newWithholder() adversary { return withholder{} }

func (withholder) serves() bool { return false }

func (withholder) batch(n *Node, peers []*Node) []*Node { return some(n.world, peers, 0.4) }

func (w withholder) lane(n *Node, set *proofs.ValidatorSet, s lanes.Send) {
	if s.Car == nil {
		n.sendLane(set, s)
		return
	}
	n.net.ledger.sentLane(n, s)
	n.sendEach(some(n.world, n.peers(set, true, s.To), 0.5), s.Car)
}

func (withholder) order(n *Node, set *proofs.ValidatorSet, s consensus.Send) {
	if _, ok := s.Msg.(*types.Proposal); !ok {
		n.sendOrder(set, s)
		return
	}
	n.net.ledger.sent(n, s.Msg)
	n.sendEach(some(n.world, n.peers(set, true, s.To), 0.7), s.Msg)
}

func some(w *World, peers []*Node, p float64) (out []*Node) {
	for _, o := range peers {
		if w.chance(p) {
			out = append(out, o)
		}
	}
	return out
}

// phantom keeps its batches and cars to itself altogether and proposes them.
type phantom struct{ withholder }

func newPhantom() adversary { return phantom{} }

func (phantom) batch(*Node, []*Node) []*Node { return nil }

func (phantom) lane(n *Node, set *proofs.ValidatorSet, s lanes.Send) {
	if s.Car == nil {
		n.sendLane(set, s)
	}
}

func (phantom) order(n *Node, set *proofs.ValidatorSet, s consensus.Send) { n.sendOrder(set, s) }

// forker signs two cars at each height, one for each half of the nodes.
type forker struct{ polite }

func newForker() adversary { return forker{} }

func (forker) lane(n *Node, set *proofs.ValidatorSet, s lanes.Send) {
	if s.Car == nil {
		n.sendLane(set, s)
		return
	}
	other := *s.Car
	other.Batches = slices.Clone(s.Car.Batches)
	if known := n.disk.chain.live.own; len(known) > 1 {
		other.Batches = []proofs.Hash{known[len(known)-1], known[0]}
	} else {
		other.Batches = append(other.Batches, hashOf(other.Parent[:]))
	}
	carSigner{n}.SignCar(&other)
	for i, to := range n.peers(set, true, s.To) {
		car := s.Car
		if i%2 == 1 {
			car = &other
		}
		n.net.ledger.sentLane(n, lanes.Send{Car: car})
		n.sendTo(to, car)
	}
}

// equivocator proposes two blocks in one view, each to one half of the nodes, and
// votes for everything: both headers, and both nullify and finalize.
type equivocator struct{ polite }

func newEquivocator() adversary { return equivocator{} }

func (e equivocator) order(n *Node, set *proofs.ValidatorSet, s consensus.Send) {
	switch msg := s.Msg.(type) {
	case *types.Proposal:
		other := *msg
		if msg.Parent == nil || msg.Block.Header.ID() != msg.Parent.Header {
			other.Block.Header.Time++ // unless it is a key block proposed again
		}
		for i, to := range n.peers(set, true, s.To) {
			p := msg
			if i%2 == 1 {
				p = &other
			}
			n.sendTo(to, p)
			for _, kind := range []proofs.ObjectType{proofs.TypeNotarize, proofs.TypeFinalize} {
				n.forge(set, to, types.Vote{Kind: kind, Epoch: p.Block.Header.Epoch, View: p.View, ParentView: p.ParentView, Header: p.Block.Header.ID()})
			}
		}
	case *types.Vote:
		if msg.Kind != proofs.TypeNotarize {
			n.sendOrder(set, s)
		}
		if msg.Kind == proofs.TypeFinalize {
			n.forge(set, nil, types.Vote{Kind: proofs.TypeNullify, Epoch: msg.Epoch, View: msg.View})
		}
	default:
		n.sendOrder(set, s)
	}
}

// forge signs any vote with the node's own key and sends it to one node or to all.
func (n *Node) forge(set *proofs.ValidatorSet, to *Node, v types.Vote) {
	i, ok := set.IndexOf(n.key)
	if !ok {
		return
	}
	v.Voter = uint32(i)
	statement := v.Statement(set.Hash())
	v.Signature = n.world.cryptoOf(n).Sign(statement.SigningBytes(n.net.zero.ID))
	n.net.ledger.sent(n, &v)
	for _, o := range n.peers(set, true, n.key) {
		if to == nil || o == to {
			n.sendTo(o, &v)
		}
	}
}

// liar proposes with a state root that no execution gave.
type liar struct{ polite }

func newLiar() adversary { return liar{} }

func (liar) order(n *Node, set *proofs.ValidatorSet, s consensus.Send) {
	p, ok := s.Msg.(*types.Proposal)
	if ok && p.Block.Header.Executed > 0 && (p.Parent == nil || p.Block.Header.ID() != p.Parent.Header) {
		other := *p
		other.Block.Header.StateRoot[5] ^= 1
		s.Msg = &other
	}
	n.sendOrder(set, s)
}

// regressor proposes on the block below the one that it should build on, as if
// nothing had been certified since. It shows what certificates it has.
type regressor struct {
	polite
	blocks map[proofs.Hash]*types.Block
	certs  map[proofs.Hash]*types.Quorum
}

func newRegressor() adversary {
	return &regressor{blocks: make(map[proofs.Hash]*types.Block), certs: make(map[proofs.Hash]*types.Quorum)}
}

func (r *regressor) order(n *Node, set *proofs.ValidatorSet, s consensus.Send) {
	if p, ok := s.Msg.(*types.Proposal); ok {
		if other := r.regress(n, p); other != nil {
			s.Msg = other
		}
	}
	n.sendOrder(set, s)
}

// regress moves a proposal one block down. The parent's own parent is known from
// the proposals of others, or is final.
func (r *regressor) regress(n *Node, p *types.Proposal) *types.Proposal {
	if p.Parent != nil {
		r.certs[p.Parent.Header] = p.Parent
	}
	parent := n.block(p.Block.Header.Parent)
	if parent == nil || parent.Header.Epoch != p.Block.Header.Epoch || p.Block.Header.IsKeyBlock() || parent.Header.IsKeyBlock() {
		return nil
	}
	for _, seen := range n.core.seenProposals {
		if seen.Parent != nil {
			r.certs[seen.Parent.Header] = seen.Parent
		}
	}
	grand := n.block(parent.Header.Parent)
	other := *p
	h := &other.Block.Header
	switch {
	case grand != nil && grand.Header.Epoch == h.Epoch && r.certs[parent.Header.Parent] != nil:
		other.Parent = r.certs[parent.Header.Parent]
		other.ParentView = other.Parent.View
	case grand == nil && parent.Header.Height == 1:
		other.Parent, other.ParentView = nil, 0
	default:
		return nil
	}
	g := &parent.Header // its results are of a block below the grandparent, or of that
	h.Height, h.Parent, h.Time = parent.Header.Height, parent.Header.Parent, max(h.Time, g.Time)
	h.Executed, h.ExecutedTime, h.StateRoot, h.OutboundRoot = g.Executed, g.ExecutedTime, g.StateRoot, g.OutboundRoot
	h.ReceiptRoot, h.ReceiptSize = g.ReceiptRoot, g.ReceiptSize
	other.Nullifications, other.Finalization = nil, nil
	return &other
}
