package sim

import (
	"errors"

	"github.com/isthmus-network/isthmus/chain/lanes"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// data is what was seen of lanes.
type data struct {
	certs map[proofs.Hash]bool // cars whose certificate was checked
	must  []proofs.Hash        // batches in final blocks
	acked map[proofs.Hash]bool // batches that a client was told are safe
}

func newData() data {
	return data{certs: make(map[proofs.Hash]bool), acked: make(map[proofs.Hash]bool)}
}

// lanesStep checks an output of the data layer as it leaves the machine.
func (l *ledger) lanesStep(n *Node, out *lanes.Output) {
	if !n.honest() {
		return
	}
	for _, r := range out.Refused {
		switch {
		case r.From == (proofs.NodeKey{}) && !errors.Is(r.Err, proofs.ErrStale) && !errors.Is(r.Err, proofs.ErrTooLarge):
			l.world.fail("node %d: the data layer refuses the node's own input: %v", n.index, r.Err)
		case r.Blame() && l.isHonest(r.From):
			l.world.fail("node %d: the data layer blames an honest node: %v", n.index, r.Err)
		}
	}
	for _, e := range out.Evidence {
		l.accused(n, e.Node)
	}
	for _, d := range out.Acknowledged {
		l.data.acked[d] = true
	}
}

// sentLane checks a message of the data layer as it enters the network.
func (l *ledger) sentLane(n *Node, s lanes.Send) {
	if s.Cert != nil {
		l.certified(n, s.Cert)
	}
	if !n.honest() {
		return
	}
	switch {
	case s.Car != nil:
		l.says(n, slot{lanes.SlotCar, s.Car.Epoch, s.Car.Height, uint64(s.Car.Lane)}, s.Car.Digest(l.net.zero.ID))
	case s.Vote != nil:
		v := s.Vote
		l.says(n, slot{lanes.SlotVote, v.Epoch, v.Tip.Height, uint64(v.Tip.Lane)}, v.Tip.Digest)
		if n.up() && v.Epoch == n.core.epoch {
			if missing := n.lacks(v.Epoch, &v.Tip, n.core.lastCut.Tips[v.Tip.Lane].Height); missing != "" {
				l.world.fail("node %d votes for car %d of lane %d: %s", n.index, v.Tip.Height, v.Tip.Lane, missing)
			}
		}
	}
}

// lacks says what of a lane between a height and a tip a node would not have after
// a power failure.
func (n *Node) lacks(epoch uint64, tip *types.Tip, floor uint64) string {
	disk := &n.disk.chain.durable
	digest := tip.Digest
	for h := tip.Height; h > floor; h-- {
		car, ok := disk.cars[digest]
		if !ok || car.Height != h || car.Lane != tip.Lane || car.Epoch != epoch {
			return "a car is not durable"
		}
		for _, b := range car.Batches {
			if disk.batches[b] == nil {
				return "a batch is not durable"
			}
		}
		digest = car.Parent
	}
	return ""
}

// certified checks that the honest voters of an availability certificate, without
// whom it weighs no third, hold the car.
func (l *ledger) certified(n *Node, c *types.CarCertificate) {
	set := l.sets[c.Epoch]
	if l.data.certs[c.Tip.Digest] || set == nil || !n.honest() {
		return
	}
	l.data.certs[c.Tip.Digest] = true
	var weight uint64
	for i := range c.Votes {
		voter := set.At(int(c.Votes[i].Voter))
		weight += voter.Weight
		if !l.isHonest(voter.Node) {
			continue
		}
		for _, o := range l.net.of(voter.Node) {
			if missing := o.lacks(c.Epoch, &c.Tip, c.Tip.Height-1); missing != "" {
				l.world.fail("car %d of lane %d is certified, but at node %d %s", c.Tip.Height, c.Tip.Lane, o.index, missing)
			}
		}
	}
	if !set.IsOneHonest(weight) {
		l.world.fail("car %d of lane %d is certified by weight %d of %d", c.Tip.Height, c.Tip.Lane, weight, set.Total())
	}
}

// canBeHad checks that honest nodes have all that a final block orders, durably.
func (l *ledger) canBeHad(f *types.FinalBlock, base *types.Cut) {
	epoch := f.Block.Header.Epoch
	for i := range f.Block.Cut.Tips {
		tip := &f.Block.Cut.Tips[i]
		digest := tip.Digest
		for h := tip.Height; h > base.Tips[i].Height; h-- {
			car, ok := l.findCar(digest)
			if !ok || car.Height != h || car.Epoch != epoch {
				l.world.fail("car %d of lane %d is in final block %d and no honest node has it", h, i, f.Block.Header.Height)
				return
			}
			for _, b := range car.Batches {
				if !l.findBatch(b) {
					l.world.fail("a batch of car %d of lane %d is in final block %d and no honest node has it", h, i, f.Block.Header.Height)
					return
				}
				l.data.must = append(l.data.must, b)
			}
			digest = car.Parent
		}
	}
}

func (l *ledger) findCar(digest proofs.Hash) (types.Car, bool) {
	for _, n := range l.net.nodes {
		if car, ok := n.disk.chain.durable.cars[digest]; ok && n.honest() {
			return car, true
		}
	}
	return types.Car{}, false
}

func (l *ledger) findBatch(digest proofs.Hash) bool {
	for _, n := range l.net.nodes {
		if n.honest() && n.disk.chain.durable.batches[digest] != nil {
			return true
		}
	}
	return false
}
