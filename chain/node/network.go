package node

import (
	"context"

	"github.com/isthmus-network/isthmus/chain/consensus"
	"github.com/isthmus-network/isthmus/chain/lanes"
	"github.com/isthmus-network/isthmus/chain/p2p"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/mesh/client"
	"github.com/isthmus-network/isthmus/proofs"
)

// connect starts the host and registers all handlers.
func (n *Node) connect(ctx context.Context) error {
	static := make(map[p2p.NodeKey][]string, len(n.cfg.Peers))
	for k, addrs := range n.cfg.Peers {
		static[p2p.NodeKey(k)] = addrs
		n.mates.Store(p2p.NodeKey(k), true)
	}
	var known []string
	for _, addrs := range n.cfg.Networks {
		known = append(known, addrs...)
	}
	host, err := p2p.New(ctx, p2p.Config{
		Key: n.keys.Node, Listen: n.cfg.Listen, Static: static, Known: known, Logger: n.log,
		Allow: func(k p2p.NodeKey) bool { return (*n.members.Load())[k] },
	})
	if err != nil {
		return err
	}
	n.host = host
	n.mesh = client.New(client.Config{
		Self: n.zero.ID, Transport: n.foreign, Local: &local{n: n, ctx: ctx}, Logger: n.log,
		FlyingMessages: int(min(n.zero.Parameters.BlockMessages, 1<<20)),
	})
	n.serve()
	n.receive(ctx)
	if err := n.serveForeign(); err != nil {
		return err
	}
	for network, addrs := range n.cfg.Networks {
		if err := n.foreign.add(network, addrs); err != nil {
			return err
		}
	}
	return nil
}

// receive posts the validators' messages to the core. Blocking in a handler is
// back-pressure onto its sender alone.
func (n *Node) receive(ctx context.Context) {
	n.host.HandleMessages(classOrder, func(from p2p.NodeKey, b []byte) {
		m, err := decodeOrder(b)
		if err != nil {
			n.badMessage(classOrder, from, err)
			return
		}
		switch m := m.(type) {
		case *types.Proposal:
			n.core.post(ctx, consensus.ProposalIn{From: proofs.NodeKey(from), Proposal: m})
		case *types.Vote:
			n.core.post(ctx, consensus.VoteIn{From: proofs.NodeKey(from), Vote: m})
		case *types.Quorum:
			n.core.post(ctx, consensus.QuorumIn{From: proofs.NodeKey(from), Quorum: m})
		}
	})
	n.host.HandleMessages(classLanes, func(from p2p.NodeKey, b []byte) {
		m, err := decodeLanes(b)
		if err != nil {
			n.badMessage(classLanes, from, err)
			return
		}
		switch m := m.(type) {
		case *types.Car:
			n.core.post(ctx, lanes.CarIn{From: proofs.NodeKey(from), Car: *m})
		case *types.CarVote:
			n.core.post(ctx, lanes.CarVoteIn{From: proofs.NodeKey(from), Vote: *m})
		case *types.CarCertificate:
			n.core.post(ctx, lanes.CertificateIn{From: proofs.NodeKey(from), Cert: *m})
		}
	})
	n.host.HandleMessages(classBatch, func(from p2p.NodeKey, b []byte) {
		if err := n.receiveBatch(ctx, from, b); err != nil {
			n.badMessage(classBatch, from, err)
		}
	})
	n.host.HandleMessages(classActs, func(from p2p.NodeKey, b []byte) {
		if err := n.acts.receive(b); err != nil {
			n.badMessage(classActs, from, err)
		}
	})
	n.host.HandleMessages(classReady, func(from p2p.NodeKey, b []byte) {
		if err := n.ready.receive(ctx, from, b); err != nil {
			n.badMessage(classReady, from, err)
		}
	})
}

func (n *Node) badMessage(class p2p.Class, from p2p.NodeKey, err error) {
	n.log.Warn("message refused", "class", class.Name, "from", proofs.NodeKey(from), "error", err)
}

// receiveBatch stores a batch that its maker streams, and says so to the core.
func (n *Node) receiveBatch(ctx context.Context, from p2p.NodeKey, wire []byte) error {
	digest, err := n.batchDigest(wire)
	if err != nil {
		return err
	}
	if ok, err := n.blocks.hasBatch(digest); err != nil || !ok {
		if err != nil {
			return err
		}
		if err := n.blocks.putBatch(digest, wire); err != nil {
			return err
		}
	}
	n.core.post(ctx, lanes.BatchStored{Digest: digest, From: proofs.NodeKey(from)})
	return nil
}

// broadcast sends to every validator of set but this node.
func (n *Node) broadcast(set *proofs.ValidatorSet, class p2p.Class, f []byte) {
	self := n.keys.NodeKey()
	for i := range set.Len() {
		if to := set.At(i).Node; to != self {
			if err := n.host.Send(p2p.NodeKey(to), class, f); err != nil {
				n.log.Debug("not sent", "class", class.Name, "to", to, "error", err)
			}
		}
	}
}
