package p2p

import (
	"bytes"
	"context"
	"math/rand/v2"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peerstore"
	ma "github.com/multiformats/go-multiaddr"
)

const (
	dialBase      = 50 * time.Millisecond
	staticDialMax = 500 * time.Millisecond // a validator that restarts is back within about a second
	knownDialMax  = 10 * time.Second
	// dialTimeout is short, since QUIC spaces the retries within a handshake ever wider and a peer may come up between
	// two; every eighth attempt is given longer, for paths on which a handshake takes that.
	dialTimeout     = 1500 * time.Millisecond
	longDialTimeout = 4 * time.Second
	// yield lets the smaller key dial first, so that two validators seldom end up with two connections.
	yield = 300 * time.Millisecond
	// settled is how long a connection must last for its peer's back-off to start anew.
	settled = 2 * time.Second
)

// start brings the parts to life; on error the caller closes the stack.
func (h *Host) start(listen []ma.Multiaddr, kept map[NodeKey]*target) error {
	for key, t := range kept {
		id, err := idOf(key)
		if err != nil {
			return err
		}
		h.table.add(key, id, t)
	}
	gossip, err := newGossip(h)
	if err != nil {
		return err
	}
	h.gossip = gossip
	h.stack.swarm.Notify(h.notifiee())
	if err := h.stack.listen(listen); err != nil {
		return err
	}
	h.stack.host.Start()
	h.spawn(func() { h.watch.run(h.ctx) })
	for _, r := range h.table.sorted() {
		target := r.target.Load()
		if target == nil {
			continue // connected to us already
		}
		if target.static {
			h.static = append(h.static, r)
		}
		if len(target.addrs) > 0 && h.table.claim(r) {
			h.spawn(func() { h.keep(r) })
		}
	}
	return nil
}

// keep holds a peer connected until the host closes.
func (h *Host) keep(r *remote) {
	limit, static := knownDialMax, r.target.Load().static
	if static {
		limit = staticDialMax
	}
	for failures := 0; ; {
		connectedAt := time.Now()
		was := false
		for r.connected() {
			was = true
			select {
			case <-h.ctx.Done():
				return
			case <-r.changed:
			}
		}
		if was && time.Since(connectedAt) >= settled {
			failures = 0
		}
		delay := backoff(failures, dialBase, limit)
		if static && bytes.Compare(h.self[:], r.key[:]) > 0 {
			delay = max(delay, yield)
		}
		if !r.pause(h.ctx, delay) {
			return
		}
		if r.connected() {
			continue
		}
		failures++ // a connection that lasts resets it
		if err := h.dial(r, failures); err != nil && h.ctx.Err() == nil {
			r.fail(err)
			h.log.Debug("p2p: dial failed", "peer", r.id, "attempt", failures, "err", err)
		}
	}
}

// pause waits for d or until the peer's connections change; it reports false when the host closes.
func (r *remote) pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-r.changed:
	case <-timer.C:
	}
	return true
}

// dial makes one attempt at the configured addresses and no others. The swarm's own back-off, which would refuse for
// seconds, is cleared: keep has its own.
func (h *Host) dial(r *remote, attempt int) error {
	timeout := dialTimeout
	if attempt%8 == 0 {
		timeout = longDialTimeout
	}
	store := h.stack.swarm.Peerstore()
	store.ClearAddrs(r.id)
	store.AddAddrs(r.id, r.target.Load().addrs, peerstore.TempAddrTTL)
	h.stack.swarm.Backoff().Clear(r.id)
	ctx := network.WithDialPeerTimeout(h.ctx, timeout)
	_, err := h.stack.swarm.DialPeer(ctx, r.id)
	return err
}

// backoff returns base·1.6^n bounded by limit, of which up to half is taken away at random.
func backoff(n int, base, limit time.Duration) time.Duration {
	d := base
	for ; n > 0 && d < limit; n-- {
		d += d * 3 / 5
	}
	d = min(d, limit)
	return d - rand.N(d/2)
}
