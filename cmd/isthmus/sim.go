package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/isthmus-network/isthmus/internal/sim"
)

func (p *program) simCommand() *cli.Command {
	bug := &cli.StringFlag{Name: "bug", Usage: "switch the safety rule `NAME` off, to see that it is noticed"}
	return &cli.Command{
		Name:  "sim",
		Usage: "play whole networks on one seeded scheduler, with everything that can go wrong",
		Subcommands: []*cli.Command{
			{
				Name: "list", Usage: "list what can be played, and the rules that can be switched off",
				Description: "Example: isthmus sim list",
				Flags:       []cli.Flag{jsonFlag()}, Action: p.simList,
			},
			{
				Name: "run", Usage: "play a scenario with many seeds and check what must hold after every step",
				Description: `Example: isthmus sim run --scenario all --seeds 1-1000

It uses all cores. A run that breaks a rule is shown with the command that plays
it again; then the exit code is 1. With --json there is one line for each of these,
and at the end {"runs":…,"steps":…,"violations":…}.`,
				Flags: []cli.Flag{
					&cli.StringFlag{Name: "scenario", Usage: "`NAME` of a scenario, or all", Value: "all"},
					&cli.StringFlag{Name: "seeds", Usage: "`RANGE` of seeds: one, or from-to", Value: "1-100"},
					&cli.IntFlag{Name: "jobs", Usage: "`NUMBER` of runs at once", Value: runtime.GOMAXPROCS(0)},
					bug, jsonFlag(),
				},
				Action: p.simRun,
			},
			{
				Name: "cost", Usage: "show what ordering costs each validator as the network grows",
				Description: "Example: isthmus sim cost",
				Flags: []cli.Flag{
					&cli.IntSliceFlag{Name: "validators", Usage: "`NUMBERS` of validators", Value: cli.NewIntSlice(10, 50, 100)},
					jsonFlag(),
				},
				Action: p.simCost,
			},
			{
				Name: "replay", Usage: "play one run again and walk through it, forwards and backwards",
				Description: `Example: isthmus sim replay --scenario linked --seed 7 --from 4000 --to 4020

On a terminal it waits after each step: f goes forwards, b backwards, a number to
that step, q ends; f 10 and b 10 go ten steps. Elsewhere it prints the range. After
each step it shows how each node stands: epoch and view (* leads), votes in the view
(n notarize, x nullify, f finalize), heights and how much of them is durable.`,
				Flags: []cli.Flag{
					&cli.StringFlag{Name: "scenario", Usage: "`NAME` of the scenario"},
					&cli.Uint64Flag{Name: "seed", Usage: "`NUMBER` that the run depends on", Value: 1},
					&cli.IntFlag{Name: "from", Usage: "first `STEP` shown"},
					&cli.IntFlag{Name: "to", Usage: "last `STEP` shown; the last of the run if missing"},
					&cli.StringFlag{Name: "steps", Usage: "the same as one `RANGE`; from the higher to the lower goes backwards"},
					&cli.IntFlag{Name: "node", Usage: "show only steps of node `NUMBER`", Value: -1},
					bug,
				},
				Action: p.simReplay,
			},
		},
	}
}

func (p *program) simList(c *cli.Context) error {
	if err := noArgs(c); err != nil {
		return err
	}
	scenarios, bugs := sim.Scenarios(), sim.Bugs()
	if c.Bool("json") {
		type entry struct {
			Name  string `json:"name"`
			About string `json:"about"`
		}
		var out struct {
			Scenarios []entry `json:"scenarios"`
			Bugs      []entry `json:"bugs"`
		}
		for _, s := range scenarios {
			out.Scenarios = append(out.Scenarios, entry{s.Name, s.About})
		}
		for _, b := range bugs {
			out.Bugs = append(out.Bugs, entry{string(b.Bug), b.Rule})
		}
		return p.printJSON(out)
	}
	var rows [][]string
	for _, s := range scenarios {
		rows = append(rows, []string{s.Name, s.About})
	}
	if err := p.printTable([]string{"SCENARIO", "WHAT HAPPENS"}, rows); err != nil {
		return err
	}
	rows = nil
	for _, b := range bugs {
		rows = append(rows, []string{string(b.Bug), b.Rule, b.Scenario})
	}
	fmt.Fprintln(p.stdout)
	return p.printTable([]string{"BUG", "RULE THAT IT BREAKS", "SEEN IN"}, rows)
}

