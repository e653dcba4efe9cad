package client

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/isthmus-network/isthmus/proofs"
)

// nativeKind is the network kind whose bytes package proofs verifies.
const nativeKind = "native"

// maxVain is how many fetches in a row may find nothing of what was announced
// before the announcements are forgotten.
const maxVain = 6

// planner decides what to do about one peer. It is a value without clock or
// goroutine: state, hear, answered and refused tell it what happened, plan
// returns what to do, next says when to call plan again if nothing happens.
//
// It keeps two positions: what our state has committed, and what it will have
// once the items in flight are executed ("ahead"). It fetches from ahead on, so
// that slices follow each other without waiting for our own blocks, and falls
// back to the committed position when our state does not show them in time.
type planner struct {
	self, peer proofs.NetworkID
	t          timings
	link       uint64 // hash of both ids: moves the turns of different links apart

	view  PeerView
	known bool // there was a view
	index int  // our place among n validators
	n     int

	committed, ahead position
	flights          []flight
	timeout          uint64 // of the next flight

	heard             claim    // hearsay, forgotten after maxVain fetches that did not confirm it
	seen              claim    // certified, but not submitted: it was not our turn, or did not fit
	forKeys, forSlice patience // with claims of each kind

	wantKeys, wantSlice bool // a poll is due, whoever's turn it is
	wantLeft            bool // a slice did not verify: the peer's history may be another
	pollAt              uint64
	polls               uint64

	since     uint64 // when there first was work that our state does not show, or it last advanced; 0: no work
	errs      int    // failures in a row of sources or our own lane
	lastError uint64 // when the last of them was
	retryAt   uint64 // nothing is asked before this time
	asking    *ask
	out       []effect

	report report
}

// patience spaces fetches that find nothing of what was claimed.
type patience struct {
	vain  int    // fetches in a row that found nothing new
	last  uint64 // when the last of them was
	quiet uint64 // no fetch for a claim before this time
}

// nothing notes a fetch in vain: the next one waits twice as long.
func (q *patience) nothing(now, retry, most uint64) {
	q.quiet, q.last = now+min(retry<<min(q.vain, 16), most), now
	q.vain++
}

// hope shortens the wait, because there is news, to the shortest one.
func (q *patience) hope(retry uint64) {
	q.vain = min(q.vain, 1)
	q.quiet = min(q.quiet, q.last+retry)
}

// flight is an item that was submitted and that our state does not show yet.
type flight struct {
	after    position
	deadline uint64
	keys     bool        // it holds key blocks
	header   proofs.Hash // of a slice
	count    uint64      // its new messages
	late     bool        // it proves that the deadline of a message of ours passed
	evidence bool        // of a divergence: what it changes is the peer's state
}

// report is what status needs beyond the positions.
type report struct {
	height, executed                 uint64 // announced
	verifiedHeight, verifiedExecuted uint64
	pendingSince, progressAt         uint64
	err                              error
	errAt                            uint64
	diverged                         bool
}

func newPlanner(self, peer proofs.NetworkID, t timings) *planner {
	sum := sha256.Sum256(append(self[:], peer[:]...))
	return &planner{self: self, peer: peer, t: t, link: binary.BigEndian.Uint64(sum[:8]), timeout: t.inFlight}
}

// state tells what our network has committed about the peer, and whose turn it is.
func (p *planner) state(now uint64, v PeerView, index, n int) {
	before, first := p.view, !p.known
	p.view, p.known, p.index, p.n = v, true, index, n
	was := p.committed
	p.committed = v.position()
	if first || before.Incarnation != v.Incarnation || before.TakesKeys && !v.TakesKeys || before.TakesSlices && !v.TakesSlices {
		p.heard, p.seen = claim{}, claim{}
		p.restart()
	}
	if first || before.State != v.State {
		p.wantKeys, p.wantSlice = true, true
		p.pollAt = p.jittered(now)
		p.report.diverged = false
	}
	carrying := p.land()
	if first || !was.covers(&p.committed) {
		p.progressed(now, carrying)
	}
	if at := now + p.interval()*5/4; p.pollAt > at {
		p.pollAt = p.jittered(now)
	}
}

// progressed notes that our state advanced. If it was not by our own items,
// somebody else is at work: who comes later in turn waits again.
func (p *planner) progressed(now uint64, carrying bool) {
	p.report.progressAt, p.report.pendingSince = now, 0
	p.timeout = p.t.inFlight
	if p.since != 0 && !carrying {
		p.since = now
	}
}

