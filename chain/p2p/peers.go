package p2p

import (
	"bytes"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/quic-go/quic-go"
)

// PeerStatus is what an operator wants to know of a peer.
type PeerStatus struct {
	Key       NodeKey
	Static    bool          // from Config.Static
	Connected bool          // at least one connection is up
	Conns     int           // number of connections; more than one is harmless
	Addr      string        // remote address of the oldest connection
	Since     time.Time     // when Connected last changed; zero if the peer was never connected
	RTT       time.Duration // QUIC's smoothed round trip; zero if unknown
	Queued    int           // messages waiting in all send queues
	Dropped   uint64        // messages dropped or lost under way since the start
	LastError string        // last failure of a dial, stream or message; kept after recovery
}

// remote is the state of one peer. Kept peers have one for ever, others while they are connected.
type remote struct {
	key    NodeKey
	id     peer.ID
	target atomic.Pointer[target] // nil unless kept; set under the table's lock
	keeper bool                   // a goroutine keeps it connected; under the table's lock

	changed chan struct{} // capacity 1: the connections changed; read by the keeper alone
	dropped atomic.Uint64

	mu        sync.Mutex
	conns     []network.Conn // oldest first
	since     time.Time
	lastError string
	lanes     map[string]*lane    // by class name; empty while there is no connection
	inbound   map[string]*inbound // by class name
}

// table holds all remotes.
type table struct {
	mu      sync.RWMutex
	remotes map[NodeKey]*remote
	watch   *watchers

	familiar  func(NodeKey) bool // exempt from the bound on strangers
	strangers int                // the bound
	strange   map[network.Conn]struct{}
	added     int // peers kept since AddKnown
}

func newTable(watch *watchers, strangers int) *table {
	return &table{
		remotes:   make(map[NodeKey]*remote),
		watch:     watch,
		strangers: strangers,
		strange:   make(map[network.Conn]struct{}),
	}
}

func (t *table) get(key NodeKey) *remote {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.remotes[key]
}

func (t *table) add(key NodeKey, id peer.ID, kept *target) *remote {
	r := &remote{
		key: key, id: id,
		changed: make(chan struct{}, 1),
		lanes:   make(map[string]*lane),
		inbound: make(map[string]*inbound),
	}
	r.target.Store(kept)
	t.remotes[key] = r
	return r
}

// kept reports whether the host keeps a peer connected.
func (t *table) kept(key NodeKey) bool {
	r := t.get(key)
	return r != nil && r.target.Load() != nil
}

// roomForStranger reports whether one more connection from a stranger may be up.
func (t *table) roomForStranger() bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return len(t.strange) < t.strangers
}

// sorted returns the remotes by key.
func (t *table) sorted() []*remote {
	t.mu.RLock()
	all := make([]*remote, 0, len(t.remotes))
	for _, r := range t.remotes {
		all = append(all, r)
	}
	t.mu.RUnlock()
	slices.SortFunc(all, func(a, b *remote) int { return bytes.Compare(a.key[:], b.key[:]) })
	return all
}

// up is libp2p's notice of a new connection. No stream of it has been handed out yet.
func (t *table) up(_ network.Network, c network.Conn) {
	key, err := keyOf(c.RemotePeer())
	if err != nil {
		return // the gate lets no such peer in
	}
	stranger := !t.familiar(key)
	t.mu.Lock()
	r := t.remotes[key]
	if stranger && (r == nil || r.target.Load() == nil) { // it may have become known just now
		if len(t.strange) >= t.strangers { // several passed the gate together
			t.mu.Unlock()
			_ = c.CloseWithError(network.ConnResourceLimitExceeded)
			return
		}
		t.strange[c] = struct{}{}
	}
	if r == nil {
		r = t.add(key, c.RemotePeer(), nil)
	}
	r.mu.Lock()
	r.conns = append(r.conns, c)
	first := len(r.conns) == 1
	if first {
		r.since = time.Now()
	}
	r.mu.Unlock()
	t.mu.Unlock()
	if first {
		t.watch.note(key, true)
	}
	r.signal()
}

