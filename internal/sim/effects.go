package sim

import (
	"slices"

	"github.com/isthmus-network/isthmus/chain/consensus"
	"github.com/isthmus-network/isthmus/chain/lanes"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// later queues something for after the flush.
func (c *core) later(what string, do func()) {
	c.pending.after = append(c.pending.after, send{what, do})
}

func (c *core) sendLane(s lanes.Send) {
	set := c.set
	c.later("sending to a lane", func() {
		if c.n.evil != nil {
			c.n.evil.lane(c.n, set, s)
			return
		}
		c.n.sendLane(set, s)
	})
}

// sendLane sends as the machine wanted it.
func (n *Node) sendLane(set *proofs.ValidatorSet, s lanes.Send) {
	n.net.ledger.sentLane(n, s)
	n.sendEach(n.peers(set, s.All, s.To), laneMessage(s))
}

// laneMessage is the one object in a send.
func laneMessage(s lanes.Send) any {
	switch {
	case s.Car != nil:
		return s.Car
	case s.Vote != nil:
		return s.Vote
	}
	return s.Cert
}

func (c *core) sendOrder(s consensus.Send) {
	if p, ok := s.Msg.(*types.Proposal); ok {
		c.seen[p.Block.Header.ID()] = &p.Block
	}
	set := c.set
	c.later("sending", func() {
		if c.n.evil != nil {
			c.n.evil.order(c.n, set, s)
			return
		}
		c.n.sendOrder(set, s)
	})
}

func (n *Node) sendOrder(set *proofs.ValidatorSet, s consensus.Send) {
	n.net.ledger.sent(n, s.Msg)
	n.sendEach(n.peers(set, s.All, s.To), s.Msg)
}

// sendEach sends to one after the other; a crash may come between.
func (n *Node) sendEach(peers []*Node, msg any) {
	for i, to := range peers {
		if i > 0 && !n.effect("sending to some") {
			return
		}
		n.sendTo(to, msg)
	}
}

// peers lists the nodes that a message goes to: those of one validator, or of all
// of the set but us.
func (n *Node) peers(set *proofs.ValidatorSet, all bool, to proofs.NodeKey) (nodes []*Node) {
	for _, o := range n.net.nodes {
		if o.key == n.key {
			continue
		}
		if _, member := set.IndexOf(o.key); all && member || !all && o.key == to {
			nodes = append(nodes, o)
		}
	}
	return nodes
}

// sendTo carries one message.
func (n *Node) sendTo(to *Node, msg any) {
	n.world.meter(n, msg)
	n.world.deliver(n, to, msg, func() { to.receive(n.key, msg) })
}

func (n *Node) receive(from proofs.NodeKey, msg any) {
	switch msg := msg.(type) {
	case *types.Proposal:
		n.post(consensus.ProposalIn{From: from, Proposal: msg})
	case *types.Vote:
		n.post(consensus.VoteIn{From: from, Vote: msg})
	case *types.Quorum:
		n.post(consensus.QuorumIn{From: from, Quorum: msg})
	case *types.Car:
		n.post(lanes.CarIn{From: from, Car: *msg})
	case *types.CarVote:
		n.post(lanes.CarVoteIn{From: from, Vote: *msg})
	case *types.CarCertificate:
		n.post(lanes.CertificateIn{From: from, Cert: *msg})
	case *types.Batch:
		n.storeBatch(msg, from)
	}
}

// storeBatch makes a batch of another node durable and says so.
func (n *Node) storeBatch(b *types.Batch, from proofs.NodeKey) {
	if !n.up() {
		return
	}
	digest := b.Digest(n.net.zero.ID)
	write := func() {
		if n.disk.chain.live.batches[digest] == nil {
			n.disk.chain.write(func(d *chainData) { d.batches[digest] = b })
		}
	}
	sync := func() {
		if !n.world.bug.is(BugCarDurability) {
			n.disk.chain.sync()
		}
	}
	n.afterSync("storing a batch", write, sync, func() { n.post(lanes.BatchStored{Digest: digest, From: from}) })
}

// adopt keeps a batch of a validator that left among the own ones.
func (n *Node) adopt(digest proofs.Hash) {
	n.disk.chain.write(func(d *chainData) {
		if !slices.Contains(d.own, digest) {
			d.own = append(d.own, digest)
		}
	})
	n.disk.chain.sync()
}

// forget deletes batches that nobody will ask for.
func (n *Node) forget(digests []proofs.Hash) {
	if len(digests) == 0 {
		return
	}
	n.disk.chain.write(func(d *chainData) {
		for _, digest := range digests {
			if !slices.Contains(d.own, digest) && !d.ordered[digest] {
				delete(d.batches, digest)
			}
		}
	})
}

// answerTimeout is how long a node waits for an answer before it asks the next
// one, ms.
const answerTimeout = 80

// ask asks peers in turn until one answers. serve runs at the peer; what it returns
// is done at the asker, nil is a refusal.
func (n *Node) ask(peers []proofs.NodeKey, what string, serve func(to *Node) (take func())) {
	if len(peers) == 0 {
		return
	}
	done := false
	next := func() {
		if !done {
			done = true
			n.ask(peers[1:], what, serve)
		}
	}
	life := n.life
	for _, to := range n.net.of(peers[0]) {
		n.world.deliver(n, to, what, func() {
			if !to.up() || to.evil != nil && !to.evil.serves() {
				return
			}
			take := serve(to)
			n.world.deliver(to, n, "answer", func() {
				switch {
				case n.life != life || done:
				case take == nil:
					next()
				default:
					done = true
					take()
				}
			})
		})
	}
	n.after(answerTimeout, "timeout of a request", next)
}

func (c *core) fetchesOf(out *lanes.Output) {
	for i := range out.FetchCars {
		c.fetchCars(out.FetchCars[i])
	}
	for i := range out.FetchBatches {
		c.fetchBatch(out.FetchBatches[i])
	}
}

// maxCarsAnswer bounds the cars of one answer.
const maxCarsAnswer = 16

// storedCars reads a car and its ancestors, newest first.
func (n *Node) storedCars(r *lanes.CarFetch) (cars []types.Car) {
	digest := r.Digest
	for h := r.Height; h > r.Down && len(cars) < maxCarsAnswer; h-- {
		car, ok := n.disk.chain.live.cars[digest]
		if !ok || car.Epoch != r.Epoch || car.Lane != r.Lane || car.Height != h {
			break
		}
		cars = append(cars, car)
		digest = car.Parent
	}
	return cars
}

// fetchCars looks into the own store first: the data layer forgets what is there.
func (c *core) fetchCars(r lanes.CarFetch) {
	n := c.n
	c.later("fetching cars", func() {
		take := func(from proofs.NodeKey, cars []types.Car) {
			for i := range cars {
				n.post(lanes.CarIn{From: from, Car: cars[i]})
			}
		}
		if cars := n.storedCars(&r); len(cars) > 0 {
			n.after(0, "own cars", func() { take(n.key, cars) })
			return
		}
		n.ask(r.From, "request for cars", func(to *Node) func() {
			if cars := to.storedCars(&r); len(cars) > 0 {
				return func() { take(to.key, cars) }
			}
			return nil
		})
	})
}

func (c *core) fetchBatch(r lanes.BatchFetch) {
	n := c.n
	c.later("fetching a batch", func() {
		if n.disk.chain.live.batches[r.Digest] != nil {
			n.after(0, "own batch", func() { n.post(lanes.BatchStored{Digest: r.Digest}) })
			return
		}
		n.ask(r.From, "request for a batch", func(to *Node) func() {
			if b := to.disk.chain.live.batches[r.Digest]; b != nil {
				return func() { n.storeBatch(b, proofs.NodeKey{}) }
			}
			return nil
		})
	})
}

func (c *core) fetchBlocks(r consensus.Fetch) {
	n := c.n
	c.later("fetching blocks", func() {
		n.ask(r.To, "request for blocks", func(to *Node) func() {
			if r.ID == (proofs.Hash{}) {
				blocks := to.finalsFrom(r.FromHeight)
				if len(blocks) == 0 {
					return nil
				}
				return func() { n.post(consensus.FinalBlocksIn{From: to.key, Blocks: blocks}) }
			}
			if b := to.block(r.ID); b != nil {
				return func() { n.post(consensus.BlockIn{From: to.key, Block: b}) }
			}
			return nil
		})
	})
}

// block finds a block, final or only proposed.
func (n *Node) block(id proofs.Hash) *types.Block {
	if b, ok := n.core.order.Block(id); ok {
		return b
	}
	if b := n.core.seen[id]; b != nil {
		return b
	}
	finals := n.disk.chain.live.finals
	for i := range finals {
		if finals[i].ID == id {
			return &finals[i].Block
		}
	}
	return nil
}

// maxServed bounds the blocks of one answer, but it goes on to a certificate.
const maxServed = 64

// finalsFrom returns final blocks from a height on, the last with a certificate.
func (n *Node) finalsFrom(height uint64) []types.FinalBlock {
	finals := n.disk.chain.live.finals
	if height == 0 || height > uint64(len(finals)) {
		return nil
	}
	blocks := finals[height-1:]
	end := 0
	for i := range blocks {
		if blocks[i].Certificate != nil {
			end = i + 1
		}
		if i+1 >= maxServed && end > 0 {
			break
		}
	}
	return slices.Clip(blocks[:end])
}