// simChoice reads --scenario and --bug.
func simChoice(c *cli.Context) ([]sim.Scenario, sim.Bug, error) {
	bug := sim.Bug(c.String("bug"))
	known := bug == sim.NoBug
	for _, b := range sim.Bugs() {
		known = known || b.Bug == bug
	}
	if !known {
		return nil, bug, usage("--bug: there is no %q; see isthmus sim list", bug)
	}
	name := c.String("scenario")
	if name == "all" {
		return sim.Scenarios(), bug, nil
	}
	s, ok := sim.FindScenario(name)
	if !ok {
		return nil, bug, usage("--scenario: there is no %q; see isthmus sim list", name)
	}
	return []sim.Scenario{s}, bug, nil
}

// numberRange reads 7 or 3-9.
func numberRange(flag, s string) (from, to uint64, err error) {
	a, b, found := strings.Cut(s, "-")
	if !found {
		b = a
	}
	if from, err = strconv.ParseUint(a, 10, 63); err == nil {
		to, err = strconv.ParseUint(b, 10, 63)
	}
	if err != nil {
		return 0, 0, usage("--%s: got %q, want a number or from-to", flag, s)
	}
	return from, to, nil
}

// simFailure is a violation as JSON.
type simFailure struct {
	Scenario  string `json:"scenario"`
	Seed      uint64 `json:"seed"`
	Step      int    `json:"step"`
	Violation string `json:"violation"`
	Replay    string `json:"replay"`
}

type simSummary struct {
	Runs       int `json:"runs"`
	Steps      int `json:"steps"`
	Violations int `json:"violations"`
}

func (p *program) simRun(c *cli.Context) error {
	if err := noArgs(c); err != nil {
		return err
	}
	scenarios, bug, err := simChoice(c)
	if err != nil {
		return err
	}
	sweep := sim.Sweep{Scenarios: scenarios, Bug: bug, Workers: c.Int("jobs")}
	if sweep.From, sweep.To, err = numberRange("seeds", c.String("seeds")); err != nil {
		return err
	}
	if sweep.To < sweep.From || sweep.Workers < 1 {
		return usage("--seeds and --jobs: got %s and %d, want a rising range and at least 1", c.String("seeds"), sweep.Workers)
	}
	t := simTally{p: p, bug: bug, json: c.Bool("json"), scenario: scenarios[0].Name}
	if err := sweep.Run(c.Context, t.add); err != nil {
		return err
	}
	t.finish()
	if t.json {
		t.line(t.all)
	} else {
		fmt.Fprintf(p.stdout, "%-16s %s\n", "all", t.all)
	}
	if t.all.Violations > 0 {
		return fmt.Errorf("%d of %d runs break a rule", t.all.Violations, t.all.Runs)
	}
	return nil
}

func (s simSummary) String() string {
	return fmt.Sprintf("%d runs, %d steps, %d violations", s.Runs, s.Steps, s.Violations)
}

// simTally prints the outcomes of a sweep as they come.
type simTally struct {
	p        *program
	bug      sim.Bug
	json     bool
	scenario string // whose outcomes come now
	one, all simSummary
}

func (t *simTally) line(v any) {
	e := json.NewEncoder(t.p.stdout)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // a closed pipe ends the program
}

// finish prints the sum of a scenario.
func (t *simTally) finish() {
	if !t.json {
		fmt.Fprintf(t.p.stdout, "%-16s %s\n", t.scenario, t.one)
	}
	t.one = simSummary{}
}

func (t *simTally) add(o sim.Outcome) {
	if o.Scenario != t.scenario {
		t.finish()
		t.scenario = o.Scenario
	}
	for _, s := range [...]*simSummary{&t.all, &t.one} {
		s.Runs, s.Steps = s.Runs+1, s.Steps+o.Result.Steps
		if o.Err != nil {
			s.Violations++
		}
	}
	switch {
	case o.Err == nil:
	case t.json:
		t.line(simFailure{o.Scenario, o.Seed, o.Result.Steps, o.Err.Error(), o.Replay(t.bug)})
	default:
		fmt.Fprintf(t.p.stdout, "VIOLATION in %s, seed %d: %v\n  %s\n", o.Scenario, o.Seed, o.Err, o.Replay(t.bug))
	}
}

func (p *program) simCost(c *cli.Context) error {
	if err := noArgs(c); err != nil {
		return err
	}
	var costs []sim.Cost
	for _, n := range c.IntSlice("validators") {
		if n < 1 || n > sim.MaxValidators {
			return usage("--validators: got %d, want 1 to %d", n, sim.MaxValidators)
		}
		cost, err := sim.Measure(n)
		if err != nil {
			return err
		}
		costs = append(costs, cost)
	}
	if c.Bool("json") {
		return p.printJSON(costs)
	}
	var rows [][]string
	for _, c := range costs {
		rows = append(rows, []string{strconv.Itoa(c.N), strconv.Itoa(c.Views), fmt.Sprintf("%.0f", c.Bytes), fmt.Sprintf("%.0f", c.Votes),
			fmt.Sprintf("%.1f", c.Signed), fmt.Sprintf("%.0f", c.Summed), fmt.Sprintf("%.1f", c.Pairings), fmt.Sprintf("%.0f", c.Lanes)})
	}
	fmt.Fprintln(p.stdout, "What each validator does in a view:")
	return p.printTable([]string{"VALIDATORS", "VIEWS", "BYTES SENT", "VOTES SENT", "SIGNS", "VOTES SUMMED", "PAIRING CHECKS", "LANE BYTES SENT"}, rows)
}

