package sim

import (
	"fmt"
)

// Scenario says what may happen in a run. Times are in ms; 0 takes the default, or
// for things that go wrong, never.
type Scenario struct {
	Name  string
	About string // one line for people

	Weights  []uint64 // of the validators of each network, by node
	Networks int      // 1, or 2 that are linked; what is wrong with nodes concerns the first

	Latency        [2]uint64 // of a message, from and to
	SyncDelay      uint64    // most of a sync
	ExecutionDelay uint64    // most for one block

	Epoch, Heartbeat, Drift, Floor, MaxLag uint64

	Work        uint64 // mean time between transfers
	Chaos       uint64 // how long things go wrong, and load is made
	Bound       uint64 // after which the network must have nothing left to do
	Loss        float64
	Duplicate   float64
	Crash       uint64  // mean time between crashes of some node
	CrashEffect float64 // chance of a crash between two effects of a node
	CrashEach   bool    // one node crashes between two effects that the seed names
	Blackout    uint64  // mean time between crashes of all nodes at once
	Partition   uint64  // mean time between partitions
	LoseLog     bool    // a power failure may lose the whole write-ahead log; of one node at a time

	Byzantine map[int]func() adversary
	Twins     []int // nodes that run twice
	SlowDisks []int // nodes whose disk takes thirty times as long
	Rotate    bool  // governance changes the validator set, again and again

	RealCrypto bool // BLS in the ordering core
	Metered    bool // bytes are counted
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
	if s.Networks == 0 {
		s.Networks = 1
	}
	def(&s.SyncDelay, 2)
	def(&s.ExecutionDelay, 10)
	def(&s.Epoch, 2500)
	def(&s.Heartbeat, 1500)
	def(&s.Drift, 200)
	def(&s.Floor, 100)
	def(&s.MaxLag, 16)
	def(&s.Work, 60)
	def(&s.Chaos, 3000)
	def(&s.Bound, 15_000)
}

// faulty reports whether some node does not keep the rules.
func (s *Scenario) faulty() bool { return len(s.Byzantine)+len(s.Twins) > 0 }

func equal(n int) []uint64 {
	w := make([]uint64, n)
	for i := range w {
		w[i] = 1
	}
	return w
}

// Scenarios lists what can be played.
func Scenarios() []Scenario {
	return []Scenario{
		{Name: "calm", About: "nothing goes wrong", Weights: equal(4)},
		{Name: "lossy", About: "messages are lost and doubled; the set changes with every epoch", Weights: equal(4), Loss: 0.1, Duplicate: 0.05,
			Epoch: 900, Heartbeat: 600, Rotate: true},
		{Name: "crashes", About: "nodes of different weights crash and lose what was not synced", Weights: []uint64{3, 1, 2, 2}, Crash: 300, CrashEffect: 0.0002, Loss: 0.02},
		{Name: "each-effect", About: "one node crashes between two effects, which ones goes with the seed", Weights: equal(4), CrashEach: true},
		{Name: "blackouts", About: "all nodes crash at once, again and again", Weights: equal(4), Blackout: 250, Work: 15, SyncDelay: 4},
		{Name: "lost-log", About: "one node loses its write-ahead log with the power; the signing record stays", Weights: equal(4), LoseLog: true, Crash: 120, Partition: 400, Loss: 0.05},
		{Name: "partitions", About: "the network falls into two parts; the set changes with every epoch", Weights: []uint64{1, 2, 1, 1, 2}, Partition: 300, Loss: 0.05,
			Epoch: 900, Heartbeat: 600, Rotate: true},
		{Name: "slow-disks", About: "one disk takes thirty times as long", Weights: equal(4), SlowDisks: []int{1}, SyncDelay: 3, Crash: 900},
		{Name: "slow-execution", About: "execution is far behind and holds ordering back", Weights: equal(4), MaxLag: 2, ExecutionDelay: 250, Loss: 0.05, Partition: 500, Crash: 900},
		{Name: "short-epochs", About: "epochs of 0.4 s with changing sets, partitions and crashes", Weights: equal(5), Epoch: 400, Heartbeat: 300, Drift: 60, Rotate: true,
			Loss: 0.05, Partition: 600, Crash: 700},
		{Name: "equivocator", About: "a validator proposes two blocks and votes for everything", Weights: equal(4), Byzantine: evil(2, newEquivocator), Loss: 0.02, Partition: 900},
		{Name: "forker", About: "a validator signs two cars at each height", Weights: equal(4), Byzantine: evil(1, newForker), Loss: 0.02, Crash: 900},
		{Name: "withholder", About: "batches, cars and proposals of a validator reach only some; it answers no request", Weights: equal(4), Byzantine: evil(3, newWithholder), Loss: 0.02, Crash: 900},
		{Name: "phantom", About: "a validator proposes cars that nobody else ever sees", Weights: equal(4), Byzantine: evil(0, newPhantom), Loss: 0.02},
		{Name: "liar", About: "a validator proposes state roots that no execution gave", Weights: equal(4), Byzantine: evil(2, newLiar), Loss: 0.02},
		{Name: "regressor", About: "a validator proposes on blocks that were built upon already", Weights: equal(4), Byzantine: evil(1, newRegressor), Loss: 0.05, Partition: 700},
		{Name: "twins", About: "two nodes run with one key", Weights: equal(4), Twins: []int{3}, Loss: 0.02, Partition: 700},
		{Name: "adversaries", About: "seven validators: one garbles, one is silent; crashes", Weights: equal(7),
			Byzantine: map[int]func() adversary{1: newGarbler, 4: newSilent}, Crash: 900},
		{Name: "everything", About: "seven validators, two of them evil, and everything else that can go wrong", Weights: []uint64{2, 1, 2, 1, 2, 2, 1}, Epoch: 900, Heartbeat: 600, Rotate: true,
			Byzantine: map[int]func() adversary{1: newEquivocator, 3: newWithholder}, Loss: 0.05, Duplicate: 0.05, Partition: 600, Crash: 600,
			CrashEffect: 0.0001, SlowDisks: []int{5}, MaxLag: 4},
		{Name: "linked", About: "two networks send each other value through a carrier that loses, doubles and reorders", Weights: equal(4), Networks: 2, Work: 35,
			Loss: 0.1, Duplicate: 0.05, Crash: 700, Bound: 25_000},
		{Name: "linked-chaos", About: "two linked networks with short epochs, changing sets, partitions, crashes and a forker", Weights: equal(5), Networks: 2, Work: 50,
			Epoch: 900, Heartbeat: 600, Rotate: true, Loss: 0.05, Duplicate: 0.05, Crash: 600, Partition: 700, Byzantine: evil(2, newForker), Bound: 25_000},
		{Name: "real-signatures", About: "two linked networks, nothing imitated", Weights: []uint64{1, 2, 1, 1}, Networks: 2, RealCrypto: true, Work: 60, Chaos: 1500,
			Epoch: 1500, Heartbeat: 1000, Loss: 0.01, Bound: 25_000},
	}
}

