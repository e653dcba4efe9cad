package sim

import (
	"flag"
	"testing"

	"github.com/isthmus-network/isthmus/chain/consensus"
)

var (
	seeds  = flag.Int("sim.seeds", 20, "seeds for each scenario")
	replay = flag.Uint64("sim.seed", 0, "the one seed that TestReplay plays")
	named  = flag.String("sim.scenario", "", "the scenario that TestReplay plays; all if empty")
)

// scenarios are what may happen to a network.
var scenarios = []Scenario{
	{Name: "calm", Weights: []uint64{1, 1, 1, 1}},
	{Name: "lossy", Weights: []uint64{1, 1, 1, 1}, Loss: 0.1, Duplicate: 0.05, Rotate: true},
	{Name: "crashes", Weights: []uint64{3, 1, 2, 2}, Crash: 300, Loss: 0.02},
	{Name: "blackouts", Weights: []uint64{1, 1, 1, 1}, Blackout: 250, Work: 15, SyncDelay: 4},
	{Name: "partitions", Weights: []uint64{1, 2, 1, 1, 2}, Partition: 500, Loss: 0.02, Rotate: true},
	{Name: "equivocator", Weights: []uint64{1, 1, 1, 1}, Byzantine: map[int]adversary{2: equivocator{}}, Loss: 0.02, Partition: 900},
	{Name: "adversaries", Weights: []uint64{1, 1, 1, 1, 1, 1, 1}, Byzantine: map[int]adversary{1: garbler{}, 4: silent{}}, Crash: 900},
	{Name: "short epochs", Weights: []uint64{1, 1, 1, 1, 1}, Epoch: 400, Heartbeat: 300, Drift: 60, Rotate: true, Loss: 0.05, Partition: 600, Crash: 700},
	{Name: "slow execution", Weights: []uint64{1, 1, 1, 1}, MaxLag: 2, ExecutionDelay: 250, Loss: 0.05, Partition: 500, Crash: 900},
	{Name: "everything", Weights: []uint64{2, 1, 2, 1, 2, 2, 1}, Rotate: true, Byzantine: map[int]adversary{1: equivocator{}, 3: garbler{}},
		Loss: 0.05, Duplicate: 0.05, Partition: 600, Crash: 600, MaxLag: 4},
	{Name: "twins", Weights: []uint64{1, 1, 1, 1}, Twins: []int{3}, Loss: 0.02, Partition: 700},
}

func play(t *testing.T, s Scenario, seed uint64) Result {
	t.Helper()
	r, err := Run(s, seed)
	if err != nil {
		t.Fatalf("scenario %s, seed %d: %v\nreplay: go test ./internal/sim -run TestReplay -sim.scenario=%s -sim.seed=%d", s.Name, seed, err, s.Name, seed)
	}
	return r
}

// TestScenarios plays every scenario with many seeds.
func TestScenarios(t *testing.T) {
	for _, s := range scenarios {
		t.Run(s.Name, func(t *testing.T) {
			var sum Result
			for seed := uint64(1); seed <= uint64(*seeds); seed++ {
				r := play(t, s, seed)
				sum.Steps += r.Steps
				sum.Height += r.Height
				sum.Epoch += r.Epoch
				sum.Settled = max(sum.Settled, r.Settled)
				sum.Idle = max(sum.Idle, r.Idle)
				sum.Evidence += r.Evidence
			}
			n := uint64(*seeds)
			t.Logf("%d seeds: %d events, %d blocks and %d epochs on average, settled in at most %d ms, %d idle messages at most, evidence in %d",
				n, sum.Steps, sum.Height/n, sum.Epoch/n, sum.Settled, sum.Idle, sum.Evidence)
		})
	}
}

// TestReplay plays one seed, as a failure asks.
func TestReplay(t *testing.T) {
	seed := *replay
	if seed == 0 {
		seed = 1
	}
	for _, s := range scenarios {
		if *named == "" || *named == s.Name {
			first := play(t, s, seed)
			if again := play(t, s, seed); again != first {
				t.Fatalf("scenario %s, seed %d: got %+v, then %+v: a run must depend on its seed alone", s.Name, seed, first, again)
			}
		}
	}
}

// TestRealSignatures runs the same with BLS.
func TestRealSignatures(t *testing.T) {
	s := Scenario{Name: "bls", Weights: []uint64{1, 2, 1, 1}, Work: 30, Chaos: 1500, Rotate: true, Epoch: 1000, Heartbeat: 1000, Loss: 0.01,
		Crypto: func(id identity) consensus.Crypto { return consensus.NewBLS(id.secret) }}
	r := play(t, s, 7)
	if r.Height < 20 {
		t.Errorf("got %d blocks, want at least 20", r.Height)
	}
}

// TestCheckerSeesTooManyAdversaries shows that the checks can fail: with more than a
// third of the weight equivocating, some run must break.
func TestCheckerSeesTooManyAdversaries(t *testing.T) {
	s := Scenario{Name: "broken", Weights: []uint64{1, 1, 1, 1}, Byzantine: map[int]adversary{0: equivocator{}, 1: equivocator{}}}
	for seed := uint64(1); seed <= 10; seed++ {
		if _, err := Run(s, seed); err != nil {
			t.Logf("seed %d: %v", seed, err)
			return
		}
	}
	t.Error("ten runs with half of the weight equivocating held, want a violation")
}
