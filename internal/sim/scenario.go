package sim

import (
	"fmt"

	"github.com/isthmus-network/isthmus/chain/consensus"
)

// Scenario says what may happen in a run. Times are in ms; 0 takes the default, or
// for things that go wrong, never.
type Scenario struct {
	Name    string
	Weights []uint64 // of the validators, by node

	Latency        [2]uint64 // of a message, from and to
	SyncDelay      uint64    // most of a sync
	HoldDelay      uint64    // most until a proposal's cars are held
	ExecutionDelay uint64    // most for one block

	Epoch, Heartbeat, Drift, Floor, MaxLag uint64

	Work      uint64 // mean time between cars
	Chaos     uint64 // how long things go wrong, and work is made
	Bound     uint64 // after which the network must have nothing left to do
	Loss      float64
	Duplicate float64
	Crash     uint64 // mean time between crashes
	Blackout  uint64 // mean time between crashes of all nodes at once
	Partition uint64 // mean time between partitions

	Byzantine map[int]adversary
	Twins     []int // nodes that run twice
	Rotate    bool  // the set changes with every epoch

	Crypto func(identity) consensus.Crypto
}

func (s *Scenario) setDefaults() {
	def := func(v *uint64, d uint64) {
		if *v == 0 {
			*v = d
		}
	}
	if s.Latency == [2]uint64{} {
		s.Latency = [2]uint64{2, 12}
	}
	def(&s.SyncDelay, 2)
	def(&s.HoldDelay, 20)
	def(&s.ExecutionDelay, 10)
	def(&s.Epoch, 2500)
	def(&s.Heartbeat, 1500)
	def(&s.Drift, 200)
	def(&s.Floor, 100)
	def(&s.MaxLag, 16)
	def(&s.Work, 60)
	def(&s.Chaos, 3000)
	def(&s.Bound, 10_000)
	if s.Crypto == nil {
		s.Crypto = func(id identity) consensus.Crypto { return &hashCrypto{key: id.member.Key} }
	}
}

// Result is what a run that held was like.
type Result struct {
	Steps    int
	Height   uint64
	Epoch    uint64
	Settled  uint64 // ms from the end of chaos until nothing was left to do
	Idle     int    // messages in the idle time that followed
	Views    uint64
	Evidence int // nodes against whom there is evidence
	Blamed   int
}

// Run plays a scenario with a seed: chaos, healing, settling within the bound, and
// idleness. The error says what did not hold.
func Run(s Scenario, seed uint64) (Result, error) {
	w, err := newWorld(s, seed)
	if err != nil {
		return Result{}, err
	}
	s = w.scenario
	w.chaos = true
	for _, n := range w.nodes {
		n.start()
	}
	healed := w.now + s.Chaos
	w.plan(healed)
	w.runUntil(healed)
	w.heal()
	w.settle(healed + s.Bound)
	r := w.result(healed)
	if w.failed == nil {
		r.Idle = w.idle()
	}
	return r, w.failed
}

// heal ends everything that goes wrong.
func (w *World) heal() {
	w.chaos = false
	clear(w.side)
	for _, n := range w.nodes {
		n.start()
	}
}

// settle runs until nothing is left to do.
func (w *World) settle(end uint64) {
	var missing string
	for w.failed == nil {
		if missing = w.settled(); missing == "" {
			return
		}
		if w.now >= end {
			w.fail("no progress within %d ms after healing: %s", w.scenario.Bound, missing)
			w.failed = fmt.Errorf("%w\n%s", w.failed, w.describe())
			return
		}
		w.runUntil(w.now + 10)
	}
}

// idle lets four heartbeats and at least one epoch pass without work and returns
// the messages: each block that the clock alone demands costs a bounded number.
func (w *World) idle() int {
	before, height := w.messages, w.ledger.height
	span := 4 * w.scenario.Heartbeat
	w.runUntil(w.now + span)
	blocks := span/w.scenario.Heartbeat + 3*(span/w.scenario.Epoch+1) + 2
	n := len(w.nodes)
	if sent, most := w.messages-before, int(blocks)*8*n*n; w.failed == nil && len(w.scenario.Byzantine)+len(w.scenario.Twins) == 0 && sent > most {
		w.fail("an idle network sent %d messages in %d ms, want at most %d", sent, span, most)
	}
	if w.failed == nil && w.ledger.height < height+2 {
		w.fail("an idle network made %d blocks in four heartbeats", w.ledger.height-height)
	}
	return w.messages - before
}

func (w *World) result(healed uint64) Result {
	r := Result{Steps: w.steps, Height: w.ledger.height, Settled: w.now - healed, Evidence: len(w.ledger.proof), Blamed: len(w.ledger.blamed)}
	for _, n := range w.nodes {
		if n.machine != nil {
			s := n.machine.Status()
			r.Epoch, r.Views = max(r.Epoch, s.Epoch), max(r.Views, s.View)
		}
	}
	return r
}

// describe shows where each node stands.
func (w *World) describe() (out string) {
	for _, n := range w.nodes {
		if n.machine == nil {
			out += fmt.Sprintf("node %d: down\n", n.index)
			continue
		}
		s := n.machine.Status()
		out += fmt.Sprintf("node %d: epoch %d view %d height %d notarized %d executed %d (quorum %d) timeout %d working %t, %d signed\n",
			n.index, s.Epoch, s.View, s.Height, s.Notarized, s.Executed, s.QuorumExecuted, s.Timeout, s.Working, len(n.signed))
	}
	return out
}
