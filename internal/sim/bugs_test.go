package sim

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// enough is how many seeds a planted bug may take to show.
const enough = 150

// TestPlantedBugsAreFound switches one rule off after the other: the ordinary checks
// must find each, and the same run holds when the rule is kept.
func TestPlantedBugsAreFound(t *testing.T) {
	for _, b := range Bugs() {
		t.Run(string(b.Bug), func(t *testing.T) {
			t.Parallel()
			s, ok := FindScenario(b.Scenario)
			if !ok {
				t.Fatalf("no scenario %q", b.Scenario)
			}
			for seed := uint64(1); seed <= enough; seed++ {
				_, err := RunBug(s, b.Bug, seed)
				if err == nil {
					continue
				}
				play(t, s, seed)
				t.Logf("without %q: %d seeds of %q until: %s", b.Rule, seed, s.Name, firstLine(err))
				return
			}
			t.Errorf("without %q: %d seeds of %q held, want a violation", b.Rule, enough, s.Name)
		})
	}
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// TestCheckerSeesTooManyAdversaries shows that the checks can fail without a bug:
// with half of the weight equivocating, some run must break.
func TestCheckerSeesTooManyAdversaries(t *testing.T) {
	s := Scenario{Name: "broken", Weights: equal(4), Byzantine: map[int]func() adversary{0: newEquivocator, 1: newEquivocator}}
	for seed := uint64(1); seed <= 10; seed++ {
		if _, err := Run(s, seed); err != nil {
			t.Logf("seed %d: %s", seed, firstLine(err))
			return
		}
	}
	t.Error("ten runs with half of the weight equivocating held, want a violation")
}

// TestOnlyTheSimulatorPlantsBugs: nothing but this package names the machine's
// faults.
func TestOnlyTheSimulatorPlantsBugs(t *testing.T) {
	out, err := exec.Command("grep", "-rlE", "--include=*.go", `\bFaults\b`, "../..").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range strings.Fields(string(out)) {
		file = strings.TrimPrefix(file, "../../")
		if !strings.HasPrefix(file, "internal/sim/") && !strings.HasPrefix(file, "chain/consensus/") {
			t.Errorf("%s names Faults", file)
		}
	}
	if b, err := os.ReadFile("../../chain/consensus/api.go"); err != nil || !strings.Contains(string(b), "type Faults struct") {
		t.Errorf("no Faults in chain/consensus: %v", err)
	}
}
