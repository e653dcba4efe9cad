package sim

import (
	"slices"

	"github.com/isthmus-network/isthmus/chain/consensus"
	"github.com/isthmus-network/isthmus/chain/execution"
	"github.com/isthmus-network/isthmus/chain/lanes"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/mesh"
	"github.com/isthmus-network/isthmus/proofs"
)

// Node is one simulated node: a disk, and while it is up a core that owns the
// machines.
type Node struct {
	world *World
	net   *network
	index int // in World.nodes
	id    identity
	key   proofs.NodeKey
	skew  int64  // ms
	slow  uint64 // how many times longer its disk takes
	evil  adversary

	disk    *disk
	core    *core  // nil while down
	life    int    // counts starts and crashes: what an earlier life planned is void
	effects uint64 // so far, in all lives
	crashes int
}

func newNode(w *World, net *network, place int) *Node {
	id := net.ids[place]
	n := &Node{world: w, net: net, index: len(w.nodes), id: id, key: id.member.Node, slow: 1, disk: newDisk(net)}
	if half := w.scenario.Drift / 2; half > 0 {
		n.skew = int64(w.between(0, half)) - int64(half/2)
	}
	if net.index == 0 {
		if make := w.scenario.Byzantine[place]; make != nil {
			n.evil = make()
		}
		if slices.Contains(w.scenario.SlowDisks, place) {
			n.slow = 30
		}
	}
	w.nodes, net.nodes = append(w.nodes, n), append(net.nodes, n)
	return n
}

func (n *Node) clock() uint64 { return uint64(int64(n.world.now) + n.skew) }
func (n *Node) up() bool      { return n.core != nil }

// honest reports whether the rules are kept by all who run with the node's key.
func (n *Node) honest() bool { return n.evil == nil && len(n.net.of(n.key)) == 1 }

// after plans something for this life of the node.
func (n *Node) after(d uint64, what string, do func()) {
	life := n.life
	n.world.after(d, n, what, func() {
		if n.life == life {
			do()
		}
	})
}

// effect marks a place between two effects, at which the node may crash. It
// reports whether the node goes on.
func (n *Node) effect(what string) bool {
	if !n.up() {
		return false
	}
	n.effects++
	w := n.world
	if !w.chaos || !w.crashesHere(n) {
		return true
	}
	w.note(n, "crash after "+what)
	n.crash()
	n.world.after(w.between(1, 800), n, "start", n.start)
	return false
}

// crash ends the process, or the power with it: then what was not synced is lost.
func (n *Node) crash() {
	if !n.up() {
		return
	}
	n.core, n.life, n.crashes = nil, n.life+1, n.crashes+1
	if n.world.chance(0.5) {
		n.disk.processKill()
		return
	}
	n.disk.powerFailure(n.world)
	if n.world.scenario.LoseLog && n.world.chaos && n == n.net.nodes[0] {
		n.disk.wal = wal{}
	}
}

// start boots the node from its disk, as chain/node restores.
func (n *Node) start() {
	if n.up() {
		return
	}
	n.life++
	anchor, sets, err := n.lastAnchor()
	if err != nil {
		n.world.fail("node %d: %v", n.index, err)
		return
	}
	c := &core{
		n: n, epoch: anchor.Epoch, set: anchor.Set, sets: sets, lastCut: types.NewCut(anchor.Set.Len()), now: n.clock(),
		rules: mesh.New(n.net.zero), seen: make(map[proofs.Hash]*types.Block),
	}
	c.engine = execution.New(n.net.zero, n.world.bug.mesh(c.rules))
	n.core = c
	finals := n.disk.chain.live.finals
	if last := len(finals) - 1; last >= 0 && finals[last].Block.Header.Epoch == anchor.Epoch {
		c.lastCut = finals[last].Block.Cut
	}
	c.restoreLanes()
	if err := c.restoreOrder(anchor); err != nil {
		n.world.fail("node %d does not start: %v", n.index, err)
		return
	}
	n.after(0, "wake", func() { c.pump(nil) })
	if n.world.scenario.Rotate {
		n.after(n.world.between(1, readyEvery), "membership", c.membership)
	}
	c.execute()
}

