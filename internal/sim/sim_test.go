package sim

import (
	"flag"
	"testing"
)

var (
	seeds  = flag.Int("sim.seeds", 2, "seeds for each scenario")
	replay = flag.Uint64("sim.seed", 0, "the one seed that TestReplay plays")
	named  = flag.String("sim.scenario", "", "the scenario that TestReplay plays")
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

// TestReplay plays one seed twice, as a failure asks: a run depends on its seed
// alone, and two seeds are two runs.
func TestReplay(t *testing.T) {
	names := []string{"everything", "linked-chaos"}
	if *named != "" {
		names = []string{*named}
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, ok := FindScenario(name)
			if !ok {
				t.Fatalf("no scenario %q", name)
			}
			seed := max(*replay, 1)
			first := play(t, s, seed)
			if again := play(t, s, seed); again != first {
				t.Errorf("seed %d: got %+v, then %+v", seed, first, again)
			}
			if other := play(t, s, seed+1); other.Trace == first.Trace {
				t.Errorf("seeds %d and %d are the same run", seed, seed+1)
			}
			r, err := Record(s, NoBug, seed)
			if err != nil || r.Err != nil || r.Result != first || len(r.Frames) != first.Steps {
				t.Errorf("seed %d: %d frames of %d steps, %+v recorded: %v, %v", seed, len(r.Frames), first.Steps, r.Result, r.Err, err)
			}
		})
	}
}
