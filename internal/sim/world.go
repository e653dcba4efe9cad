package sim

import (
	"container/heap"
	"fmt"
	"math/rand/v2"

	"github.com/isthmus-network/isthmus/chain/consensus"
	"github.com/isthmus-network/isthmus/proofs"
)

// World is one run: the scheduler, the nodes, and what was seen so far.
type World struct {
	scenario Scenario
	seed     uint64
	rng      *rand.Rand
	zero     *proofs.Zero
	now      uint64 // ms since the Unix epoch
	events   events
	seq      uint64
	nodes    []*Node
	ledger   *ledger

	chaos    bool        // losses, partitions and crashes happen
	side     map[int]int // node → side of the partition
	messages int         // sent so far
	steps    int
	failed   error
}

// event is something that will happen.
type event struct {
	at, seq uint64
	do      func()
}

// events is a heap by time, then order of planning.
type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return e[i].at < e[j].at || e[i].at == e[j].at && e[i].seq < e[j].seq
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	old := *e
	last := old[len(old)-1]
	old[len(old)-1] = event{}
	*e = old[:len(old)-1]
	return last
}

// newWorld builds a network that has not started.
func newWorld(s Scenario, seed uint64) (*World, error) {
	s.setDefaults()
	w := &World{scenario: s, seed: seed, rng: rand.New(rand.NewPCG(seed, 0x15742015)), now: startTime + 1000, side: make(map[int]int)}
	var err error
	if w.zero, err = zeroOf(&s); err != nil {
		return nil, err
	}
	w.ledger = newLedger(w)
	anchor, err := consensus.ZeroAnchor(w.zero)
	if err != nil {
		return nil, err
	}
	executed, err := consensus.ZeroExecuted(w.zero)
	if err != nil {
		return nil, err
	}
	ids, err := identities()
	if err != nil {
		return nil, err
	}
	for i := range s.Weights {
		w.nodes = append(w.nodes, newNode(w, i, ids[i], anchor, executed))
	}
	for _, i := range s.Twins {
		w.nodes = append(w.nodes, newNode(w, i, ids[i], anchor, executed))
	}
	return w, nil
}

// after plans something d ms from now.
func (w *World) after(d uint64, do func()) {
	w.seq++
	heap.Push(&w.events, event{at: w.now + d, seq: w.seq, do: do})
}

// between draws from [lo, hi].
func (w *World) between(lo, hi uint64) uint64 {
	if hi <= lo {
		return lo
	}
	return lo + w.rng.Uint64N(hi-lo+1)
}

func (w *World) chance(p float64) bool { return p > 0 && w.rng.Float64() < p }

// runUntil plays events up to time end.
func (w *World) runUntil(end uint64) {
	for w.failed == nil && len(w.events) > 0 && w.events[0].at <= end {
		e := heap.Pop(&w.events).(event)
		w.now = e.at
		w.steps++
		e.do()
	}
	w.now = max(w.now, end)
}

// fail ends the run.
func (w *World) fail(format string, args ...any) {
	if w.failed == nil {
		w.failed = fmt.Errorf("at %d ms: %s", w.now-startTime, fmt.Sprintf(format, args...))
	}
}

// deliver carries a message from one node to another through the network: it may
// be lost, delayed, doubled and overtaken.
func (w *World) deliver(from, to *Node, do func()) {
	w.messages++
	copies := 1
	if w.chaos {
		if w.side[from.index] != w.side[to.index] || w.chance(w.scenario.Loss) {
			return
		}
		if w.chance(w.scenario.Duplicate) {
			copies = 2
		}
	}
	for range copies {
		d := w.between(w.scenario.Latency[0], w.scenario.Latency[1])
		if w.chaos && w.chance(0.01) {
			d *= 10
		}
		w.after(d, do)
	}
}

// plan schedules work and, while there is chaos, what goes wrong.
func (w *World) plan(chaosEnd uint64) {
	w.every(w.scenario.Work, chaosEnd, func() {
		n := w.nodes[w.rng.IntN(len(w.nodes))]
		if n.machine != nil {
			w.work(n)
		}
	})
	w.every(w.scenario.Crash, chaosEnd, func() {
		n := w.nodes[w.rng.IntN(len(w.nodes))]
		if n.machine != nil {
			n.crash()
			w.after(w.between(1, 1500), n.start)
		}
	})
	w.every(w.scenario.Blackout, chaosEnd, func() {
		for _, n := range w.nodes {
			n.crash()
			w.after(w.between(1, 300), n.start)
		}
	})
	w.every(w.scenario.Partition, chaosEnd, func() {
		for i := range w.nodes {
			w.side[i] = w.rng.IntN(2)
		}
		w.after(w.between(100, 1500), func() { clear(w.side) })
	})
}

// every plans do at random intervals around mean ms until end; mean 0 is never.
func (w *World) every(mean, end uint64, do func()) {
	if mean == 0 {
		return
	}
	w.after(w.between(1, 2*mean), func() {
		if w.now >= end {
			return
		}
		do()
		w.every(mean, end, do)
	})
}
