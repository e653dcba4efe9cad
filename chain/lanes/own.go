package lanes

import (
	"fmt"
	"slices"

	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// ownLane is what the node's own lane needs beyond other lanes: what is to be
// carried, and the votes for what was.
type ownLane struct {
	todo    map[proofs.Hash]bool // not ordered yet; true if in a car of this epoch, or in a final one
	order   []proofs.Hash        // of todo; may hold others until swept
	waiting []proofs.Hash        // not in a car yet; may hold others
	tip     types.Tip            // the next car stands on it
	resting bool                 // a slot is taken by a car that is lost
	carSlot map[uint64]proofs.Hash
	tallies map[proofs.Hash]*tally
	adopted []adoption

	resendAt uint64
	backoff  uint64
}

type tally struct {
	votes  []types.CarSignature // sorted by voter
	weight uint64
	done   bool
}

type adoption struct {
	digest proofs.Hash
	due    uint64
}

func (o *ownLane) init() { o.todo = make(map[proofs.Hash]bool) }

// restart puts everything that is not ordered back to be carried.
func (o *ownLane) restart(m *Machine) {
	o.tip, o.resting, o.waiting, o.backoff = types.Tip{}, false, nil, 1
	o.carSlot, o.tallies = make(map[uint64]proofs.Hash), make(map[proofs.Hash]*tally)
	final := make(map[proofs.Hash]bool)
	for _, f := range m.finals {
		for _, d := range f.batches() {
			final[d] = true
		}
	}
	kept := o.order[:0]
	for _, d := range o.order {
		if _, ok := o.todo[d]; !ok {
			continue
		}
		kept = append(kept, d)
		if o.todo[d] = final[d]; !final[d] {
			o.waiting = append(o.waiting, d)
		}
	}
	o.order = kept
	if m.self >= 0 {
		o.tip = m.lanes[m.self].committed
	}
}

// restored takes account of the stored cars of the own lane.
func (o *ownLane) restored(m *Machine) {
	if m.self < 0 {
		return
	}
	cars := m.lanes[m.self].cars
	for _, d := range sortedKeys(cars) {
		c := cars[d]
		if !c.linked {
			continue
		}
		for _, d := range c.Batches {
			if _, ok := o.todo[d]; ok {
				o.todo[d] = true
			}
		}
		if c.Height > o.tip.Height {
			o.tip = c.tip()
		}
	}
}

func (o *ownLane) advance(c *car) {
	if c.Height > o.tip.Height {
		o.tip = c.tip()
	}
}

func (o *ownLane) uncommitted(m *Machine) int {
	if m.self < 0 {
		return 0
	}
	return int(o.tip.Height - min(o.tip.Height, m.lanes[m.self].committed.Height))
}

func (m *Machine) ownBatch(d proofs.Hash) {
	if _, ok := m.own.todo[d]; ok {
		return
	}
	e := m.batches.get(d)
	e.refs++
	if !e.held {
		m.batchStored(d, m.node)
	}
	m.own.todo[d] = false
	m.own.order = append(m.own.order, d)
	m.own.waiting = append(m.own.waiting, d)
}

// ownDone forgets a batch that was ordered, in whatever lane.
func (m *Machine) ownDone(d proofs.Hash) {
	o := &m.own
	if _, ok := o.todo[d]; ok {
		delete(o.todo, d)
		m.unrefer(d)
		if len(o.order) > 2*len(o.todo)+64 {
			kept := o.order[:0]
			for _, d := range o.order {
				if _, ok := o.todo[d]; ok {
					kept = append(kept, d)
				}
			}
			o.order = kept
		}
	}
	for i := range o.adopted {
		if o.adopted[i].digest == d {
			o.adopted = append(o.adopted[:i], o.adopted[i+1:]...)
			m.unrefer(d)
			break
		}
	}
}

// makeCars carries what waits.
func (m *Machine) makeCars() {
	o := &m.own
	for m.self >= 0 && !o.resting && o.uncommitted(m) < m.lim.Window {
		digests := o.next()
		if len(digests) == 0 {
			return
		}
		c := types.Car{Epoch: m.epoch, Lane: uint32(m.self), Height: o.tip.Height + 1, Parent: o.tip.Digest, Batches: digests}
		digest := c.Digest(m.network)
		if !m.claim(SlotCar, c.Lane, c.Height, digest, o.carSlot) {
			o.resting = true
			o.waiting = append(digests, o.waiting...)
			return
		}
		for _, d := range digests {
			o.todo[d] = true
		}
		m.signer.SignCar(&c)
		m.out.Store = append(m.out.Store, c)
		m.out.Sends = append(m.out.Sends, Send{All: true, Car: &c})
		if o.uncommitted(m) == 0 {
			o.resendAt, o.backoff = m.now+m.lim.Resend, 1
		}
		l := m.lanes[m.self]
		m.insert(l, m.newCar(&c, digest, l.owner))
	}
}

// next takes up to a car's worth of what waits. A batch that another lane ordered
// and that was given again may wait twice; no car names a batch twice.
func (o *ownLane) next() (digests []proofs.Hash) {
	n := 0
	for ; n < len(o.waiting) && len(digests) < types.MaxCarBatches; n++ {
		d := o.waiting[n]
		if carried, ok := o.todo[d]; ok && !carried && !slices.Contains(digests, d) {
			digests = append(digests, d)
		}
	}
	o.waiting = o.waiting[n:]
	return digests
}

func (m *Machine) voteIn(in CarVoteIn) error {
	v := &in.Vote
	switch {
	case v.Epoch != m.epoch:
		return fmt.Errorf("car vote: got epoch %d, want %d: %w", v.Epoch, m.epoch, proofs.ErrEpoch)
	case m.self < 0 || v.Tip.Lane != uint32(m.self):
		return fmt.Errorf("car vote: got lane %d, want the own one, %d: %w", v.Tip.Lane, m.self, proofs.ErrMalformed)
	case int(v.Voter) >= m.set.Len() || m.set.At(int(v.Voter)).Node != in.From:
		return fmt.Errorf("car vote: voter %d is not its sender: %w", v.Voter, proofs.ErrSigner)
	case v.Tip.Height <= m.lanes[m.self].committed.Height:
		return fmt.Errorf("car vote: got height %d, final is %d: %w", v.Tip.Height, m.lanes[m.self].committed.Height, proofs.ErrStale)
	}
	c := m.lanes[m.self].cars[v.Tip.Digest]
	if c == nil || c.Height != v.Tip.Height {
		return fmt.Errorf("car vote: no own car %x at height %d: %w", v.Tip.Digest[:4], v.Tip.Height, proofs.ErrStale)
	}
	if t := m.own.tallies[c.digest]; t != nil && (t.done || t.has(v.Voter)) {
		return nil
	}
	if err := v.Verify(m.network, in.From); err != nil {
		return err
	}
	m.count(c, *v)
	return nil
}

func (t *tally) place(voter uint32) int {
	i := 0
	for i < len(t.votes) && t.votes[i].Voter < voter {
		i++
	}
	return i
}

func (t *tally) has(voter uint32) bool {
	i := t.place(voter)
	return i < len(t.votes) && t.votes[i].Voter == voter
}

// count adds a valid vote for an own car; more than a third certify it.
func (m *Machine) count(c *car, v types.CarVote) {
	t := m.own.tallies[c.digest]
	if t == nil {
		t = new(tally)
		m.own.tallies[c.digest] = t
	}
	if t.done || t.has(v.Voter) {
		return
	}
	i := t.place(v.Voter)
	t.votes = append(t.votes, types.CarSignature{})
	copy(t.votes[i+1:], t.votes[i:])
	t.votes[i] = types.CarSignature{Voter: v.Voter, Signature: v.Signature}
	t.weight += m.set.At(int(v.Voter)).Weight
	if !m.set.IsOneHonest(t.weight) {
		return
	}
	t.done = true
	cert := &types.CarCertificate{Epoch: m.epoch, Tip: c.tip(), Votes: t.votes}
	m.addCertificate(m.lanes[m.self], cert)
	m.out.Sends = append(m.out.Sends, Send{All: true, Cert: cert})
}

// acknowledge reports the batches of own cars that are certified now.
func (m *Machine) acknowledge(l *lane, c *car) {
	var chain []*car
	for ; c != nil && c.Height > l.ackedUpTo; c = l.parent(c) {
		chain = append(chain, c)
	}
	for i := len(chain) - 1; i >= 0; i-- {
		m.out.Acknowledged = append(m.out.Acknowledged, chain[i].Batches...)
		l.ackedUpTo = chain[i].Height
	}
}

// resendCars is how many of the oldest own cars are sent again, besides the newest:
// from that, the others find the rest.
const resendCars = 4

func (m *Machine) resend() {
	o := &m.own
	if !m.live || o.uncommitted(m) == 0 || m.now < o.resendAt {
		return
	}
	o.resendAt = m.now + m.lim.Resend*o.backoff
	o.backoff = min(2*o.backoff, 16)
	l := m.lanes[m.self]
	var chain []*car
	for c := l.cars[o.tip.Digest]; c != nil; c = l.parent(c) {
		chain = append(chain, c)
	}
	for i := len(chain) - 1; i >= 0; i-- {
		if i == 0 || i >= len(chain)-resendCars {
			m.out.Sends = append(m.out.Sends, Send{All: true, Car: &chain[i].Car})
		}
	}
	if l.best != nil {
		m.out.Sends = append(m.out.Sends, Send{All: true, Cert: l.best})
	}
}
