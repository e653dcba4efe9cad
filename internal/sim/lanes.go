package sim

import (
	"encoding/binary"

	"github.com/isthmus-network/isthmus/chain/consensus"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// lane is what one node holds of one lane, durably.
type lane struct {
	held      uint64
	certified uint64
}

func tipAt(epoch uint64, lane int, height uint64) types.Tip {
	t := types.Tip{Lane: uint32(lane), Height: height}
	if height > 0 {
		var b [24]byte
		binary.BigEndian.PutUint64(b[:], epoch)
		binary.BigEndian.PutUint64(b[8:], uint64(lane))
		binary.BigEndian.PutUint64(b[16:], height)
		t.Digest = hashOf([]byte("car"), b[:])
	}
	return t
}

// work adds a car to the lane of n and spreads it; with the hold of more than a
// third its certificate spreads too.
func (w *World) work(n *Node) {
	i, ok := n.set().IndexOf(n.key)
	if !ok {
		return
	}
	epoch, height := n.epoch(), n.lanes[i].held+1
	n.lanes[i].held = height
	n.offer()
	for _, o := range w.nodes {
		if o == n {
			continue
		}
		w.after(w.between(1, 40), func() { o.learnCar(epoch, i, height, false) })
	}
	for _, o := range w.nodes {
		w.after(w.between(60, 150), func() { o.learnCar(epoch, i, height, true) })
	}
}

// learnCar notes that n holds a car, or that it is certified. Cars reach crashed
// nodes too: fetching them again is the data layer's business.
func (n *Node) learnCar(epoch uint64, lane int, height uint64, certified bool) {
	if epoch != n.epoch() {
		return
	}
	l := &n.lanes[lane]
	l.held = max(l.held, height)
	if certified {
		l.certified = max(l.certified, height)
	}
	n.offer()
}

// offer tells the machine what is held.
func (n *Node) offer() {
	if n.machine == nil {
		return
	}
	in := consensus.TipsIn{Epoch: n.epoch()}
	for i, l := range n.lanes {
		t := consensus.LaneTip{Held: tipAt(in.Epoch, i, l.held)}
		if l.certified > 0 {
			t.Certified = &types.CarCertificate{Epoch: in.Epoch, Tip: tipAt(in.Epoch, i, l.certified)}
		}
		in.Tips = append(in.Tips, t)
	}
	n.step(in)
}

// startLanes begins the lanes of an epoch; what was not ordered in the one before
// is carried again as one car.
func (n *Node) startLanes(old *types.Cut, oldSet *proofs.ValidatorSet) {
	again := false
	if old != nil {
		if i, ok := oldSet.IndexOf(n.key); ok && n.lanes[i].held > old.Tips[i].Height {
			again = true
		}
	}
	n.lanes = make([]lane, n.set().Len())
	n.offer()
	if again {
		n.world.after(1, func() { n.world.work(n) })
	}
}

// hold answers a hold after a while.
func (n *Node) hold(h consensus.Hold) {
	life := n.life
	n.world.after(n.world.between(0, n.world.scenario.HoldDelay), func() {
		if n.life == life && n.machine != nil {
			n.step(consensus.HeldIn{ID: h.ID})
		}
	})
}
