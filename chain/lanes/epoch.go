package lanes

import (
	"fmt"

	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// nextEpoch starts all lanes anew. What final blocks still lack is fetched on;
// what is not final is carried again: by its owner, or, if that left, by those who
// hold it.
func (m *Machine) nextEpoch(in EpochIn) error {
	if in.Epoch != m.epoch+1 {
		return fmt.Errorf("next epoch: got %d, want %d: %w", in.Epoch, m.epoch+1, proofs.ErrEpoch)
	}
	m.order()
	m.adopt(in.Set)
	old := m.lanes
	m.holds = nil
	m.enter(in.Epoch, in.Set, types.NewCut(in.Set.Len()))
	for _, l := range old {
		for _, d := range sortedKeys(l.cars) {
			m.release(l.cars[d])
		}
	}
	oldest := m.epoch
	if len(m.finals) > 0 {
		oldest = m.finals[0].epoch
	}
	m.out.PruneBelow = max(oldest, 1) - 1
	if m.live {
		m.start()
		m.replayEarly()
	}
	return nil
}

func (m *Machine) replayEarly() {
	list := m.early
	m.early = nil
	for _, e := range list {
		switch in := e.in.(type) {
		case CarIn:
			m.refuse(e.from, m.carIn(in))
		case CertificateIn:
			m.refuse(e.from, m.certificateIn(in))
		}
	}
}

// adopt takes on the batches of validators that leave, which may have been
// acknowledged: each holder after its rank in time, unless they were ordered
// meanwhile.
func (m *Machine) adopt(next *proofs.ValidatorSet) {
	if _, stays := next.IndexOf(m.node); m.self < 0 || !stays || !m.live {
		return
	}
	n := len(m.lanes)
	for i, l := range m.lanes {
		if _, stays := next.IndexOf(l.owner); stays {
			continue
		}
		due := m.now + uint64((m.self-i+n)%n)*m.lim.Resend
		for h := l.committed.Height + 1; h <= l.top; h++ {
			for _, c := range l.heights[h] {
				if c.complete {
					m.adoptCar(c, due)
				}
			}
		}
	}
}

func (m *Machine) adoptCar(c *car, due uint64) {
	for _, d := range c.Batches {
		e := m.batches.known[d]
		if _, own := m.own.todo[d]; own || e.ordered || m.own.adopts(d) {
			continue
		}
		e.refs++
		m.own.adopted = append(m.own.adopted, adoption{d, due})
		m.out.Adopted = append(m.out.Adopted, d)
	}
}

func (o *ownLane) adopts(d proofs.Hash) bool {
	for i := range o.adopted {
		if o.adopted[i].digest == d {
			return true
		}
	}
	return false
}

// adoptDue makes own batches of those whose time has come.
func (m *Machine) adoptDue() {
	kept := m.own.adopted[:0]
	for _, a := range m.own.adopted {
		if a.due > m.now {
			kept = append(kept, a)
			continue
		}
		m.ownBatch(a.digest)
		m.unrefer(a.digest)
	}
	m.own.adopted = kept
	if m.live {
		m.makeCars()
	}
}
