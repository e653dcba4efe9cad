package p2p

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"log/slog"
	"sync"

	"github.com/libp2p/go-libp2p/core/network"
)

// Host is one node's presence on the network. All methods are safe for concurrent use.
type Host struct {
	self   NodeKey
	allow  func(NodeKey) bool
	limits Limits
	log    *slog.Logger

	ctx    context.Context
	cancel context.CancelFunc

	stack    *stack
	table    *table
	watch    *watchers
	static   []*remote // Broadcast's targets
	gossip   *gossip
	handlers sync.Map // protocol ids in use: string → struct{}

	life   sync.Mutex
	closed bool
	wg     sync.WaitGroup // this package's goroutines and the handlers that libp2p's call
	done   chan struct{}  // Close has finished
	err    error          // of Close
}

// New starts a host: it listens, connects to the kept peers and answers, until Close. Cancelling ctx stops its
// activity; Close is still needed. Handlers are registered after New: until they are, peers' streams for them are
// refused and opened again by the peers, with back-off.
//
// Errors: ErrConfig; what the operating system says of a listening address.
func New(ctx context.Context, cfg Config) (*Host, error) {
	cfg.Limits = cfg.Limits.withDefaults()
	listen, kept, err := cfg.parse()
	if err != nil {
		return nil, err
	}
	log := cfg.Logger
	if log == nil {
		log = discardLogger
	}
	routeLibraryLogs(log)
	h := &Host{
		self:   NodeKey(cfg.Key.Public().(ed25519.PublicKey)),
		allow:  cfg.Allow,
		limits: cfg.Limits,
		log:    log,
		watch:  newWatchers(),
		done:   make(chan struct{}),
	}
	h.table = newTable(h.watch, cfg.Limits.Strangers)
	gate := &gate{allow: cfg.Allow, table: h.table}
	h.table.familiar = gate.familiar
	if h.stack, err = newStack(cfg.Key, cfg.Limits, len(kept)+maxAdded, gate); err != nil {
		return nil, err
	}
	h.ctx, h.cancel = context.WithCancel(ctx)
	if err := h.start(listen, kept); err != nil {
		h.cancel()
		_ = h.stack.close()
		return nil, err
	}
	log.Info("p2p: listening", "addrs", h.Addrs(), "kept", len(kept), "limits", cfg.Limits)
	return h, nil
}

// Close ends all connections and waits for every goroutine and handler; libp2p's gossip goroutines, which cannot be
// waited for, have been told to end and hold nothing open. Message and gossip handlers have no context:
// the caller makes sure that none is blocked for good, request handlers see theirs cancelled. It must not be called
// from a handler. A second call waits for the first and returns the same error.
func (h *Host) Close() error {
	h.life.Lock()
	first := !h.closed
	h.closed = true
	h.life.Unlock()
	if !first {
		<-h.done
		return h.err
	}
	h.cancel()
	h.err = h.stack.close()
	h.wg.Wait()
	h.log.Info("p2p: closed")
	close(h.done)
	return h.err
}

// enter counts a goroutine that Close waits for; it reports false when the host is closing. The caller ends with leave.
func (h *Host) enter() bool {
	h.life.Lock()
	defer h.life.Unlock()
	if h.closed {
		return false
	}
	h.wg.Add(1)
	return true
}

func (h *Host) leave() { h.wg.Done() }

// spawn runs f in a goroutine that Close waits for.
func (h *Host) spawn(f func()) bool {
	if !h.enter() {
		return false
	}
	go func() {
		defer h.leave()
		f()
	}()
	return true
}

// Self returns the host's node key.
func (h *Host) Self() NodeKey { return h.self }

// Addrs returns the multiaddrs at which the host listens, with the actual ports and /p2p, unspecified addresses
// replaced by those of the interfaces.
func (h *Host) Addrs() []string {
	addrs, err := h.stack.swarm.InterfaceListenAddresses()
	if err != nil {
		addrs = h.stack.swarm.ListenAddresses()
	}
	out := make([]string, len(addrs))
	for i, a := range addrs {
		out[i] = fmt.Sprintf("%s/p2p/%s", a, h.stack.host.ID())
	}
	return out
}

// Connected returns the keys of all connected peers, sorted.
func (h *Host) Connected() []NodeKey {
	var keys []NodeKey
	for _, r := range h.table.sorted() {
		if r.connected() {
			keys = append(keys, r.key)
		}
	}
	return keys
}

// PeerStatus describes kept and connected peers, sorted by key.
func (h *Host) PeerStatus() []PeerStatus {
	remotes := h.table.sorted()
	out := make([]PeerStatus, len(remotes))
	for i, r := range remotes {
		out[i] = r.status()
	}
	return out
}

// Watch reports connections: fn(key, true) for every peer connected now and later, fn(key, false) when one is lost. The
// two in direct succession mean that something under way was lost while the peer stayed reachable. All watchers are
// called from one goroutine; while one blocks, notices are merged, never dropped. No calls come after Close.
func (h *Host) Watch(fn func(key NodeKey, up bool)) { h.watch.add(fn) }

// permitted applies the gate of ValidatorsOnly traffic.
func (h *Host) permitted(key NodeKey, validatorsOnly bool) bool {
	return !validatorsOnly || h.allow == nil || h.allow(key)
}

// notifiee connects libp2p's notices to the table.
func (h *Host) notifiee() network.Notifiee {
	return &network.NotifyBundle{
		ConnectedF: h.table.up,
		DisconnectedF: func(n network.Network, c network.Conn) {
			h.table.down(n, c)
			h.gossip.forget(c.RemotePeer(), n)
		},
	}
}
