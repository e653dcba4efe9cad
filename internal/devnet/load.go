package devnet

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/isthmus-network/isthmus/proofs"
)

// Load sends total transfers over all links, in both directions at once, from all
// demo accounts and through all running validators, and waits until they are
// delivered. The last fifth of them takes home what the others brought. Networks
// must be at least two.
func (d *Devnet) Load(ctx context.Context, total int) ([]*Sent, error) {
	out, back, err := d.plan(total)
	if err != nil {
		return nil, err
	}
	sent, err := d.sendAll(ctx, out)
	if err != nil {
		return sent, err
	}
	d.progress("", "%d transfers sent", len(sent))
	if err := d.WaitDelivered(ctx, sent...); err != nil {
		return sent, err
	}
	d.progress("", "%d transfers delivered", len(sent))
	if len(back) == 0 {
		return sent, nil
	}
	home, err := d.sendAll(ctx, back)
	sent = append(sent, home...)
	if err != nil {
		return sent, err
	}
	d.progress("", "%d transfers sent home", len(home))
	err = d.WaitDelivered(ctx, home...)
	if err == nil {
		d.progress("", "%d transfers delivered", len(sent))
	}
	return sent, err
}

// plan lists transfers: those that go out, and then those that take home a tenth
// of what one of the former brought to their sender.
func (d *Devnet) plan(total int) (out, back []Transfer, err error) {
	if len(d.networks) < 2 {
		return nil, nil, fmt.Errorf("%w: got %d networks, want at least 2 for transfers", ErrOptions, len(d.networks))
	}
	pairs := d.pairs()
	for k := range total - total/5 {
		pair := pairs[k%len(pairs)]
		out = append(out, pair.transfer(k/len(pairs), false))
	}
	for k := range total / 5 {
		pair := pairs[k%len(pairs)]
		round := k / len(pairs)
		home := pair.opposite().transfer(round, true)
		home.Amount = proofs.NewAmount(100_000)
		back = append(back, home)
	}
	return out, back, nil
}

type direction struct{ from, to *network }

func (p direction) opposite() direction { return direction{p.to, p.from} }

// pairs lists all directions.
func (d *Devnet) pairs() (all []direction) {
	for _, from := range d.networks {
		for _, to := range d.networks {
			if from != to {
				all = append(all, direction{from, to})
			}
		}
	}
	return all
}

// transfer is number k of a direction. The account that sends it home has the
// number of the one that received it.
func (p direction) transfer(k int, home bool) Transfer {
	accounts := min(len(p.from.accounts), len(p.to.accounts))
	return Transfer{From: p.from.name, To: p.to.name, Sender: k % max(accounts, 1), Home: home, Via: p.from.pick(k), Memo: fmt.Sprintf("number %d", k)}
}

// pick spreads over the validators that run.
func (net *network) pick(k int) int {
	for i := range net.nodes {
		if j := (k + i) % len(net.nodes); net.nodes[j].process() != nil {
			return j
		}
	}
	return k % len(net.nodes)
}

// sendAll sends transfers, those of one sender in order.
func (d *Devnet) sendAll(ctx context.Context, transfers []Transfer) ([]*Sent, error) {
	type sender struct {
		network string
		account int
	}
	var order []sender
	queues := make(map[sender][]int)
	for i := range transfers {
		s := sender{transfers[i].From, transfers[i].Sender}
		if queues[s] == nil {
			order = append(order, s)
		}
		queues[s] = append(queues[s], i)
	}
	sent := make([]*Sent, len(transfers))
	g, ctx := errgroup.WithContext(ctx)
	for _, s := range order {
		g.Go(func() (err error) {
			for _, i := range queues[s] {
				if sent[i], err = d.Send(ctx, transfers[i]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err := g.Wait()
	var done []*Sent
	for _, s := range sent {
		if s != nil {
			done = append(done, s)
		}
	}
	return done, err
}
