package sim

import (
	"github.com/isthmus-network/isthmus/chain/consensus"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// adversary turns what an honest machine wants to send into something else. The
// node's key is its own; it forges nobody else's votes.
type adversary interface {
	send(n *Node, s consensus.Send)
}

// silent leads nothing: its proposals never leave.
type silent struct{}

func (silent) send(n *Node, s consensus.Send) {
	if _, ok := s.Msg.(*types.Proposal); !ok {
		n.transmit(s)
	}
}

// garbler signs garbage now and then.
type garbler struct{}

func (garbler) send(n *Node, s consensus.Send) {
	if v, ok := s.Msg.(*types.Vote); ok && n.world.chance(0.5) {
		bad := *v
		bad.Signature[7] ^= 1
		s.Msg = &bad
	}
	n.transmit(s)
}

// equivocator proposes two blocks in one view, each to one half of the nodes, and
// votes for everything: both headers, and both nullify and finalize.
type equivocator struct{}

func (e equivocator) send(n *Node, s consensus.Send) {
	switch msg := s.Msg.(type) {
	case *types.Proposal:
		other := *msg
		if msg.Block.Header.ID() != hashOfParent(msg) {
			other.Block.Header.Time++
		}
		for i, to := range n.world.nodes {
			if to.key == n.key {
				continue
			}
			p := msg
			if i%2 == 1 {
				p = &other
			}
			n.transmitTo(to, p)
			e.vote(n, to, p.View, p.ParentView, p.Block.Header.ID())
		}
	case *types.Vote:
		if msg.Kind != proofs.TypeNotarize {
			n.transmit(s)
			e.contradict(n, msg)
		}
	default:
		n.transmit(s)
	}
}

// hashOfParent returns the header that the parent's certificate names: for a key
// block proposed again it is the block itself.
func hashOfParent(p *types.Proposal) proofs.Hash {
	if p.Parent == nil {
		return proofs.Hash{}
	}
	return p.Parent.Header
}

// contradict says nullify where finalize was said, and the other way round if a
// header is known.
func (e equivocator) contradict(n *Node, v *types.Vote) {
	if v.Kind == proofs.TypeFinalize {
		e.sign(n, nil, types.Vote{Kind: proofs.TypeNullify, Epoch: v.Epoch, View: v.View, Voter: v.Voter})
	}
}

// vote notarizes and finalises one header towards one node.
func (e equivocator) vote(n, to *Node, view, parentView uint64, header proofs.Hash) {
	i, ok := n.set().IndexOf(n.key)
	if !ok {
		return
	}
	for _, kind := range []proofs.ObjectType{proofs.TypeNotarize, proofs.TypeFinalize} {
		e.sign(n, to, types.Vote{Kind: kind, Epoch: n.epoch(), View: view, ParentView: parentView, Header: header, Voter: uint32(i)})
	}
}

func (equivocator) sign(n, to *Node, v types.Vote) {
	statement := v.Statement(n.set().Hash())
	v.Signature = n.world.scenario.Crypto(n.id).Sign(statement.SigningBytes(n.world.zero.ID))
	n.world.ledger.sent(n, &v)
	for _, o := range n.world.nodes {
		if o.key != n.key && (to == nil || o == to) {
			n.transmitTo(o, &v)
		}
	}
}

// isTwin reports whether another node runs with the key of n.
func (w *World) isTwin(n *Node) bool {
	for _, o := range w.nodes {
		if o != n && o.key == n.key {
			return true
		}
	}
	return false
}
