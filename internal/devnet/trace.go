package devnet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/isthmus-network/isthmus/chain/api"
)

// TracedStep is one thing that happened to a transfer, and where.
type TracedStep struct {
	Network string `json:"network"`
	After   int64  `json:"after_ms"` // since the submission
	api.Step
}

// Trace merges what both networks saw happen to a delivered transfer, in order of
// time. The source is asked through the validator that admitted it.
func (d *Devnet) Trace(ctx context.Context, s *Sent) ([]TracedStep, error) {
	from, err := d.node(s.From, s.Via)
	if err != nil {
		return nil, err
	}
	home, err := from.client.Trace(ctx, s.ID)
	if err != nil {
		return nil, err
	}
	var steps []TracedStep
	took := func(network string, list []api.Step) {
		for _, step := range list {
			steps = append(steps, TracedStep{Network: network, After: int64(step.Time) - s.Submitted.UnixMilli(), Step: step})
		}
	}
	took(s.From, home.Steps)
	for i := range home.Emitted {
		took(s.From, home.Emitted[i].Steps)
	}
	to, err := d.network(s.To)
	if err != nil {
		return nil, err
	}
	there, err := to.traceMessage(ctx, place{home.Network, s.Ref.Incarnation, s.Ref.Index})
	if err != nil {
		return nil, err
	}
	took(s.To, there.Steps)
	slices.SortStableFunc(steps, func(a, b TracedStep) int { return cmp.Compare(a.Time, b.Time) })
	return steps, nil
}

// traceMessage asks the validators in turn.
func (net *network) traceMessage(ctx context.Context, p place) (*api.Trace, error) {
	errs := []error{errNobody}
	for _, n := range net.byHope() {
		t, err := n.client.TraceMessage(ctx, p.source, p.incarnation, p.index)
		if err == nil {
			return t, nil
		}
		errs = append(errs, err)
	}
	return nil, fmt.Errorf("trace of message %d at %s: %w", p.index, net.name, errors.Join(errs...))
}
