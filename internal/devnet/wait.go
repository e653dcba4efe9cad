package devnet

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/isthmus-network/isthmus/chain/api"
)

const (
	pollEvery = 50 * time.Millisecond
	// tellAfter is how long something may be missing before that is told.
	tellAfter = 3 * time.Second
	callLimit = 3 * time.Second
)

// await polls until check names nothing that is missing. Errors: ErrLate with
// what is missing, that of ctx, and ErrDied if a validator dies during the start.
// Later a death is told and nothing more: a network goes on without some of its
// validators, and who killed one may start it again.
func (d *Devnet) await(ctx context.Context, what string, limit time.Duration, check func(context.Context) (missing string)) error {
	began, told := time.Now(), time.Now()
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for {
		missing := check(ctx)
		switch {
		case !d.started.Load() && d.countDeaths() > 0:
			return fmt.Errorf("%s: %w", what, d.Deaths())
		case missing == "":
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case time.Since(began) > limit:
			return fmt.Errorf("%w: %s, after %v: %s", ErrLate, what, limit, missing)
		}
		if time.Since(told) > tellAfter {
			told = time.Now()
			d.tell(Event{Kind: EventWaiting, Text: what + ": " + missing})
		}
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
	}
}

func (d *Devnet) countDeaths() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.deaths)
}

// info asks a node, briefly.
func (n *node) info(ctx context.Context) (*api.Info, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	return n.client.Info(ctx)
}

// WaitReady waits until every validator whose process runs answers over its API,
// as a node of its network.
func (d *Devnet) WaitReady(ctx context.Context) error {
	err := d.await(ctx, "waiting for the nodes", d.o.Patience, func(ctx context.Context) string {
		var missing []string
		for _, net := range d.networks {
			for _, n := range net.nodes {
				if n.process() == nil {
					continue
				}
				info, err := n.info(ctx)
				if err == nil && info.Network != net.zero.ID {
					err = fmt.Errorf("it is of network %s, want %s", info.Network.Short(), net.zero.ID.Short())
				}
				if err != nil {
					missing = append(missing, fmt.Sprintf("%s does not answer (%v)", n.name, err))
				}
			}
		}
		return strings.Join(missing, "; ")
	})
	if err == nil {
		d.progress("", "all nodes answer")
	}
	return err
}

// WaitHeight waits until a running validator of a network, any one, has executed
// that block.
func (d *Devnet) WaitHeight(ctx context.Context, network string, height uint64) error {
	net, err := d.network(network)
	if err != nil {
		return err
	}
	return d.await(ctx, fmt.Sprintf("waiting for block %d of %s", height, network), d.o.Patience, func(ctx context.Context) string {
		best, errs := uint64(0), []error(nil)
		for _, n := range net.nodes {
			info, err := n.info(ctx)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			best = max(best, info.Executed)
		}
		if best >= height {
			return ""
		}
		return fmt.Sprintf("executed %d; %v", best, errors.Join(errs...))
	})
}

// WaitQuiet waits until no link has an unsettled message.
func (d *Devnet) WaitQuiet(ctx context.Context) error {
	return d.await(ctx, "waiting for the links to be settled", d.o.Patience, func(ctx context.Context) string {
		var missing []string
		for _, net := range d.networks {
			links, err := net.links(ctx)
			if err != nil {
				missing = append(missing, fmt.Sprintf("links of %s (%v)", net.name, err))
			}
			for i := range links {
				l := &links[i]
				if l.OutBegin != l.OutEnd || l.InSettled != l.InAcked {
					missing = append(missing, fmt.Sprintf("%s→%s: out [%d, %d), in settled %d of %d",
						net.name, d.nameOf(l.Peer), l.OutBegin, l.OutEnd, l.InSettled, l.InAcked))
				}
			}
		}
		return strings.Join(missing, "; ")
	})
}
