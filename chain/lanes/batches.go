package lanes

import (
	"slices"

	"github.com/isthmus-network/isthmus/proofs"
)

// batch is what is known of a digest: a car names it, or it is durable, or both.
type batch struct {
	digest  proofs.Hash
	held    bool
	ordered bool
	refs    int    // cars that name it, and the own lane
	waiters []*car // if not held
	seq     uint64 // of its newest place in a ring

	next  uint64 // when to fetch it
	tries int
	from  []proofs.NodeKey // who should have it, besides the owners of waiters
}

// ring is a bounded queue of batches that nothing refers to, oldest first.
type ring struct {
	places []place
	size   int
}

type place struct {
	b   *batch
	seq uint64
}

// batches knows which batches are durable, as far as it matters now.
type batches struct {
	known   map[proofs.Hash]*batch
	missing []*batch // named and not held; may hold others until swept
	seq     uint64
	recent  ring   // ordered ones
	orphans []ring // held ones that no car names, by sender; the last is nobody's
}

func (b *batches) init(remembered int) {
	b.known, b.recent.size = make(map[proofs.Hash]*batch), remembered
}

// senders makes the rings of an epoch's members; what nobody named stays on record
// as nobody's.
func (b *batches) senders(n, size int) {
	old := b.orphans
	b.orphans = make([]ring, n+1)
	for i := range b.orphans {
		b.orphans[i].size = size
	}
	for i := range old {
		b.orphans[n].places = append(b.orphans[n].places, old[i].places...)
	}
}

func (b *batches) get(d proofs.Hash) *batch {
	e := b.known[d]
	if e == nil {
		e = &batch{digest: d}
		b.known[d] = e
	}
	return e
}

// refer counts the batches of a new car in and returns how many are missing.
func (b *batches) refer(c *car, fetchAt uint64) (missing int) {
	for _, d := range c.Batches {
		e := b.get(d)
		e.refs++
		if e.held {
			continue
		}
		missing++
		e.waiters = append(e.waiters, c)
		if len(e.waiters) == 1 {
			e.next, e.tries = fetchAt, 0
			b.missing = append(b.missing, e)
		}
	}
	return missing
}

// release undoes refer when a car is no longer needed.
func (m *Machine) release(c *car) {
	if c.dead {
		return
	}
	c.dead = true
	for _, d := range c.Batches {
		m.unrefer(d)
	}
}

func (m *Machine) unrefer(d proofs.Hash) {
	e := m.batches.known[d]
	if e.refs--; e.refs > 0 {
		return
	}
	e.waiters = nil
	if e.held {
		m.shelve(e, len(m.batches.orphans)-1)
	} else {
		delete(m.batches.known, d)
	}
}

// shelve keeps a held batch that nothing refers to, for a while.
func (m *Machine) shelve(e *batch, sender int) {
	b := &m.batches
	r := &b.recent
	if !e.ordered {
		r = &b.orphans[sender]
	}
	b.seq++
	e.seq = b.seq
	r.places = append(r.places, place{e, e.seq})
	for len(r.places) > r.size {
		old := r.places[0]
		r.places = r.places[1:]
		if old.b.refs > 0 || old.b.seq != old.seq || b.known[old.b.digest] != old.b {
			continue
		}
		delete(b.known, old.b.digest)
		if !old.b.ordered {
			m.out.Forget = append(m.out.Forget, old.b.digest)
		}
	}
}

func (m *Machine) batchStored(d proofs.Hash, from proofs.NodeKey) {
	e := m.batches.get(d)
	if e.held {
		return
	}
	e.held = true
	if e.refs == 0 {
		sender, ok := m.set.IndexOf(from)
		if !ok {
			sender = len(m.batches.orphans) - 1
		}
		m.shelve(e, sender)
		return
	}
	waiters := e.waiters
	e.waiters, e.from = nil, nil
	for _, c := range waiters {
		if c.dead {
			continue
		}
		c.missing--
		if c.home != nil {
			m.promote(c.home, c)
		}
	}
	m.dirty = true
}

// hurry makes the missing batches of c due now, with one more node to ask.
func (m *Machine) hurry(c *car, from proofs.NodeKey) {
	if c.missing == 0 {
		return
	}
	for _, d := range c.Batches {
		e := m.batches.known[d]
		if e.held {
			continue
		}
		if e.tries == 0 {
			e.next = min(e.next, m.now)
		}
		e.from = addSource(e.from, from)
	}
}

func addSource(list []proofs.NodeKey, k proofs.NodeKey) []proofs.NodeKey {
	if k == (proofs.NodeKey{}) || len(list) >= 4 || slices.Contains(list, k) {
		return list
	}
	return append(list, k)
}

// fetchesAtOnce bounds the fetches that one step asks for.
const fetchesAtOnce = 256

// fetchBatches asks for the missing batches that are due.
func (m *Machine) fetchBatches() {
	m.batches.missing = slices.DeleteFunc(m.batches.missing, func(e *batch) bool { return e.held || e.refs == 0 })
	n := 0
	for _, e := range m.batches.missing {
		if e.next > m.now || n == fetchesAtOnce {
			continue
		}
		n++
		var first []proofs.NodeKey
		for _, c := range e.waiters {
			if !c.dead {
				first = addSource(first, c.owner)
			}
		}
		for _, k := range e.from {
			first = addSource(first, k)
		}
		m.out.FetchBatches = append(m.out.FetchBatches, BatchFetch{Digest: e.digest, From: m.candidates(first, m.set, e.tries)})
		e.tries++
		e.next = m.now + m.lim.Retry
	}
}