// land forgets the flights that our state shows now, and reports whether there
// were any.
func (p *planner) land() bool {
	before := len(p.flights)
	kept := p.flights[:0]
	for _, f := range p.flights {
		if f.evidence || !p.committed.covers(&f.after) {
			kept = append(kept, f)
		}
	}
	clear(p.flights[len(kept):])
	p.flights = kept
	if len(kept) == 0 {
		p.ahead = p.committed
	} else {
		p.ahead.raise(&p.committed)
	}
	return len(kept) < before
}

// restart goes back to what our state has.
func (p *planner) restart() {
	clear(p.flights)
	p.flights = p.flights[:0]
	p.land()
}

// hear takes an announcement. It proves nothing: all it can do is cause a fetch,
// and fetches that find nothing are at least t.retry apart.
func (p *planner) hear(a *Announcement) {
	p.report.height, p.report.executed = a.Height, a.Executed
	if !p.known {
		return
	}
	c := claimOf(a, p.self, p.view.Incarnation)
	if c.wants(&p.ahead) {
		p.heard.merge(c)
		p.forKeys.hope(p.t.retry)
		p.forSlice.hope(p.t.retry)
		p.retryAt = min(p.retryAt, p.lastError+p.t.retry)
	}
}

// plan returns what to do at now.
func (p *planner) plan(now uint64) []effect {
	p.expireFlights(now)
	if p.known && now >= p.pollAt {
		p.wantKeys, p.wantSlice = true, true
		p.pollAt = p.jittered(now)
	}
	p.notePending(now)
	if p.asking == nil {
		if a, ok := p.choose(now); ok {
			p.asking = &a
			p.out = append(p.out, a)
		}
	}
	out := p.out
	p.out = nil
	return out
}

func (p *planner) expireFlights(now uint64) {
	if len(p.flights) == 0 || now < p.flights[0].deadline {
		return
	}
	p.note(now, fmt.Errorf("%d items submitted are not in our state after %d ms", len(p.flights), p.timeout))
	if p.halted() {
		p.wantSlice = true
	}
	p.timeout = min(2*p.timeout, maxInFlight)
	p.restart()
}

// notePending keeps the time since which there is news and no progress.
func (p *planner) notePending(now uint64) {
	pending := len(p.flights) > 0 || p.heard.wants(&p.committed) || p.seen.wants(&p.committed)
	switch {
	case !pending:
		p.report.pendingSince = 0
	case p.report.pendingSince == 0:
		p.report.pendingSince = now
	}
}

// work is what is left to do from the position ahead on.
type work struct{ zero, keys, slice bool }

func (w work) any() bool { return w.zero || w.keys || w.slice }

// follows reports whether this node takes part in following the peer.
func (p *planner) follows() bool {
	return p.known && p.view.Kind == nativeKind && p.index >= 0 && p.index < p.n
}

func (p *planner) expired(now uint64) bool { return p.ahead.trust.Expired(now) }

// halted reports whether the proof of a divergence is in flight.
func (p *planner) halted() bool {
	return slices.ContainsFunc(p.flights, func(f flight) bool { return f.evidence })
}

// work lists what the claims leave to do.
func (p *planner) work(now uint64) (w work) {
	if !p.follows() || p.halted() {
		return w
	}
	if p.ahead.trust.Set == nil {
		w.zero = p.view.TakesKeys
		return w
	}
	if p.view.TakesKeys && (p.view.Historical || !p.expired(now)) {
		w.keys = p.heard.wantsKeys(&p.ahead) || p.seen.wantsKeys(&p.ahead)
	}
	if p.view.TakesSlices && !p.expired(now) {
		w.slice = p.heard.wantsSlice(&p.ahead) || p.seen.wantsSlice(&p.ahead)
	}
	return w
}

// choose returns the next request, if there is one to make now.
func (p *planner) choose(now uint64) (ask, bool) {
	w := p.work(now)
	switch {
	case !w.any():
		p.since = 0
	case p.since == 0:
		p.since = now
	}
	if !p.follows() || now < p.retryAt || len(p.flights) >= p.t.pipeline {
		return ask{}, false
	}
	mine := w.any() && p.mine(now)
	if w.zero {
		return ask{proto: ProtoZero, onTurn: true}, mine
	}
	polled := p.ahead.trust.Set != nil && !p.halted()
	switch {
	case w.keys && mine && now >= p.forKeys.quiet && p.roomForKeys():
		return p.askKeys(true), true
	case polled && p.wantKeys && p.view.TakesKeys && (p.view.Historical || !p.expired(now)) && p.roomForKeys():
		return p.askKeys(mine), true
	case w.slice && mine && now >= p.forSlice.quiet && p.roomForSlice() > 0:
		return p.askSlice(now, true), true
	case polled && p.wantSlice && p.view.TakesSlices && !p.expired(now) && p.roomForSlice() > 0:
		return p.askSlice(now, mine), true
	}
	return ask{}, false
}

