package devnet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// refresh is how often the running networks are looked at.
const refresh = 500 * time.Millisecond

// RunOptions are those of the command.
type RunOptions struct {
	Options
	Transfers int  // to send; 0: one, as a demonstration
	Exit      bool // end after the transfers and their audit
	JSON      bool // write JSON, one object a line, to Out, and the rest to Err
	Terminal  bool // Out is a terminal
	Out, Err  io.Writer
}

// Run is the command `isthmus devnet`: it runs networks until ctx ends, or until
// the transfers were audited. An interrupt of the live display is no error.
func Run(ctx context.Context, o RunOptions) (err error) {
	s := newScreen(&o)
	o.Observe = s.event
	d, err := Start(ctx, o.Options)
	if err != nil {
		return err
	}
	defer func() {
		if !o.Exit { // then the report is the last line
			s.plain("stopping %d validators", d.validators())
		}
		err = errors.Join(err, d.Close())
	}()
	s.ready(d)
	if len(d.networks) > 1 {
		if err := d.demonstrate(ctx, &o, s); err != nil {
			return err
		}
	}
	if o.Exit {
		return nil
	}
	s.hints(d)
	return d.live(ctx, s)
}

// demonstrate sends the transfers. What does not hold is an error only if the
// command ends with it.
func (d *Devnet) demonstrate(ctx context.Context, o *RunOptions, s *screen) error {
	if o.Transfers == 0 {
		if err := d.demo(ctx, s); err != nil {
			return err
		}
		if !o.Exit {
			return nil
		}
	} else if sent, err := d.Load(ctx, o.Transfers); err != nil {
		s.plain("%d of %d transfers were sent", len(sent), o.Transfers)
		return err
	}
	s.plain("auditing: everything is recomputed from key blocks and proofs")
	report, err := d.Audit(ctx)
	if err != nil {
		return err
	}
	s.report(report)
	if !o.Exit {
		return nil
	}
	return report.Err()
}

// demo sends one transfer from the first network to the second and shows its way.
func (d *Devnet) demo(ctx context.Context, s *screen) error {
	t := direction{d.networks[0], d.networks[1]}.transfer(0, false)
	t.Memo = "a demonstration"
	sent, err := d.Send(ctx, t)
	if err != nil {
		return err
	}
	s.plain("sent %s %s from %s/%s to %s", sent.Amount.Decimal(d.networks[0].zero.Parameters.Decimals), d.networks[0].symbol(),
		t.From, d.networks[0].accounts[t.Sender].name, t.To)
	if err := d.WaitDelivered(ctx, sent); err != nil {
		return err
	}
	// The source learns of the execution a moment later: its last steps are worth
	// the wait.
	if err := d.WaitQuiet(ctx); err != nil {
		return err
	}
	steps, err := d.Trace(ctx, sent)
	if err != nil {
		return err
	}
	s.trace(sent, steps)
	return nil
}

// live shows what happens until ctx ends.
func (d *Devnet) live(ctx context.Context, s *screen) error {
	c := newCrossings(d)
	ticker := time.NewTicker(refresh)
	defer ticker.Stop()
	for {
		status := d.Status(ctx)
		if ctx.Err() == nil {
			c.fill(ctx, status)
		}
		if ctx.Err() == nil {
			s.status(status)
		}
		select {
		case <-ctx.Done():
			s.end()
			return nil
		case <-ticker.C:
		}
	}
}

// hints are commands that a person would try next.
func (d *Devnet) hints() []string {
	program := os.Args[0]
	if filepath.Base(program) == program || filepath.Dir(program) == os.TempDir() {
		program = filepath.Base(program)
	}
	a := d.networks[0]
	lines := []string{
		fmt.Sprintf("%s node status --node %s", program, a.nodes[0].cfg.API),
		fmt.Sprintf("%s node watch --node %s", program, a.nodes[0].cfg.API),
		fmt.Sprintf("%s mesh status --node %s", program, a.nodes[0].cfg.API),
	}
	if len(d.networks) > 1 && len(a.accounts) > 0 && len(d.networks[1].accounts) > 0 {
		b := d.networks[1]
		lines = append(lines,
			fmt.Sprintf("%s send --node %s --key %s --to %s:%s --amount 1.5 --wait certified", program, a.nodes[0].cfg.API, a.accounts[0].file, b.zero.ID, b.accounts[0].id),
			fmt.Sprintf("%s account show --node %s --key %s", program, b.nodes[0].cfg.API, b.accounts[0].file))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if n := len(d.sent); n > 0 {
		s := d.sent[n-1]
		from, err1 := d.network(s.From)
		to, err2 := d.network(s.To)
		if errors.Join(err1, err2) == nil {
			lines = append(lines, fmt.Sprintf("%s trace %x --node %s --peer-node %s", program, s.ID, from.nodes[s.Via].cfg.API, to.nodes[0].cfg.API))
		}
	}
	return lines
}
