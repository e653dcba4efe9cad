package sim

import (
	"flag"
	"testing"
)

var (
	seeds  = flag.Int("sim.seeds", 3, "seeds for each scenario")
	replay = flag.Uint64("sim.seed", 0, "the one seed that TestReplay plays")
	named  = flag.String("sim.scenario", "", "the scenario that TestReplay plays; calm if empty")
)

func play(t *testing.T, s Scenario, seed uint64) Result {
	t.Helper()
	r, err := Run(s, seed)
	if err != nil {
		t.Fatalf("scenario %s, seed %d: %v\nreplay: isthmus sim replay --scenario %q --seed %d", s.Name, seed, err, s.Name, seed)
	}
	return r
}

// TestScenarios plays every scenario with many seeds.
func TestScenarios(t *testing.T) {
	for _, s := range Scenarios() {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			var sum Result
			n := uint64(*seeds)
			if s.RealCrypto {
				n = min(n, 2)
			}
			for seed := uint64(1); seed <= n; seed++ {
				r := play(t, s, seed)
				sum.Steps += r.Steps
				sum.Height += r.Height
				sum.Epoch += r.Epoch
				sum.Settled = max(sum.Settled, r.Settled)
				sum.Idle = max(sum.Idle, r.Idle)
				sum.Evidence += r.Evidence
				sum.Crashes += r.Crashes
				sum.Changes += r.Changes
				sum.Executed, sum.Crossed, sum.Refunds = sum.Executed+r.Executed, sum.Crossed+r.Crossed, sum.Refunds+r.Refunds
			}
			t.Logf("%d seeds: %d events, %d blocks and %d epochs on average, settled in at most %d ms, %d idle messages at most, evidence in %d, %d crashes, %d set changes, %d executed, %d crossed, %d refunds",
				n, sum.Steps, sum.Height/n, sum.Epoch/n, sum.Settled, sum.Idle, sum.Evidence, sum.Crashes, sum.Changes, sum.Executed, sum.Crossed, sum.Refunds)
		})
	}
}

// TestReplay plays one seed twice, as a failure asks.
func TestReplay(t *testing.T) {
	seed, name := max(*replay, 1), *named
	if name == "" {
		name = "everything"
	}
	s, ok := FindScenario(name)
	if !ok {
		t.Fatalf("no scenario %q", name)
	}
	first := play(t, s, seed)
	if again := play(t, s, seed); again != first {
		t.Fatalf("scenario %s, seed %d: got %+v, then %+v: a run must depend on its seed alone", s.Name, seed, first, again)
	}
}