// What is in flight may land in one block, and the rules of our network bound
// what one lane may bring in one block (mesh: maxKeyBlocks, maxHeaders, and the
// block's messages). What exceeds that would be dropped there, so it waits here.

// maxFlyingHeaders is the rules' bound on headers of one peer, lane and block.
const maxFlyingHeaders = 2

func (p *planner) roomForKeys() bool {
	return !slices.ContainsFunc(p.flights, func(f flight) bool { return f.keys })
}

// roomForSlice returns how many messages may be submitted now.
func (p *planner) roomForSlice() int {
	headers := make(map[proofs.Hash]bool, maxFlyingHeaders)
	room := p.t.flying
	for i := range p.flights {
		f := &p.flights[i]
		if f.header != (proofs.Hash{}) {
			headers[f.header] = true
		}
		room -= int(f.count)
	}
	if len(headers) >= maxFlyingHeaders {
		return 0
	}
	return max(0, min(room, p.t.messages))
}

func (p *planner) askKeys(onTurn bool) ask {
	r := KeyBlocksRequest{From: p.ahead.trust.KeyHeight, Limit: MaxKeyBlocks}
	return ask{proto: ProtoKeyBlocks, req: r.MarshalCanoto(), onTurn: onTurn}
}

func (p *planner) askSlice(now uint64, onTurn bool) ask {
	r := SliceRequest{
		Reader: p.self, Incarnation: p.view.Incarnation, Start: p.ahead.consumed.End(),
		MaxMessages: uint32(p.roomForSlice()), MaxBytes: uint32(p.t.bytes),
		After: p.ahead.executed, Settled: p.ahead.settled, Bare: !p.ahead.active || p.overdue(now), Left: p.wantLeft,
	}
	return ask{proto: ProtoSlice, req: r.MarshalCanoto(), onTurn: onTurn}
}

// overdue reports whether the deadline of our oldest unsettled message may have
// passed at the peer: a head that does not ack it is news then.
func (p *planner) overdue(now uint64) bool { return p.ahead.due < now }

// rank returns how many validators are responsible before this one at now.
func (p *planner) rank(now uint64) uint64 {
	n := uint64(p.n)
	first := (now/p.t.turn + p.link%n) % n
	return (uint64(p.index) + n - first) % n
}

// mine reports whether this validator is to act on the present work: the first
// one at once, each next one a little later, if our state has not advanced.
func (p *planner) mine(now uint64) bool { return now >= p.since+p.rank(now)*p.t.rank }

// interval is the time between polls.
func (p *planner) interval() uint64 {
	if p.view.Active && p.view.OutBegin >= p.view.OutEnd {
		return p.t.idlePoll
	}
	return p.t.poll
}

// jittered returns the time of the next poll: three to five quarters of the
// interval from now, differing between nodes and links.
func (p *planner) jittered(now uint64) uint64 {
	p.polls++
	x := p.link ^ uint64(p.index+1)*0x9e3779b97f4a7c15 ^ p.polls*0xbf58476d1ce4e5b9
	x ^= x >> 31
	x *= 0x94d049bb133111eb
	x ^= x >> 29
	d := p.interval()
	return now + max(1, d*3/4+x%(d/2+1))
}

// next returns when plan must be called if nothing happens before: always after
// now; 0 means never.
func (p *planner) next(now uint64) uint64 {
	var at uint64
	soonest := func(t uint64) {
		if t > now && (at == 0 || t < at) {
			at = t
		}
	}
	if !p.known {
		return 0
	}
	soonest(p.pollAt)
	soonest(p.retryAt)
	if len(p.flights) > 0 {
		soonest(p.flights[0].deadline)
	}
	if p.work(now).any() {
		soonest(p.forKeys.quiet)
		soonest(p.forSlice.quiet)
		soonest(p.since + p.rank(now)*p.t.rank)
		soonest((now/p.t.turn + 1) * p.t.turn)
	}
	return at
}

func (p *planner) note(now uint64, err error) { p.report.err, p.report.errAt = err, now }

// backOff delays the next request after a failure; a few are made up for at once.
func (p *planner) backOff(now uint64, free int) {
	p.errs++
	p.lastError = now
	if p.errs > free {
		p.retryAt = now + min(p.t.retry<<min(p.errs-free-1, 16), p.t.poll)
	}
}
