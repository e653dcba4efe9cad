package sim

import (
	"flag"
	"fmt"
	"testing"
	"time"
)

var exploreAll = flag.Bool("sim.explore", false, "let timers run out in all views that TestExplore goes through")

// TestExplore goes through every order of events within the bounds.
func TestExplore(t *testing.T) {
	bounds := []Bounds{{Views: 1, Timers: 1}, {Views: 1, Timers: 1, Evil: 1}, {Views: 2, Timers: 1, Evil: 1}, {Views: 2, Timers: 1, Evil: 2}}
	if *exploreAll {
		bounds = []Bounds{{Views: 2, Timers: 1}, {Views: 2, Timers: 2, Evil: 1}, {Views: 2, Timers: 2, Evil: 2}}
	}
	for _, b := range bounds {
		t.Run(fmt.Sprintf("views %d, timers %d, evil %d", b.Views, b.Timers, b.Evil), func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			got, err := Explore(b)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d states, %d transitions, %d states of single nodes, %d messages, something final in %d, %s",
				got.States, got.Transitions, got.Local, got.Messages, got.Finals, time.Since(start).Round(time.Millisecond))
			if !got.Whole || got.States < 10_000 || got.Finals == 0 {
				t.Errorf("got %+v, want all of at least 10000 states, and some with a final block", got)
			}
		})
	}
}

// TestExploreFindsBugs: the explorer must find what breaks safety in the core.
func TestExploreFindsBugs(t *testing.T) {
	for _, b := range []Bounds{{Views: 1, Timers: 1, Bug: BugExclusion}, {Views: 2, Timers: 1, Evil: 2, Bug: BugGap}} {
		t.Run(string(b.Bug), func(t *testing.T) {
			t.Parallel()
			got, err := Explore(b)
			if err == nil {
				t.Fatalf("%d states held, want a violation", got.States)
			}
			t.Logf("after %d states: %v", got.States, err)
		})
	}
}
