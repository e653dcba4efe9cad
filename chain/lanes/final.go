package lanes

import (
	"fmt"
	"slices"

	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// final is a final block whose cars and batches are collected.
type final struct {
	block  types.FinalBlock
	epoch  uint64
	set    *proofs.ValidatorSet
	cars   map[proofs.Hash]*car // on the block's chains, or forks of them
	chains []chain              // by lane
}

// chain is what the block orders of one lane, newest first as far as it is known.
type chain struct {
	lane  uint32
	floor uint64 // the parent's tip
	next  types.Tip
	cars  []*car
}

func (f *final) covers(c *types.Car) bool {
	return f.epoch == c.Epoch && slices.ContainsFunc(f.chains, func(ch chain) bool {
		return ch.lane == c.Lane && ch.floor < c.Height && c.Height <= ch.next.Height
	})
}

// batches lists the batches that are known to be in the block.
func (f *final) batches() (out []proofs.Hash) {
	for i := range f.chains {
		for _, c := range f.chains[i].cars {
			out = append(out, c.Batches...)
		}
	}
	return out
}

func (m *Machine) final(in Final) error {
	h, cut := &in.Block.Block.Header, &in.Block.Block.Cut
	if h.Epoch != m.epoch {
		return fmt.Errorf("final block %d: got epoch %d, want %d: %w", h.Height, h.Epoch, m.epoch, proofs.ErrEpoch)
	}
	if h.Height != m.height+1 {
		return fmt.Errorf("final block: got height %d, want %d: %w", h.Height, m.height+1, proofs.ErrIndex)
	}
	if err := cut.Extends(&in.Base, len(m.lanes)); err != nil {
		return err
	}
	for i, l := range m.lanes {
		if !in.Base.Tips[i].Same(&l.committed) {
			return fmt.Errorf("final block %d: lane %d: got base %d, want %d: %w", h.Height, i, in.Base.Tips[i].Height, l.committed.Height, proofs.ErrIndex)
		}
	}
	m.height = h.Height
	f := &final{block: in.Block, epoch: m.epoch, set: m.set, cars: make(map[proofs.Hash]*car)}
	for i, l := range m.lanes {
		tip := cut.Tips[i]
		if tip.Height > l.committed.Height {
			f.chains = append(f.chains, chain{lane: l.index, floor: l.committed.Height, next: tip})
		}
		for _, c := range m.commit(l, tip) {
			f.cars[c.digest] = c
		}
	}
	for i := range f.chains {
		f.walk(&f.chains[i])
	}
	m.finals = append(m.finals, f)
	m.ownCommitted()
	m.dirty = true
	return nil
}

// ownCommitted follows the final tip of the own lane.
func (m *Machine) ownCommitted() {
	if m.self < 0 {
		return
	}
	o, l := &m.own, m.lanes[m.self]
	for d := range o.tallies {
		if l.cars[d] == nil {
			delete(o.tallies, d)
		}
	}
	for h := range o.carSlot {
		if h <= l.committed.Height {
			delete(o.carSlot, h)
		}
	}
	if l.committed.Height >= o.tip.Height {
		o.tip = l.committed
	} else if c := l.cars[o.tip.Digest]; c == nil || !c.linked {
		o.resting = true // another holder of the key made the final car
	}
	l.ackedUpTo = max(l.ackedUpTo, l.committed.Height)
	o.resendAt, o.backoff = m.now+m.lim.Resend, 1
}

// walk follows a chain down through the cars that are there.
func (f *final) walk(ch *chain) (found bool) {
	for ch.next.Height > ch.floor {
		c := f.cars[ch.next.Digest]
		if c == nil || c.Height != ch.next.Height {
			return false
		}
		ch.cars = append(ch.cars, c)
		ch.next = types.Tip{Lane: ch.lane, Height: c.Height - 1, Digest: c.Parent}
	}
	return true
}

// order reports the final blocks that are complete, oldest first, and asks for what
// the next ones lack.
func (m *Machine) order() {
	for i, f := range m.finals {
		if i >= m.lim.Ahead {
			break
		}
		m.collect(f)
	}
	for len(m.finals) > 0 && m.finals[0].complete() {
		m.ordered(m.finals[0])
		m.finals = m.finals[1:]
	}
}

func (m *Machine) collect(f *final) {
	for i := range f.chains {
		ch := &f.chains[i]
		if !f.walk(ch) {
			m.need(want{digest: ch.next.Digest, epoch: f.epoch, set: f.set, lane: ch.lane, height: ch.next.Height, down: ch.floor}, proofs.NodeKey{}, m.now)
		}
		for _, c := range ch.cars {
			m.hurry(c, proofs.NodeKey{})
		}
	}
}

func (f *final) complete() bool {
	for i := range f.chains {
		ch := &f.chains[i]
		if ch.next.Height > ch.floor || slices.ContainsFunc(ch.cars, func(c *car) bool { return c.missing > 0 }) {
			return false
		}
	}
	return true
}

func (m *Machine) ordered(f *final) {
	b := OrderedBlock{Final: f.block}
	for i := range f.chains {
		cars := f.chains[i].cars
		for j := len(cars) - 1; j >= 0; j-- {
			c := cars[j]
			b.Cars = append(b.Cars, OrderedCar{Lane: c.Lane, Height: c.Height, Digest: c.digest, Batches: c.Batches})
			for _, d := range c.Batches {
				m.batches.known[d].ordered = true
				m.ownDone(d)
			}
		}
	}
	for _, d := range sortedKeys(f.cars) {
		m.release(f.cars[d])
	}
	m.out.Ordered = append(m.out.Ordered, b)
}

func sortedKeys[T any](cars map[proofs.Hash]T) []proofs.Hash {
	keys := make([]proofs.Hash, 0, len(cars))
	for d := range cars {
		keys = append(keys, d)
	}
	slices.SortFunc(keys, func(a, b proofs.Hash) int { return slices.Compare(a[:], b[:]) })
	return keys
}