func evil(node int, make func() adversary) map[int]func() adversary {
	return map[int]func() adversary{node: make}
}

// FindScenario returns the scenario of a name.
func FindScenario(name string) (Scenario, bool) {
	for _, s := range Scenarios() {
		if s.Name == name {
			return s, true
		}
	}
	return Scenario{}, false
}

// Result is what a run was like. Those of one seed are equal.
type Result struct {
	Steps    int
	Trace    uint64 // hash of all that happened
	Height   uint64 // of the first network
	Epoch    uint64
	Views    uint64
	Settled  uint64 // ms from the end of chaos until nothing was left to do
	Idle     int    // messages in the idle time that followed
	Crashes  int
	Changes  int // of validator sets
	Executed int // external messages
	Crossed  int // messages executed in another network than their own
	Refunds  int
	Evidence int // nodes against whom there is evidence
	Meters   Meters
}

// Run plays a scenario with a seed: chaos, healing, settling within the bound, and
// idleness. The error says what did not hold.
func Run(s Scenario, seed uint64) (Result, error) { return RunBug(s, NoBug, seed) }

// RunBug is [Run] with a safety rule switched off.
func RunBug(s Scenario, bug Bug, seed uint64) (Result, error) {
	w, err := newWorld(s, bug, seed)
	if err != nil {
		return Result{}, err
	}
	return w.play()
}

func (w *World) play() (Result, error) {
	s := &w.scenario
	w.chaos = true
	for _, n := range w.nodes {
		n.start()
	}
	healed := w.now + s.Chaos
	w.plan(healed)
	w.startCarriers()
	w.runUntil(healed)
	w.heal()
	w.settle(healed + s.Bound)
	r := w.result(healed)
	if w.failed == nil {
		r.Idle = w.idle()
		w.final()
		r.Steps, r.Trace = w.steps, w.trace.sum()
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
	for w.failed == nil {
		missing := w.unsettled()
		if missing == "" {
			return
		}
		if w.now >= end {
			w.fail("no progress within %d ms after healing: %s\n%s", w.scenario.Bound, missing, w.describe())
			return
		}
		w.runUntil(w.now + 10)
	}
}

// idle lets four heartbeats and at least one epoch pass without load and returns
// the messages: each block that the clock alone demands costs a bounded number.
func (w *World) idle() int {
	before, height := w.messages, w.nets[0].ledger.height
	span := 4 * w.scenario.Heartbeat
	w.runUntil(w.now + span)
	blocks := span/w.scenario.Heartbeat + 3*(span/w.scenario.Epoch+1) + 2
	n := len(w.nodes)
	sent, most := w.messages-before, int(blocks)*8*n*n
	if w.failed == nil && !w.scenario.faulty() && len(w.nets) == 1 && sent > most {
		w.fail("an idle network sent %d messages in %d ms, want at most %d", sent, span, most)
	}
	if w.failed == nil && w.nets[0].ledger.height < height+2 {
		w.fail("an idle network made %d blocks in four heartbeats", w.nets[0].ledger.height-height)
	}
	return sent
}

func (w *World) result(healed uint64) Result {
	l := w.nets[0].ledger
	r := Result{Steps: w.steps, Trace: w.trace.sum(), Height: l.height, Settled: w.now - healed, Evidence: len(l.proof), Meters: w.meters}
	for _, net := range w.nets {
		r.Executed, r.Crossed, r.Refunds = r.Executed+len(net.ledger.value.externals), r.Crossed+net.ledger.value.crossed, r.Refunds+len(net.ledger.value.refunds)
	}
	for _, net := range w.nets {
		r.Changes += net.ledger.changes
	}
	for _, n := range w.nodes {
		r.Crashes += n.crashes
		if n.up() {
			s := n.core.order.Status()
			r.Epoch, r.Views = max(r.Epoch, s.Epoch), max(r.Views, s.View)
		}
	}
	return r
}

// describe shows where each node stands.
func (w *World) describe() (out string) {
	for _, n := range w.nodes {
		out += fmt.Sprintf("node %d: %s\n", n.index, n.view())
	}
	return out
}
