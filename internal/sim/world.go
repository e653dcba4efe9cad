package sim

import (
	"container/heap"
	"fmt"
	"math/rand/v2"

	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// World is one run: the scheduler, the networks, and what was seen so far.
type World struct {
	scenario Scenario
	bug      Bug
	seed     uint64
	rng      *rand.Rand
	now      uint64 // ms since the Unix epoch
	events   events
	seq      uint64
	nets     []*network
	nodes    []*Node // of all networks

	chaos      bool          // losses, partitions and crashes happen
	side       map[*Node]int // of the partition
	handled    map[proofs.Hash]proofs.Code
	signatures map[proofs.Hash]bool // of external messages
	meters     Meters
	messages   int // sent so far
	steps      int
	trace      trace
	recording  *Recording // or nil
	failed     error
}

// event is something that will happen, mostly to one node.
type event struct {
	at, seq uint64
	node    *Node // or nil
	what    any   // a string, or the message that arrives
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

// newWorld builds networks that have not started.
func newWorld(s Scenario, bug Bug, seed uint64) (*World, error) {
	s.setDefaults()
	w := &World{
		scenario: s, bug: bug, seed: seed, rng: rand.New(rand.NewPCG(seed, 0x15742015)), now: startTime + 1000, side: make(map[*Node]int),
		handled: make(map[proofs.Hash]proofs.Code), signatures: make(map[proofs.Hash]bool), trace: newTrace(),
	}
	for i := range s.Networks {
		if _, err := newNetwork(w, i); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// other is the network that net is linked with, or nil.
func (w *World) other(net *network) *network {
	if len(w.nets) != 2 {
		return nil
	}
	return w.nets[1-net.index]
}

// after plans something d ms from now.
func (w *World) after(d uint64, n *Node, what any, do func()) {
	w.seq++
	heap.Push(&w.events, event{at: w.now + d, seq: w.seq, node: n, what: what, do: do})
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
		w.trace.event(w, &e)
		e.do()
		w.recording.frame(w, &e)
	}
	w.now = max(w.now, end)
}

// fail ends the run.
func (w *World) fail(format string, args ...any) {
	if w.failed == nil {
		w.failed = fmt.Errorf("step %d, at %d ms: %s", w.steps, w.now-startTime, fmt.Sprintf(format, args...))
	}
}

// note adds something to the recording of the present step.
func (w *World) note(n *Node, what string) { w.recording.note(n, what) }

// deliver carries something from one node to another of its network: it may be
// lost, delayed, doubled and overtaken.
func (w *World) deliver(from, to *Node, what any, do func()) {
	w.messages++
	copies := 1
	if w.chaos {
		if w.side[from] != w.side[to] || w.chance(w.scenario.Loss) {
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
		w.after(d, to, what, do)
	}
}

// plan schedules load and, while there is chaos, what goes wrong.
func (w *World) plan(chaosEnd uint64) {
	w.every(w.scenario.Work, chaosEnd, "transfer", func() { w.transfer(w.anyone()) })
	if w.scenario.Rotate {
		for _, net := range w.nets {
			w.every(w.scenario.Epoch*3/4, chaosEnd, "governance", func() { w.govern(net) })
		}
	}
	w.every(w.scenario.Crash, chaosEnd, "crash", func() {
		if n := w.anyone(); n.up() {
			w.note(n, "crash")
			n.crash()
			w.after(w.between(1, 1500), n, "start", n.start)
		}
	})
	w.every(w.scenario.Blackout, chaosEnd, "blackout", func() {
		for _, n := range w.nodes {
			n.crash()
			w.after(w.between(1, 300), n, "start", n.start)
		}
	})
	w.every(w.scenario.Partition, chaosEnd, "partition", func() {
		for _, n := range w.nodes {
			w.side[n] = w.rng.IntN(2)
		}
		w.after(w.between(100, 1500), nil, "partition ends", func() { clear(w.side) })
	})
}

func (w *World) anyone() *Node { return w.nodes[w.rng.IntN(len(w.nodes))] }

// every plans do at random intervals around mean ms until end; mean 0 is never.
func (w *World) every(mean, end uint64, what string, do func()) {
	if mean == 0 {
		return
	}
	w.after(w.between(1, 2*mean), nil, what, func() {
		if w.now >= end {
			return
		}
		do()
		w.every(mean, end, what, do)
	})
}

// crashesHere decides whether a node crashes between two of its effects: at random,
// or, when effects are visited one after the other, where the seed says.
func (w *World) crashesHere(n *Node) bool {
	if w.scenario.CrashEach {
		victim := w.seed % uint64(len(w.nodes))
		at := w.seed / uint64(len(w.nodes)) % crashPeriod
		return n.index == int(victim) && n.effects%crashPeriod == at
	}
	return w.chance(w.scenario.CrashEffect)
}

// crashPeriod is how many effects of the victim lie between two crashes when
// effects are visited one after the other.
const crashPeriod = 211

// Meters count what the ordering core costs the whole network.
type Meters struct {
	Bytes    int // of ordering messages sent
	Sent     int // ordering messages
	Votes    int // of them votes
	Lane     int // bytes of cars, their votes and certificates sent
	Signed   int // votes signed
	Summed   int // votes summed into certificates
	Verified int // sums and certificates verified: one pairing check each
}

// meter counts a message as it enters the network.
func (w *World) meter(_ *Node, msg any) {
	if !w.scenario.Metered {
		return
	}
	m := &w.meters
	switch msg := msg.(type) {
	case *types.Vote:
		m.Bytes, m.Sent, m.Votes = m.Bytes+len(msg.MarshalCanoto()), m.Sent+1, m.Votes+1
	case *types.Proposal:
		m.Bytes, m.Sent = m.Bytes+len(msg.MarshalCanoto()), m.Sent+1
	case *types.Quorum:
		m.Bytes, m.Sent = m.Bytes+len(msg.MarshalCanoto()), m.Sent+1
	case *types.Car:
		m.Lane += len(msg.MarshalCanoto())
	case *types.CarVote:
		m.Lane += len(msg.MarshalCanoto())
	case *types.CarCertificate:
		m.Lane += len(msg.MarshalCanoto())
	}
}
