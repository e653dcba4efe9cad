package node

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/isthmus-network/isthmus/bootstrap"
	"github.com/isthmus-network/isthmus/chain/api"
	"github.com/isthmus-network/isthmus/chain/p2p"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/mesh"
	"github.com/isthmus-network/isthmus/proofs"
)

// choice reads the validator set that governance has chosen, from the newest
// executed state.
func (n *Node) choice() (*mesh.Choice, error) {
	v, err := n.newest()
	if err != nil {
		return nil, err
	}
	return n.rules.Choice(v)
}

// Validators implements api.Backend.
func (b *backend) Validators(context.Context) (*api.Membership, error) {
	s := b.n.status.Load()
	c, err := b.n.choice()
	if err != nil {
		return nil, classed(err)
	}
	m := &api.Membership{
		Epoch: s.Order.Epoch, SetHash: s.Set.Hash(), Total: s.Set.Total(),
		NextHash: c.Set.Hash(), NextTotal: c.Set.Total(), Sequence: c.Sequence, ReadyWeight: c.Weight(),
	}
	if m.EpochEnd, err = b.n.epochEnd(s.Order.Height); err != nil {
		return nil, classed(err)
	}
	members := make(map[proofs.NodeKey]*api.Member)
	at := func(node proofs.NodeKey) *api.Member {
		if members[node] == nil {
			members[node] = &api.Member{Node: node, Connected: node == b.n.keys.NodeKey()}
		}
		return members[node]
	}
	for i := range s.Set.Len() {
		at(s.Set.At(i).Node).Weight = s.Set.At(i).Weight
	}
	for i := range c.Set.Len() {
		member := at(c.Set.At(i).Node)
		member.Next, member.Ready = c.Set.At(i).Weight, c.IsReady(i)
	}
	for _, k := range b.n.host.Connected() {
		if member := members[proofs.NodeKey(k)]; member != nil {
			member.Connected = true
		}
	}
	for _, member := range members {
		m.Members = append(m.Members, *member)
	}
	slices.SortFunc(m.Members, func(x, y api.Member) int { return bytes.Compare(x.Node[:], y.Node[:]) })
	return m, nil
}

// isMate reports whether a node is one of this network: a validator of an epoch
// that is remembered, or one that the operator named.
func (n *Node) isMate(k p2p.NodeKey) bool {
	_, named := n.mates.Load(k)
	return named || (*n.members.Load())[k]
}

// enoughAsked is how many connected nodes of those who should have something are asked
// before others.
const enoughAsked = 2

// reachable picks whom to ask for something: those named that are connected, and
// if they are few, other connected nodes of this network. The validators of an epoch
// long ago may all be gone, and what they ordered is with those that followed them.
func (n *Node) reachable(named []proofs.NodeKey) []proofs.NodeKey {
	connected := n.host.Connected()
	var out []proofs.NodeKey
	for _, k := range named {
		if slices.Contains(connected, p2p.NodeKey(k)) {
			out = append(out, k)
		}
	}
	for _, k := range connected {
		if len(out) >= enoughAsked {
			break
		}
		if n.isMate(k) && !slices.Contains(out, proofs.NodeKey(k)) {
			out = append(out, proofs.NodeKey(k))
		}
	}
	return out
}

// epochEnd is when the epoch of the block after height is over, ms.
func (n *Node) epochEnd(height uint64) (uint64, error) {
	began := n.zero.Time
	if height > 0 {
		f, err := n.blocks.final(height)
		if err != nil {
			return 0, err
		}
		key := f.Block.Header.PreviousKeyHeight
		if f.Block.Header.IsKeyBlock() {
			key = height
		}
		if key > 0 {
			if f, err = n.blocks.final(key); err != nil {
				return 0, err
			}
			began = f.Block.Header.Time
		}
	}
	return began + n.zero.Parameters.EpochDuration, nil
}

// complete fills in the keys of a validator that is named by its node key and given
// another weight.
func (n *Node) complete(act *types.Act) error {
	v := act.Validator
	if act.Kind != types.ActValidator || v == nil || v.Key != [len(v.Key)]byte{} {
		return nil
	}
	c, err := n.choice()
	if err != nil {
		return err
	}
	i, ok := c.Set.IndexOf(v.Node)
	if !ok {
		return fmt.Errorf("validator %s: no member, and no BLS key given: %w", v.Node, api.ErrInvalid)
	}
	member := c.Set.At(i)
	member.Weight = v.Weight
	act.Validator = &member
	return nil
}

// addOwnPeers keeps further nodes of this network connected, now and after a
// restart.
func (n *Node) addOwnPeers(addrs []string) error {
	split := make(map[proofs.NodeKey][]string)
	for _, full := range addrs {
		node, addr, err := p2p.SplitAddr(full)
		if err != nil {
			return fmt.Errorf("%w: %w", api.ErrInvalid, err)
		}
		split[proofs.NodeKey(node)] = append(split[proofs.NodeKey(node)], addr)
	}
	if err := n.host.AddKnown(addrs...); err != nil {
		return fmt.Errorf("%w: %w", api.ErrInvalid, err)
	}
	n.cfgMu.Lock()
	defer n.cfgMu.Unlock()
	cfg, err := bootstrap.LoadNodeConfig(n.dir)
	if err != nil {
		return err
	}
	for node := range split {
		n.mates.Store(p2p.NodeKey(node), true)
	}
	cfg.AddPeers(split)
	delete(cfg.Peers, n.keys.NodeKey())
	return bootstrap.SaveNodeConfig(n.dir, cfg)
}
