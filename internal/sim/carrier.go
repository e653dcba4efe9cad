package sim

import (
	"fmt"

	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/mesh"
	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/bls"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// carrier brings what one network certifies to another: nobody trusts it. It asks
// a node of the one what a node of the other lacks. While there is chaos it loses,
// doubles, delays and cuts what it carries, and brings old things again.
type carrier struct {
	world    *World
	from, to *network
	old      []types.Item
	genuine  map[proofs.Hash]proofs.Certificate
	decided  uint64 // when the registration was last proposed
}

// carryEvery is the mean time between two rounds of a carrier, ms.
const carryEvery = 40

// registerAgain is the time after which a registration that did not happen is
// proposed again, ms.
const registerAgain = 150

func (w *World) startCarriers() {
	if len(w.nets) != 2 {
		return
	}
	for i := range w.nets {
		c := &carrier{world: w, from: w.nets[i], to: w.nets[1-i], genuine: make(map[proofs.Hash]proofs.Certificate)}
		w.after(w.between(1, carryEvery), nil, "carrier", c.round)
	}
}

// round carries once, and plans the next time.
func (c *carrier) round() {
	w := c.world
	w.after(w.between(carryEvery/2, 2*carryEvery), nil, "carrier", c.round)
	source := c.from.nodes[w.rng.IntN(len(c.from.nodes))]
	target := c.to.nodes[w.rng.IntN(len(c.to.nodes))]
	if !source.up() || !target.up() || source.evil != nil {
		return
	}
	items, err := c.lacking(source, target)
	if err != nil {
		w.fail("carrier: %v", err)
		return
	}
	if w.chaos && len(c.old) > 0 && w.chance(0.1) {
		items = append(items, c.old[w.rng.IntN(len(c.old))])
	}
	for _, it := range items {
		c.bring(target, it)
	}
	c.old = append(c.old, items...)
}

// bring carries one item.
func (c *carrier) bring(target *Node, it types.Item) {
	w := c.world
	if w.chaos && w.chance(w.scenario.Loss) {
		return
	}
	delay := w.between(w.scenario.Latency[0], 3*w.scenario.Latency[1])
	w.after(delay, target, "carried item", func() { target.makeBatch(it) })
	if w.chaos && w.chance(0.2) {
		other := c.to.nodes[w.rng.IntN(len(c.to.nodes))]
		w.after(2*delay, other, "carried item again", func() { other.makeBatch(it) })
	}
}

// lacking is what target's state lacks of source's network, in the order in which
// it is needed: one step at a time.
func (c *carrier) lacking(source, target *Node) ([]types.Item, error) {
	st := target.disk.state.state
	rules := target.core.rules
	peer, known, err := rules.Peer(st, c.from.zero.ID)
	if err != nil {
		return nil, err
	}
	if !known {
		if c.world.now >= c.decided+registerAgain {
			c.decided = c.world.now
			target.decide(types.Act{Kind: types.ActRegister, Peer: c.from.zero.ID, NetworkKind: "native", GasRate: 1})
		}
		return nil, nil
	}
	switch peer.State {
	case mesh.Registered:
		z := c.from.zero.ZeroHeader
		return []types.Item{{Kind: types.ItemZero, Data: z.MarshalCanoto()}}, nil
	case mesh.Bootstrapping, mesh.Active:
	default:
		c.world.fail("node %d: peer %d is %s (%s)", target.index, c.from.index, peer.State, peer.Reason)
		return nil, nil
	}
	f := source.published()
	if f == nil {
		return nil, nil
	}
	var items []types.Item
	for _, kb := range source.keyBlocksAfter(peer.KeyHeight) {
		kb.Certificate = c.certify(source, &kb.Header, kb.Certificate)
		items = append(items, types.Item{Kind: types.ItemKeyBlock, Data: kb.MarshalCanoto()})
	}
	slice, err := c.slice(source, f, target, peer.InEnd)
	if err != nil || slice == nil {
		return items, err
	}
	wants, err := rules.Wants(st, c.from.zero.ID, &slice.Proof.Head, f.Block.Header.ExecutedTime)
	if err != nil || !wants && len(slice.Messages) == 0 {
		return items, err
	}
	return append(items, types.Item{Kind: types.ItemSlice, Data: slice.MarshalCanoto()}), nil
}

// published is the newest certified block whose execution the node has.
func (n *Node) published() *types.FinalBlock {
	finals := n.disk.chain.live.finals
	for i := len(finals) - 1; i >= 0; i-- {
		if finals[i].Certificate != nil && finals[i].Block.Header.Executed <= n.disk.state.version() {
			return &finals[i]
		}
	}
	return nil
}

// keyBlocksAfter lists the key blocks above a height, as strangers follow them.
func (n *Node) keyBlocksAfter(height uint64) (out []proofs.KeyBlock) {
	for _, f := range n.disk.chain.live.finals {
		if h := &f.Block.Header; h.IsKeyBlock() && h.Height > height {
			out = append(out, proofs.KeyBlock{Header: *h, Certificate: *f.Certificate, Next: f.Block.NextSet})
		}
	}
	return out
}

// slice reads the queue for to's network from start on, or a part of it.
func (c *carrier) slice(source *Node, f *types.FinalBlock, to *Node, start uint64) (*proofs.Slice, error) {
	h := &f.Block.Header
	heads := source.disk.state.heads[h.Executed]
	proof, err := proofs.ProveHead(h.Network, heads, c.to.zero.ID)
	if err != nil {
		return nil, nil // the peer is not registered there yet
	}
	s := &proofs.Slice{Header: proofs.CertifiedHeader{Header: *h, Certificate: c.certify(source, h, *f.Certificate)}, Proof: *proof, Start: start}
	end := min(proof.Head.End, start+proofs.MaxSliceMessages)
	if start >= end {
		return s, nil
	}
	if c.world.chaos {
		end = start + c.world.between(1, end-start)
	}
	log := mesh.OutLog(to.net.zero.ID, proof.Head.Incarnation)
	for i := start; i < end; i++ {
		b, err := source.disk.state.state.LogEntry(log, i)
		if err != nil {
			return nil, err
		}
		var m proofs.Message
		if err := proofs.Decode(&m, b, proofs.MaxSliceBytes); err != nil {
			return nil, err
		}
		s.Messages = append(s.Messages, m)
	}
	if end < proof.Head.End {
		right := merkle.NewRange(end)
		for _, leaf := range source.disk.state.state.Leaves(log)[end:proof.Head.End] {
			if err := right.Append(leaf, nil); err != nil {
				return nil, err
			}
		}
		s.Right = right.Nodes()
	}
	return s, nil
}

// certify turns an imitated certificate into the one that its signers would have
// made: strangers verify real ones. It does so only for one that holds.
func (c *carrier) certify(source *Node, h *proofs.Header, cert proofs.Certificate) proofs.Certificate {
	if c.world.scenario.RealCrypto {
		return cert
	}
	id := h.ID()
	if g, ok := c.genuine[id]; ok {
		return g
	}
	set := source.core.sets[h.Epoch]
	v := proofs.Vote{Kind: proofs.TypeFinalize, Epoch: h.Epoch, SetHash: h.SetHash, View: cert.View, ParentView: cert.ParentView, Header: id}
	msg := v.SigningBytes(h.Network)
	if err := c.world.cryptoOf(source).Verify(set, msg, &cert.Quorum); err != nil {
		c.world.fail("node %d publishes block %d with a certificate that does not hold: %v", source.index, h.Height, err)
		return cert
	}
	signers, _, err := cert.Quorum.Signers(set)
	if err == nil {
		cert.Quorum, err = c.from.aggregate(set, signers, msg)
	}
	if err != nil {
		c.world.fail("certificate of block %d: %v", h.Height, err)
	}
	c.genuine[id] = cert
	return cert
}

// aggregate has members of a set sign for real.
func (net *network) aggregate(set *proofs.ValidatorSet, signers []int, msg []byte) (proofs.Aggregate, error) {
	agg := proofs.Aggregate{Bitmap: proofs.NewBitmap(set.Len())}
	var points []bls.Point
	for _, i := range signers {
		proofs.SetBit(agg.Bitmap, i)
		id := net.identityOf(set.At(i).Node)
		if id == nil {
			return agg, fmt.Errorf("member %d is unknown: %w", i, proofs.ErrSigner)
		}
		sig := id.secret.Sign(msg)
		p, err := bls.ParseVote(sig[:])
		if err != nil {
			return agg, err
		}
		points = append(points, p)
	}
	sum, err := bls.Aggregate(points)
	if err == nil {
		agg.Signature = sum.Bytes()
	}
	return agg, err
}

func (net *network) identityOf(key proofs.NodeKey) *identity {
	for i := range net.ids {
		if net.ids[i].member.Node == key {
			return &net.ids[i]
		}
	}
	return nil
}