// lastAnchor follows the stored key blocks.
func (n *Node) lastAnchor() (consensus.Anchor, map[uint64]*proofs.ValidatorSet, error) {
	a := n.net.anchor
	sets := map[uint64]*proofs.ValidatorSet{0: a.Set}
	finals := n.disk.chain.live.finals
	for i := range finals {
		if !finals[i].Block.Header.IsKeyBlock() {
			continue
		}
		var err error
		if a, err = a.Next(&finals[i].Block); err != nil {
			return a, nil, err
		}
		sets[a.Epoch] = a.Set
	}
	return a, sets, nil
}

// restoreLanes restores the data layer as of the newest executed block, and gives
// it the final blocks above again.
func (c *core) restoreLanes() {
	n, chain := c.n, &c.n.disk.chain.live
	version := n.disk.state.version()
	start := lanes.Start{
		Set: c.sets[0], Committed: types.NewCut(c.sets[0].Len()), Height: version, Own: slices.Clone(chain.own),
		HasBatch: func(d proofs.Hash) bool { return chain.batches[d] != nil },
		Signed: func(kind uint8, epoch, height uint64, lane uint32) (proofs.Hash, bool) {
			return n.signed(slot{kind, epoch, height, uint64(lane)})
		},
	}
	if version > 0 {
		f := &chain.finals[version-1]
		start.Epoch, start.Committed = f.Block.Header.Epoch, f.Block.Cut
		if f.Block.Header.IsKeyBlock() {
			start.Epoch++
			start.Committed = types.NewCut(c.sets[start.Epoch].Len())
		}
		start.Set = c.sets[start.Epoch]
	}
	for e := start.Epoch; e <= c.epoch; e++ {
		start.Cars = append(start.Cars, chain.sortedCars(e)...)
	}
	c.lanes = lanes.New(lanes.Config{Network: n.net.zero.ID, Node: n.key, Signer: carSigner{n}}, start)
	base := start.Committed
	for _, f := range chain.finals[version:] {
		c.replay(lanes.Final{Block: f, Base: base})
		base = f.Block.Cut
		if f.Block.Header.IsKeyBlock() {
			epoch := f.Block.Header.Epoch + 1
			c.replay(lanes.EpochIn{Epoch: epoch, Set: c.sets[epoch]})
			base = types.NewCut(c.sets[epoch].Len())
		}
	}
	c.wakeLanes = c.now
}

// replay keeps what is to be executed; nothing is signed or sent in a replay.
func (c *core) replay(in lanes.Input) {
	out := c.lanes.Step(c.now, in)
	if len(out.Sends)+len(out.Votes) > 0 {
		c.n.world.fail("node %d: signed or sent in a replay", c.n.index)
	}
	c.wakeLanes = out.Wake
	c.fetchesOf(&out)
	for i := range out.Ordered {
		c.toExecute = append(c.toExecute, c.job(&out.Ordered[i]))
	}
}

func (c *core) restoreOrder(anchor consensus.Anchor) (err error) {
	n, st := c.n, &c.n.disk.state
	start := consensus.Start{Anchor: anchor, Records: n.disk.wal.records()}
	from := st.version()
	if finals := n.disk.chain.live.finals; len(finals) > 0 {
		start.LastFinal = &finals[len(finals)-1]
		from = min(from, start.LastFinal.Block.Header.Executed)
	}
	start.Executed = slices.Clone(st.results[from:])
	c.order, err = consensus.New(consensus.Config{
		Zero: n.net.zero, Node: n.key, Crypto: n.world.cryptoOf(n), Faults: n.world.bug.order(),
		Signed: func(kind uint8, epoch, view uint64) (proofs.Hash, bool) {
			return n.signed(slot{kind: kind, epoch: epoch, view: view})
		},
	}, start)
	return err
}

// signed looks a slot up in the signing record.
func (n *Node) signed(s slot) (proofs.Hash, bool) {
	d, ok := n.disk.signing.live.votes[s]
	return d, ok
}

// carSigner signs with the node's own key.
type carSigner struct{ n *Node }

func (s carSigner) SignCar(c *types.Car)      { c.Sign(s.n.net.zero.ID, s.n.id.node) }
func (s carSigner) SignVote(v *types.CarVote) { v.Sign(s.n.net.zero.ID, s.n.id.node) }