func (p *program) simReplay(c *cli.Context) error {
	if err := noArgs(c); err != nil {
		return err
	}
	scenarios, bug, err := simChoice(c)
	if err != nil {
		return err
	}
	if len(scenarios) != 1 {
		return usage("--scenario: want one")
	}
	from, to := uint64(max(c.Int("from"), 1)), uint64(max(c.Int("to"), 0))
	if s := c.String("steps"); s != "" {
		if from, to, err = numberRange("steps", s); err != nil {
			return err
		}
	}
	r, err := sim.Record(scenarios[0], bug, c.Uint64("seed"))
	if err != nil {
		return err
	}
	last := uint64(len(r.Frames))
	if to == 0 {
		to = last
	}
	v := viewer{p: p, r: r, node: c.Int("node")}
	fmt.Fprintf(p.stdout, "%s, seed %d: %d steps, trace %016x\n", r.Scenario, r.Seed, last, r.Result.Trace)
	if p.terminal && isTerminal(os.Stdin) && c.String("steps") == "" {
		v.walk(os.Stdin, int(min(from, last)))
	} else {
		v.print(int(min(from, last)), int(min(to, last)))
	}
	if r.Err != nil {
		return fmt.Errorf("%s, seed %d: %w", r.Scenario, r.Seed, r.Err)
	}
	return nil
}

// viewer shows a recording.
type viewer struct {
	p    *program
	r    *sim.Recording
	node int // or -1
}

func (v *viewer) print(from, to int) {
	step := 1
	if to < from {
		step = -1
	}
	for i := from; i >= 1; i += step {
		if f := &v.r.Frames[i-1]; v.node < 0 || f.Node == v.node {
			v.show(f)
		}
		if i == to {
			return
		}
	}
}

func (v *viewer) show(f *sim.Frame) {
	who := "network"
	if f.Node >= 0 {
		who = fmt.Sprintf("node %d", f.Node)
	}
	fmt.Fprintf(v.p.stdout, "step %d, %d ms, %s: %s\n", f.Step, f.At, who, f.What)
	for _, n := range f.Notes {
		fmt.Fprintf(v.p.stdout, "    ! %s\n", n)
	}
	for _, n := range f.Nodes {
		if v.node >= 0 && n.Node != v.node {
			continue
		}
		mark := " "
		if n.Node == f.Node {
			mark = ">"
		}
		fmt.Fprintf(v.p.stdout, "  %s network %d node %d  %s\n", mark, n.Network, n.Node, n)
	}
	if v.r.Err != nil && f.Step == len(v.r.Frames) {
		fmt.Fprintf(v.p.stdout, "  VIOLATION: %v\n", v.r.Err)
	}
}

// walk reads commands until q or the end.
func (v *viewer) walk(in io.Reader, at int) {
	lines := bufio.NewScanner(in)
	for {
		if at >= 1 && at <= len(v.r.Frames) {
			v.show(&v.r.Frames[at-1])
		}
		fmt.Fprintf(v.p.stdout, "%d/%d [f]orwards [b]ackwards number q> ", at, len(v.r.Frames))
		if !lines.Scan() {
			return
		}
		next, err := v.command(lines.Text(), at)
		if err != nil {
			return
		}
		at = next
	}
}

var errQuit = errors.New("quit")

// command returns the step that a command leads to from at.
func (v *viewer) command(line string, at int) (int, error) {
	words := strings.Fields(line)
	if len(words) == 0 {
		words = []string{"f"}
	}
	if n, err := strconv.Atoi(words[0]); err == nil {
		return min(max(n, 1), len(v.r.Frames)), nil
	}
	count := 1
	if len(words) > 1 {
		if n, err := strconv.Atoi(words[1]); err == nil {
			count = n
		}
	}
	step := 1
	switch words[0] {
	case "q":
		return at, errQuit
	case "b":
		step = -1
	}
	for ; count > 0; count-- {
		next := at + step
		for v.node >= 0 && next >= 1 && next <= len(v.r.Frames) && v.r.Frames[next-1].Node != v.node {
			next += step
		}
		if next < 1 || next > len(v.r.Frames) {
			break
		}
		at = next
	}
	return at, nil
}
