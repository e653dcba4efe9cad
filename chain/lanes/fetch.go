package lanes

import (
	"slices"

	"github.com/isthmus-network/isthmus/proofs"
)

// want is a car that is known by its digest only.
type want struct {
	digest proofs.Hash
	epoch  uint64
	set    *proofs.ValidatorSet // of that epoch
	lane   uint32
	height uint64
	down   uint64
	from   []proofs.NodeKey
	next   uint64
	tries  int
	round  uint64
	never  bool // it exists, at another height
}

// wants is the set of cars to fetch. Each round of settling marks what is still
// wanted.
type wants struct {
	byDigest map[proofs.Hash]*want
	list     []*want
	round    uint64
}

func (w *wants) remove(d proofs.Hash) {
	delete(w.byDigest, d)
	w.list = slices.DeleteFunc(w.list, func(o *want) bool { return o.digest == d })
}

func (w *wants) impossible(d proofs.Hash) { w.byDigest[d].never = true }

// need says that a car is wanted, from its lane's owner or from.
func (m *Machine) need(n want, from proofs.NodeKey, at uint64) {
	w := m.wants.byDigest[n.digest]
	if w == nil {
		w = &n
		w.next = at
		if m.wants.byDigest == nil {
			m.wants.byDigest = make(map[proofs.Hash]*want)
		}
		m.wants.byDigest[n.digest] = w
		m.wants.list = append(m.wants.list, w)
	}
	w.round, w.down = m.wants.round, n.down
	if w.tries == 0 {
		w.next = min(w.next, at)
	}
	w.from = addSource(w.from, from)
}

// settle looks again at all that waits: it orders blocks, completes holds, and asks
// for what is missing.
func (m *Machine) settle() {
	if !m.dirty {
		return
	}
	m.dirty = false
	m.wants.round++
	m.order()
	m.checkHolds()
	m.needParents()
	m.sweepWants()
	m.fetchCars()
	m.fetchBatches()
}

// needParents wants the ancestors of cars that came out of order.
func (m *Machine) needParents() {
	for _, l := range m.lanes {
		if l.unlinked == 0 {
			continue
		}
		for h := l.committed.Height + 2; h <= l.top; h++ {
			for _, c := range l.heights[h] {
				if !c.linked && l.cars[c.Parent] == nil && len(l.heights[h-1]) < m.lim.Forks {
					m.need(m.wantIn(l, c.Height-1, c.Parent, l.committed.Height), proofs.NodeKey{}, m.now+m.lim.Grace)
				}
			}
		}
	}
}

func (m *Machine) wantIn(l *lane, height uint64, digest proofs.Hash, down uint64) want {
	return want{digest: digest, epoch: m.epoch, set: m.set, lane: l.index, height: height, down: down}
}

func (m *Machine) sweepWants() {
	m.wants.list = slices.DeleteFunc(m.wants.list, func(w *want) bool {
		if w.round == m.wants.round {
			return false
		}
		delete(m.wants.byDigest, w.digest)
		return true
	})
}

func (m *Machine) fetchCars() {
	n := 0
	for _, w := range m.wants.list {
		if w.next > m.now || w.never || n == fetchesAtOnce {
			continue
		}
		n++
		first := addSource(nil, w.set.At(int(w.lane)).Node)
		for _, k := range w.from {
			first = addSource(first, k)
		}
		m.out.FetchCars = append(m.out.FetchCars, CarFetch{
			Epoch: w.epoch, Lane: w.lane, Height: w.height, Digest: w.digest, Down: w.down, From: m.candidates(first, w.set, w.tries),
		})
		w.tries++
		w.next = m.now + m.lim.Retry
	}
}

// askAtOnce is how many nodes are named in one fetch.
const askAtOnce = 4

// candidates lists whom to ask: first those likely to have it, then the rest of the
// set; each try starts with the next.
func (m *Machine) candidates(first []proofs.NodeKey, set *proofs.ValidatorSet, tries int) []proofs.NodeKey {
	all := slices.DeleteFunc(slices.Clone(first), func(k proofs.NodeKey) bool { return k == m.node })
	likely := len(all)
	for i := range set.Len() {
		// Start behind the own place, so that not all nodes ask the same one.
		k := set.At((max(m.self, 0) + 1 + i) % set.Len()).Node
		if k != m.node && !slices.Contains(all[:likely], k) {
			all = append(all, k)
		}
	}
	if len(all) == 0 {
		return nil
	}
	out := make([]proofs.NodeKey, 0, askAtOnce)
	for i := range min(askAtOnce, len(all)) {
		out = append(out, all[(tries+i)%len(all)])
	}
	return out
}
