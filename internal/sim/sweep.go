package sim

import (
	"context"
	"fmt"
	"sync"
)

// Sweep plays scenarios with a range of seeds.
type Sweep struct {
	Scenarios []Scenario
	From, To  uint64 // seeds, both included
	Bug       Bug
	Workers   int // runs at once
}

// Outcome is one run of a sweep.
type Outcome struct {
	Scenario string
	Seed     uint64
	Result   Result
	Err      error // what did not hold
}

// Replay is the command that plays a run again, from just before its end.
func (o *Outcome) Replay(bug Bug) string {
	cmd := fmt.Sprintf("isthmus sim replay --scenario %s --seed %d", o.Scenario, o.Seed)
	if bug != NoBug {
		cmd += " --bug " + string(bug)
	}
	return cmd + fmt.Sprintf(" --from %d --to %d", max(o.Result.Steps, 20)-20, o.Result.Steps)
}

// Run plays all runs and hands each outcome to each, one at a time and in the
// order of scenarios and seeds. It returns when all are done, or ctx ends.
func (s *Sweep) Run(ctx context.Context, each func(Outcome)) error {
	type task struct {
		scenario Scenario
		seed     uint64
		done     chan Outcome
	}
	queue := make(chan task, 4*s.Workers)
	work := make(chan task)
	var workers sync.WaitGroup
	for range s.Workers {
		workers.Go(func() {
			for t := range work {
				r, err := RunBug(t.scenario, s.Bug, t.seed)
				t.done <- Outcome{t.scenario.Name, t.seed, r, err}
			}
		})
	}
	go func() {
		defer close(queue)
		defer close(work)
		for _, sc := range s.Scenarios {
			for seed := s.From; seed <= s.To; seed++ {
				t := task{sc, seed, make(chan Outcome, 1)}
				select {
				case queue <- t:
				case <-ctx.Done():
					return
				}
				work <- t
			}
		}
	}()
	for t := range queue {
		o := <-t.done
		if ctx.Err() == nil {
			each(o)
		}
	}
	workers.Wait()
	return ctx.Err()
}