// down is libp2p's notice of a lost connection.
func (t *table) down(_ network.Network, c network.Conn) {
	key, err := keyOf(c.RemotePeer())
	if err != nil {
		return
	}
	t.mu.Lock()
	delete(t.strange, c)
	r := t.remotes[key]
	if r == nil {
		t.mu.Unlock()
		return
	}
	found, last := r.remove(c)
	if last && r.target.Load() == nil {
		delete(t.remotes, key)
	}
	t.mu.Unlock()
	if !found {
		return
	}
	// What was under way on this connection is lost even if another one remains: say so.
	t.watch.note(key, false)
	if !last {
		t.watch.note(key, true)
	}
	r.signal()
}

// remove takes a connection out; with the last one the lanes end.
func (r *remote) remove(c network.Conn) (found, last bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := slices.Index(r.conns, c)
	if i < 0 {
		return false, false
	}
	r.conns = slices.Delete(r.conns, i, i+1)
	if len(r.conns) > 0 {
		return true, false
	}
	r.since = time.Now()
	for _, l := range r.lanes {
		l.cancel()
	}
	clear(r.lanes)
	return true, true
}

func (r *remote) signal() {
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

func (r *remote) connected() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.conns) > 0
}

// fail keeps an error for the operator, bounded since part of it may come from the peer.
func (r *remote) fail(err error) {
	text := err.Error()
	if len(text) > maxErrorText {
		text = text[:maxErrorText]
	}
	r.mu.Lock()
	r.lastError = text
	r.mu.Unlock()
}

func (r *remote) status() PeerStatus {
	target := r.target.Load()
	r.mu.Lock()
	defer r.mu.Unlock()
	s := PeerStatus{
		Key:       r.key,
		Static:    target != nil && target.static,
		Connected: len(r.conns) > 0,
		Conns:     len(r.conns),
		Since:     r.since,
		Dropped:   r.dropped.Load(),
		LastError: r.lastError,
	}
	for _, l := range r.lanes {
		s.Queued += l.queued()
	}
	if s.Connected {
		s.Addr = r.conns[0].RemoteMultiaddr().String()
		var c *quic.Conn
		if r.conns[0].As(&c) {
			s.RTT = c.ConnectionStats().SmoothedRTT
		}
	}
	return s
}

// watchers tells owners of traffic about connections, from one goroutine. Its memory is bounded by the number of peers:
// notices not yet delivered are merged, an interruption never being merged away once the peer was reported as up.
type watchers struct {
	mu      sync.Mutex
	wake    chan struct{}
	fns     []*watcher
	present map[NodeKey]bool
}

type watcher struct {
	fn      func(NodeKey, bool)
	told    map[NodeKey]bool // reported as up, or about to be
	order   []NodeKey
	pending map[NodeKey]*notice
}

type notice struct{ down, up bool }

func newWatchers() *watchers {
	return &watchers{wake: make(chan struct{}, 1), present: make(map[NodeKey]bool)}
}

func (w *watchers) add(fn func(NodeKey, bool)) {
	w.mu.Lock()
	n := &watcher{fn: fn, told: make(map[NodeKey]bool), pending: make(map[NodeKey]*notice)}
	for key := range w.present {
		n.note(key, true)
	}
	w.fns = append(w.fns, n)
	w.mu.Unlock()
	w.signal()
}

func (w *watchers) note(key NodeKey, up bool) {
	w.mu.Lock()
	if up {
		w.present[key] = true
	} else {
		delete(w.present, key)
	}
	for _, n := range w.fns {
		n.note(key, up)
	}
	w.mu.Unlock()
	w.signal()
}

func (n *watcher) note(key NodeKey, up bool) {
	p := n.pending[key]
	if p == nil {
		p = &notice{}
		n.pending[key] = p
		n.order = append(n.order, key)
	}
	if p.up = up; !up {
		p.down = n.told[key]
	}
}

func (w *watchers) signal() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// next returns one delivery, or nil.
func (w *watchers) next() (fn func(NodeKey, bool), key NodeKey, p notice) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, n := range w.fns {
		if len(n.order) == 0 {
			continue
		}
		key = n.order[0]
		n.order = n.order[1:]
		p = *n.pending[key]
		delete(n.pending, key)
		switch {
		case p.up:
			n.told[key] = true
		case p.down:
			delete(n.told, key)
		}
		return n.fn, key, p
	}
	return nil, key, p
}

func (w *watchers) run(ctx context.Context) {
	for {
		for ctx.Err() == nil {
			fn, key, p := w.next()
			if fn == nil {
				break
			}
			if p.down {
				fn(key, false)
			}
			if p.up {
				fn(key, true)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-w.wake:
		}
	}
}
