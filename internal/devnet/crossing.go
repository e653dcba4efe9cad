package devnet

import (
	"context"
	"time"

	"github.com/isthmus-network/isthmus/chain/api"
	"github.com/isthmus-network/isthmus/proofs"
)

// crossings measures, from one status to the next, how long messages take. It is
// used by one goroutine.
type crossings struct {
	d      *Devnet
	last   map[[2]string]crossing // by destination and source
	lights map[string]*light      // of sources
}

type crossing struct {
	executed uint64
	took     time.Duration
}

func newCrossings(d *Devnet) *crossings {
	c := &crossings{d: d, last: make(map[[2]string]crossing), lights: make(map[string]*light)}
	for _, net := range d.networks {
		c.lights[net.name] = newLight(net)
	}
	return c
}

// fill adds to s the time that the newest message of each link took. What cannot
// be measured yet is tried again with the next status.
func (c *crossings) fill(ctx context.Context, s *Status) {
	for i := range s.Networks {
		to := &s.Networks[i]
		for k := range to.Links {
			l := &to.Links[k]
			key := [2]string{to.Name, l.Peer}
			at := c.last[key]
			if l.Executed > at.executed {
				if took, ok := c.measure(ctx, to.Name, l); ok {
					at = crossing{executed: l.Executed, took: took}
					c.last[key] = at
				}
			}
			l.Crossing, l.Millis = at.took, at.took.Milliseconds()
		}
	}
}

func (c *crossings) measure(ctx context.Context, name string, l *LinkStatus) (time.Duration, bool) {
	to, err := c.d.network(name)
	source := c.lights[l.Peer]
	if err != nil || source == nil || source.readReceipts(ctx) != nil {
		return 0, false
	}
	index := l.Executed - 1
	cause, ok := source.emitted[place{to.zero.ID, l.incarnation, index}]
	if !ok {
		return 0, false
	}
	executed, err := to.executedAt(ctx, 0, place{source.net.zero.ID, l.incarnation, index})
	if err != nil {
		return 0, false
	}
	admitted, ok := source.net.receivedAt(ctx, cause)
	return executed.Sub(admitted), ok
}

// receivedAt returns when an external message was admitted, as the validator that
// admitted it remembers.
func (net *network) receivedAt(ctx context.Context, id proofs.Hash) (time.Time, bool) {
	for _, n := range net.byHope() {
		t, err := n.client.Trace(ctx, id)
		if err != nil {
			continue
		}
		for _, s := range t.Steps {
			if s.Name == api.StepReceived {
				return time.UnixMilli(int64(min(s.Time, 1<<52))), true
			}
		}
	}
	return time.Time{}, false
}
