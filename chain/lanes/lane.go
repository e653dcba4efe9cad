package lanes

import (
	"slices"

	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// car is a stored car and how much of what it stands on is held.
type car struct {
	types.Car
	digest  proofs.Hash
	owner   proofs.NodeKey
	home    *lane // nil once it is below the final cut
	missing int   // of its batches

	linked    bool // its ancestors, down to the final tip, are held
	complete  bool // and their batches and its own
	certified bool // it or a descendant has a certificate
	vote      *types.CarVote
	dead      bool // its batches are released
}

// lane is one validator's lane above the final tip. Forks are kept side by side.
type lane struct {
	index     uint32
	owner     proofs.NodeKey
	committed types.Tip
	cars      map[proofs.Hash]*car
	heights   map[uint64][]*car // in order of arrival
	top       uint64            // no car is above
	unlinked  int
	forked    bool

	certs     map[proofs.Hash]*types.CarCertificate // above the final tip
	certTops  map[uint64]int                        // how many of them at a height
	best      *types.CarCertificate                 // the highest
	held      *car                                  // the highest complete one; nil is the final tip
	votedFor  map[uint64]proofs.Hash
	ackedUpTo uint64
}

func newLane(index uint32, owner proofs.NodeKey, committed types.Tip) *lane {
	return &lane{
		index: index, owner: owner, committed: types.Tip{Lane: index, Height: committed.Height, Digest: committed.Digest},
		cars: make(map[proofs.Hash]*car), heights: make(map[uint64][]*car), top: committed.Height,
		certs: make(map[proofs.Hash]*types.CarCertificate), certTops: make(map[uint64]int), votedFor: make(map[uint64]proofs.Hash),
		ackedUpTo: committed.Height,
	}
}

func (c *car) tip() types.Tip { return types.Tip{Lane: c.Lane, Height: c.Height, Digest: c.digest} }

// rooted reports whether c stands directly on the final tip.
func (l *lane) rooted(c *car) bool {
	return c.Height == l.committed.Height+1 && c.Parent == l.committed.Digest
}

// parent returns the car below c, if it is held and really one lower.
func (l *lane) parent(c *car) *car {
	if p := l.cars[c.Parent]; p != nil && p.Height+1 == c.Height {
		return p
	}
	return nil
}

func (m *Machine) newCar(c *types.Car, digest proofs.Hash, owner proofs.NodeKey) *car {
	n := &car{Car: *c, digest: digest, owner: owner}
	n.missing = m.batches.refer(n, m.now+m.lim.Grace)
	return n
}

// insert adds a car to its lane; the caller made sure that there is room.
func (m *Machine) insert(l *lane, c *car) {
	c.home = l
	l.cars[c.digest] = c
	l.heights[c.Height] = append(l.heights[c.Height], c)
	l.top = max(l.top, c.Height)
	l.unlinked++
	if cs := l.heights[c.Height]; len(cs) == 2 {
		l.forked, m.tips = true, true
		m.out.Evidence = append(m.out.Evidence, Evidence{Node: l.owner, A: cs[0].Car, B: cs[1].Car})
	}
	m.promote(l, c)
	if l.certs[c.digest] != nil || m.certifiedChild(l, c) {
		l.certify(c)
	}
	m.dirty = true
}

func (m *Machine) certifiedChild(l *lane, c *car) bool {
	return slices.ContainsFunc(l.heights[c.Height+1], func(o *car) bool { return o.certified && o.Parent == c.digest })
}

// certify marks a car and its ancestors: whoever vouched for it holds them all.
func (l *lane) certify(c *car) {
	for ; c != nil && !c.certified; c = l.parent(c) {
		c.certified = true
	}
}

// promote finds out whether c, and then what stands on it, is linked and complete.
func (m *Machine) promote(l *lane, c *car) {
	p, rooted := l.parent(c), l.rooted(c)
	changed := false
	if !c.linked && (rooted || p != nil && p.linked) {
		c.linked, changed = true, true
		l.unlinked--
	}
	if c.linked && !c.complete && c.missing == 0 && (rooted || p != nil && p.complete) {
		c.complete, changed = true, true
		m.completed(l, c)
	}
	if !changed {
		return
	}
	for _, o := range l.heights[c.Height+1] {
		if o.Parent == c.digest {
			m.promote(l, o)
		}
	}
}

func (m *Machine) completed(l *lane, c *car) {
	m.dirty = true
	if l.held == nil || c.Height > l.held.Height {
		l.held, m.tips = c, true
	}
	if int(l.index) == m.self {
		m.own.advance(c)
	}
	if c.vote == nil {
		m.vote(l, c)
	}
}

// vote signs for a complete car unless another was signed for at its height.
func (m *Machine) vote(l *lane, c *car) {
	if !m.live || m.self < 0 {
		return
	}
	if c.vote == nil {
		if !m.claim(SlotVote, l.index, c.Height, c.digest, l.votedFor) {
			return
		}
		v := &types.CarVote{Epoch: m.epoch, Tip: c.tip(), Voter: uint32(m.self)}
		m.signer.SignVote(v)
		c.vote = v
	}
	if int(l.index) == m.self {
		m.count(c, *c.vote)
		return
	}
	m.out.Sends = append(m.out.Sends, Send{To: l.owner, Vote: c.vote})
}

// claim takes a slot of the signing record for digest, if nothing else has it.
func (m *Machine) claim(kind uint8, lane uint32, height uint64, digest proofs.Hash, taken map[uint64]proofs.Hash) bool {
	have, ok := taken[height]
	if !ok {
		have, ok = m.signed(kind, m.epoch, height, lane)
	}
	if ok && have != digest {
		return false
	}
	taken[height] = digest
	m.out.Votes = append(m.out.Votes, SlotEntry{Kind: kind, Epoch: m.epoch, Height: height, Lane: lane, Digest: digest})
	return true
}

// commit moves the final tip up. The cars up to it are returned: the final block
// needs some of them.
func (m *Machine) commit(l *lane, tip types.Tip) (below []*car) {
	if tip.Height == l.committed.Height {
		return nil
	}
	for h := l.committed.Height + 1; h <= min(tip.Height, l.top); h++ {
		for _, c := range l.heights[h] {
			c.home = nil
			delete(l.cars, c.digest)
			below = append(below, c)
		}
		delete(l.heights, h)
	}
	for h := range l.votedFor {
		if h <= tip.Height {
			delete(l.votedFor, h)
		}
	}
	for d, cert := range l.certs {
		if cert.Tip.Height <= tip.Height {
			delete(l.certs, d)
			delete(l.certTops, cert.Tip.Height)
		}
	}
	if l.best != nil && l.best.Tip.Height <= tip.Height {
		l.best = nil
	}
	l.committed = tip
	l.top = max(l.top, tip.Height)
	m.relink(l)
	return below
}

// relink judges every car anew after the final tip moved.
func (m *Machine) relink(l *lane) {
	l.held, l.unlinked, m.tips, m.dirty = nil, len(l.cars), true, true
	for _, c := range l.cars {
		c.linked, c.complete = false, false
	}
	for h := l.committed.Height + 1; h <= l.top; h++ {
		for _, c := range l.heights[h] {
			m.promote(l, c)
		}
	}
}

func (m *Machine) laneTips() []LaneTip {
	tips := make([]LaneTip, len(m.lanes))
	for i, l := range m.lanes {
		t := LaneTip{Held: l.committed, Certified: l.committed}
		if l.best != nil {
			t.Certified, t.Certificate = l.best.Tip, l.best
		}
		switch {
		case l.forked:
			t.Held = t.Certified
		case l.held != nil:
			t.Held = l.held.tip()
		}
		tips[i] = t
	}
	return tips
}
