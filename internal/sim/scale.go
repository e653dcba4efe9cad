package sim

import "fmt"

// Cost is what ordering costs each validator of a network of N in each view.
type Cost struct {
	N        int     `json:"validators"`
	Views    int     `json:"views"`
	Bytes    float64 `json:"bytes"`          // sent: proposals, votes and certificates
	Votes    float64 `json:"votes"`          // sent
	Signed   float64 `json:"signed"`         // votes signed
	Summed   float64 `json:"summed"`         // votes of others and its own that it sums up
	Pairings float64 `json:"pairing_checks"` // sums and certificates verified, of one pairing check each
	Lanes    float64 `json:"lane_bytes"`     // of cars, their votes and certificates sent
}

// MaxValidators is the largest network that [Measure] takes.
const MaxValidators = 256

func (c Cost) String() string {
	return fmt.Sprintf("%3d validators, %d views: each sends %.0f bytes and %.0f votes in a view, signs %.1f, sums %.0f votes, checks %.1f pairings; lanes %.0f bytes",
		c.N, c.Views, c.Bytes, c.Votes, c.Signed, c.Summed, c.Pairings, c.Lanes)
}

// Measure runs n validators with some load while nothing goes wrong.
func Measure(n int) (Cost, error) {
	s := Scenario{
		Name: "scale", Weights: equal(n), Metered: true, Epoch: 1 << 30, Heartbeat: 1 << 20, Floor: 1000, Work: 50, Chaos: 250,
	}
	w, err := newWorld(s, NoBug, 1)
	if err != nil {
		return Cost{}, err
	}
	for _, n := range w.nodes {
		n.start()
	}
	end := w.now + w.scenario.Chaos
	w.plan(end)
	w.runUntil(end)
	w.settle(end + w.scenario.Bound)
	if w.failed != nil {
		return Cost{}, w.failed
	}
	views := int(w.nodes[0].core.order.Status().View) - 1
	if views == 0 {
		return Cost{}, fmt.Errorf("no view ended")
	}
	each := func(v int) float64 { return float64(v) / float64(views) / float64(n) }
	m := &w.meters
	return Cost{
		N: n, Views: views, Bytes: each(m.Bytes), Votes: each(m.Votes), Signed: each(m.Signed), Summed: each(m.Summed), Pairings: each(m.Verified), Lanes: each(m.Lane),
	}, nil
}
