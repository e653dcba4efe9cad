package devnet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/isthmus-network/isthmus/proofs"
)

// Report is what an audit found.
type Report struct {
	Networks   int               `json:"networks"`
	Validators int               `json:"validators"`
	KeyBlocks  map[string]uint64 `json:"key_blocks"` // followed, by network
	Sent       int               `json:"sent"`
	Delivered  int               `json:"delivered"`  // executed at the destination with success
	Duplicates int               `json:"duplicates"` // executions beyond the first
	Conserved  bool              `json:"conserved"`
	Crossing   Percentiles       `json:"crossing_ms"`
	Problems   []string          `json:"problems,omitempty"`

	open int // messages not executed yet
}

// Percentiles of the time from submission to execution at the destination, in
// milliseconds.
type Percentiles struct {
	P50 int64 `json:"p50"`
	P99 int64 `json:"p99"`
}

// Holds reports whether everything that was sent was executed exactly once and no
// value was made or lost.
func (r *Report) Holds() bool {
	return len(r.Problems) == 0 && r.Conserved && r.Delivered == r.Sent && r.Duplicates == 0
}

// Err is nil if the report holds; otherwise ErrAudit with all that does not.
func (r *Report) Err() error {
	if r.Holds() {
		return nil
	}
	errs := []error{fmt.Errorf("%w: sent %d, delivered %d, duplicates %d, conserved %v", ErrAudit, r.Sent, r.Delivered, r.Duplicates, r.Conserved)}
	for _, p := range r.Problems {
		errs = append(errs, errors.New(p))
	}
	return errors.Join(errs...)
}

func (r *Report) problem(format string, args ...any) {
	r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
}

// Audit recomputes, from proofs alone, what became of everything that Send sent,
// and whether value was conserved. It follows each network anew from its
// zero-header over all key blocks, reads its whole receipt log and proves its
// balances under certified headers. It waits for links to be settled: before,
// value is on its way. A finding is in the report; an error says that the audit
// could not be made.
func (d *Devnet) Audit(ctx context.Context) (*Report, error) {
	began := time.Now()
	for {
		report, unsettled, err := d.auditOnce(ctx)
		if err != nil || !unsettled || time.Since(began) > d.o.Patience {
			return report, err
		}
		if err := pause(ctx, 4*pollEvery); err != nil {
			return report, err
		}
	}
}

// auditOnce makes one audit; unsettled says that what does not hold may be value
// or messages on their way.
func (d *Devnet) auditOnce(ctx context.Context) (r *Report, unsettled bool, err error) {
	r = &Report{Networks: len(d.networks), Validators: d.validators(), KeyBlocks: make(map[string]uint64)}
	lights := make(map[string]*light)
	books := make(map[string]*book)
	for _, net := range d.networks {
		l := newLight(net)
		if err := l.readReceipts(ctx); err != nil {
			return nil, false, fmt.Errorf("receipts of %s: %w", net.name, err)
		}
		b, err := d.prove(ctx, l)
		if err != nil {
			return nil, false, fmt.Errorf("balances of %s: %w", net.name, err)
		}
		if err := l.expired(); err != nil {
			return nil, false, err
		}
		lights[net.name], books[net.name], r.KeyBlocks[net.name] = l, b, l.keyBlocks
	}
	d.mu.Lock()
	sent := slices.Clone(d.sent)
	d.mu.Unlock()
	r.checkSent(lights, sent)
	r.checkOnce(lights)
	unsettled = r.open > 0
	broken := len(r.Problems)
	r.checkBooks(d.networks, books)
	r.Conserved = len(r.Problems) == broken
	broken = len(r.Problems)
	r.checkClaims(d.networks, books)
	if len(r.Problems) > broken {
		r.Conserved, unsettled = false, true
	}
	return r, unsettled, nil
}

// checkSent looks for the one receipt of each transfer at both ends.
func (r *Report) checkSent(lights map[string]*light, sent []*Sent) {
	r.Sent = len(sent)
	var crossings []time.Duration
	for _, s := range sent {
		copied := *s
		done, err := copied.deliver(lights)
		switch {
		case err != nil:
			r.problem("%v", err)
		case !done:
			r.open++
			r.problem("transfer %x (%s→%s) was not executed", s.ID[:4], s.From, s.To)
		default:
			r.checkRef(lights, &copied)
			r.Delivered++
			if !s.Executed.IsZero() {
				crossings = append(crossings, s.Crossing())
			}
		}
	}
	slices.Sort(crossings)
	r.Crossing = Percentiles{P50: percentile(crossings, 50), P99: percentile(crossings, 99)}
}

// checkRef checks that what was executed at the destination is the message that
// the source emitted for the transfer.
func (r *Report) checkRef(lights map[string]*light, s *Sent) {
	from, to := lights[s.From], lights[s.To]
	got := to.receipts[to.messages[place{from.net.zero.ID, s.Ref.Incarnation, s.Ref.Index}][0]]
	if got.ID != s.Ref.ID || s.Ref.Destination != to.net.zero.ID {
		r.problem("transfer %x: %s executed message %x, %s emitted %x to %s", s.ID[:4], s.To, got.ID[:4], s.From, s.Ref.ID[:4], s.Ref.Destination.Short())
	}
}

// checkOnce checks over the whole logs that nothing was executed twice, and that
// every emitted message was executed where it went.
func (r *Report) checkOnce(lights map[string]*light) {
	byID := make(map[proofs.NetworkID]*light)
	for _, l := range lights {
		byID[l.net.zero.ID] = l
	}
	for name, l := range lights {
		bodies := make(map[proofs.Hash]bool)
		for i := range l.receipts {
			rc := &l.receipts[i]
			if rc.Kind == proofs.ReceiptExternal {
				if bodies[rc.Body] {
					r.Duplicates++
					r.problem("%s executed external message %x again, receipt %d", name, rc.ID[:4], i)
				}
				bodies[rc.Body] = true
			}
			for _, ref := range rc.Emitted {
				to := byID[ref.Destination]
				if to == nil || to == l {
					continue
				}
				if len(to.messages[place{l.net.zero.ID, ref.Incarnation, ref.Index}]) == 0 {
					r.open++
					r.problem("message %d of %s was not executed at %s", ref.Index, name, to.net.name)
				}
			}
		}
		for p, at := range l.messages {
			if n := len(at); n > 1 {
				r.Duplicates += n - 1
				r.problem("%s executed message %d of %s %d times", name, p.index, p.source.Short(), n)
			}
		}
	}
	slices.Sort(r.Problems)
}

// percentile takes the nearest rank of sorted values, in milliseconds.
func percentile(sorted []time.Duration, p int) int64 {
	if len(sorted) == 0 {
		return 0
	}
	rank := (len(sorted)*p + 99) / 100
	return sorted[max(rank, 1)-1].Milliseconds()
}
