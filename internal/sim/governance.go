package sim

import (
	"slices"

	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/mesh"
	"github.com/isthmus-network/isthmus/proofs"
)

// Times of governance and membership, ms.
const (
	readyEvery    = 120 // between two looks at whether the node is to say that it is ready
	readyAgain    = 400 // until a node says it again
	handOverAfter = 600 // that others have to order what a leaver left behind
)

// decide has the validators of a node's epoch approve an act, and puts it into the
// node's lane. Acts that come too late are void.
func (n *Node) decide(a types.Act) {
	w := n.world
	if !n.member() {
		return
	}
	next, err := mesh.NextSequence(n.disk.state.state)
	if err != nil {
		w.fail("node %d: %v", n.index, err)
		return
	}
	a.Network, a.Sequence, a.Epoch, a.Expiry = n.net.zero.ID, next, n.core.epoch, startTime+1<<40
	all := make([]int, n.core.set.Len())
	for i := range all {
		all[i] = i
	}
	approval, err := n.net.aggregate(n.core.set, all, a.SigningBytes())
	if err != nil {
		w.fail("node %d: act: %v", n.index, err)
		return
	}
	act := types.CertifiedAct{Act: a, Approval: approval}
	n.makeBatch(types.Item{Kind: types.ItemAct, Data: act.MarshalCanoto()})
}

func (n *Node) member() bool {
	if !n.up() {
		return false
	}
	_, ok := n.core.set.IndexOf(n.key)
	return ok
}

// govern changes the chosen set: one member leaves, or the one that left comes back.
func (w *World) govern(net *network) {
	n := net.nodes[w.rng.IntN(len(net.nodes))]
	if !n.member() || n.evil != nil {
		return
	}
	choice, err := n.core.rules.Choice(n.disk.state.state)
	if err != nil {
		w.fail("node %d: %v", n.index, err)
		return
	}
	for i, id := range net.ids {
		if _, in := choice.Set.IndexOf(id.member.Node); !in {
			v := id.member
			v.Weight = w.scenario.Weights[i]
			n.decide(types.Act{Kind: types.ActValidator, Validator: &v})
			return
		}
	}
	out := net.ids[w.rng.IntN(len(net.ids))].member.Node
	n.decide(types.Act{Kind: types.ActRemoveValidator, Validator: &proofs.Validator{Node: out}})
}

// membership looks, again and again, whether the node is to say that it is ready for
// the chosen set, and whether it has something to hand over.
func (c *core) membership() {
	n := c.n
	n.after(n.world.between(readyEvery/2, 3*readyEvery/2), "membership", c.membership)
	c.sayReady()
	if n.core == c {
		c.handOver()
	}
}

func (c *core) sayReady() {
	n, w := c.n, c.n.world
	choice, err := c.rules.Choice(n.disk.state.state)
	if err != nil {
		w.fail("node %d: %v", n.index, err)
		return
	}
	i, chosen := choice.Set.IndexOf(n.key)
	behind := n.disk.state.version()+w.scenario.MaxLag < uint64(len(n.disk.chain.live.finals))
	if !chosen || choice.IsReady(i) || behind || c.saidSequence == choice.Sequence && w.now < c.saidAt+readyAgain {
		return
	}
	c.saidSequence, c.saidAt = choice.Sequence, w.now
	r := types.Ready{Sequence: choice.Sequence, SetHash: choice.Set.Hash()}
	r.Sign(n.net.zero.ID, n.id.node)
	item := types.Item{Kind: types.ItemReady, Data: r.MarshalCanoto()}
	if n.member() {
		n.makeBatch(item)
		return
	}
	to := c.set.At(w.rng.IntN(c.set.Len())).Node
	for _, o := range n.net.of(to) {
		w.deliver(n, o, "readiness", func() { o.makeBatch(item) })
	}
}

// handOver gives the messages of a validator that left to one in office, when the
// others have had time to order what they hold of its batches.
func (c *core) handOver() {
	n, w := c.n, c.n.world
	own := n.disk.chain.live.own
	if n.member() || len(own) == 0 {
		c.leftAt = 0
		return
	}
	if c.leftAt == 0 {
		c.leftAt = w.now
	}
	if w.now < c.leftAt+handOverAfter {
		return
	}
	digest := own[0]
	done := func() {
		n.disk.chain.write(func(d *chainData) {
			if k := slices.Index(d.own, digest); k >= 0 {
				d.own = slices.Delete(d.own, k, k+1)
			}
		})
		n.disk.chain.sync()
	}
	items := slices.DeleteFunc(slices.Clone(n.disk.chain.live.batches[digest].Items), func(it types.Item) bool { return it.Kind != types.ItemExternal })
	if len(items) == 0 {
		done() // what concerns peers and governance is carried by whoever is in office
		return
	}
	life := n.life
	for _, to := range n.net.of(c.set.At(w.rng.IntN(c.set.Len())).Node) {
		w.deliver(n, to, "hand over", func() {
			to.makeBatchThen(func() {
				w.deliver(to, n, "handed over", func() {
					if n.life == life {
						done()
					}
				})
			}, items...)
		})
	}
}
