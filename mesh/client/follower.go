package client

import (
	"context"
	"sync"
	"time"

	"github.com/isthmus-network/isthmus/proofs"
)

// Bounds of what announcements can make a follower hold and do.
const (
	maxHeard     = 32 // announcements waiting, at most one for each source
	maxSources   = 256
	sourceRate   = 20 // announcements a second from one source that are read
	sourceBurst  = 40
	sourceForget = 10_000 // ms
)

// follower is the goroutine of one peer: it alone touches the planner. Others
// leave news in its mailbox and wake it.
type follower struct {
	client *Client
	peer   proofs.NetworkID
	cancel context.CancelFunc
	wake   chan struct{} // one place: wakes coalesce

	mu      sync.Mutex
	view    *viewNews
	heard   map[string]*Announcement
	sources map[string]*bucket
	status  FollowStatus
}

// viewNews is the newest state of our network, unless it was taken already.
type viewNews struct {
	view     PeerView
	index, n int
}

// bucket limits one source of announcements.
type bucket struct {
	tokens float64
	at     uint64
}

func newFollower(c *Client, peer proofs.NetworkID) *follower {
	return &follower{
		client: c, peer: peer, wake: make(chan struct{}, 1),
		heard: make(map[string]*Announcement), sources: make(map[string]*bucket),
		status: FollowStatus{Network: peer},
	}
}

func (f *follower) rouse() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

func (f *follower) tell(v viewNews) {
	f.mu.Lock()
	f.view = &v
	f.mu.Unlock()
	f.rouse()
}

// announce reads an announcement, unless its source sends too many.
func (f *follower) announce(now uint64, from string, msg []byte) {
	if !f.admit(now, from) {
		return
	}
	a, err := DecodeAnnouncement(f.peer, msg)
	if err != nil {
		f.client.cfg.Transport.Penalize(f.peer, from, err)
		return
	}
	f.mu.Lock()
	if _, ok := f.heard[from]; ok || len(f.heard) < maxHeard {
		f.heard[from] = a
	}
	f.mu.Unlock()
	f.rouse()
}

func (f *follower) admit(now uint64, from string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	b := f.sources[from]
	if b == nil {
		if len(f.sources) >= maxSources && !f.forgetSources(now) {
			return false
		}
		b = &bucket{tokens: sourceBurst, at: now}
		f.sources[from] = b
	}
	if now > b.at {
		b.tokens = min(sourceBurst, b.tokens+float64(now-b.at)*sourceRate/1000)
		b.at = now
	}
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// forgetSources drops the sources that were silent for a while.
func (f *follower) forgetSources(now uint64) bool {
	for from, b := range f.sources {
		if now > b.at+sourceForget {
			delete(f.sources, from)
		}
	}
	return len(f.sources) < maxSources
}

// run follows the peer until ctx ends.
func (f *follower) run(ctx context.Context) {
	p := newPlanner(f.client.cfg.Self, f.peer, f.client.cfg.timings())
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for ctx.Err() == nil {
		now := f.client.cfg.Local.Now()
		f.collect(p, now)
		effects := p.plan(now)
		asked := f.perform(ctx, p, effects)
		f.publish(p)
		if asked || len(effects) > 0 {
			continue // the answer, or a refusal, may leave something to do at once
		}
		wait := time.Hour
		if at := p.next(now); at != 0 {
			wait = span(now, at)
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
		case <-f.wake:
		case <-timer.C:
		}
	}
}

// collect hands the mailbox to the planner: our state first, then hearsay.
func (f *follower) collect(p *planner, now uint64) {
	f.mu.Lock()
	view := f.view
	f.view = nil
	var heard map[string]*Announcement
	if len(f.heard) > 0 { // a map that is empty stays the mailbox, and is not ours to read
		heard, f.heard = f.heard, make(map[string]*Announcement)
	}
	f.mu.Unlock()
	if view != nil {
		p.state(now, view.view, view.index, view.n)
	}
	for _, a := range heard { // claims merge by maximum: the order does not matter
		p.hear(a)
	}
}

// perform does what the planner wants, in order, and reports whether there was a
// request. A refusal by our own lane voids what follows it.
func (f *follower) perform(ctx context.Context, p *planner, effects []effect) (asked bool) {
	cfg := &f.client.cfg
	for _, e := range effects {
		switch e := e.(type) {
		case submit:
			if err := cfg.Local.Submit(e.kind, e.data); err != nil {
				p.refused(cfg.Local.Now(), err)
				return false
			}
		case penalize:
			cfg.Logger.Warn("mesh: bad answer", "peer", f.peer.Short(), "from", e.from, "err", e.err)
			cfg.Transport.Penalize(f.peer, e.from, e.err)
		case ask:
			from, resp, err := f.request(ctx, e)
			p.answered(cfg.Local.Now(), from, resp, err)
			return true
		}
	}
	return false
}

func (f *follower) request(ctx context.Context, a ask) (string, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, f.client.cfg.RequestTimeout)
	defer cancel()
	return f.client.cfg.Transport.Request(ctx, f.peer, a.proto, a.req)
}

// publish makes the planner's status readable and logs alarms when they change.
func (f *follower) publish(p *planner) {
	s := p.status(f.client.cfg.Local.Now())
	f.mu.Lock()
	before := f.status.Alarm
	f.status = s
	f.mu.Unlock()
	switch log := f.client.cfg.Logger; {
	case s.Alarm != "" && before == "":
		log.Error("mesh: alarm", "peer", f.peer.Short(), "alarm", s.Alarm)
	case s.Alarm == "" && before != "":
		log.Info("mesh: alarm is over", "peer", f.peer.Short(), "alarm", before)
	}
}
