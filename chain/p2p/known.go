package p2p

import (
	"fmt"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

const (
	// maxAdded bounds the peers that AddKnown adds; the resource manager has room for as many.
	maxAdded = 256
	// maxAddedAddrs bounds the addresses of a peer to which AddKnown adds some.
	maxAddedAddrs = 32
)

// AddKnown keeps further nodes connected from now on, as if their full multiaddrs (with /p2p) had been in Config.Known;
// new addresses of a peer that is kept already join those it has. Known addresses and the host's own are ignored. It
// adds all or nothing.
//
// Errors: ErrConfig for an address that cannot be used, for more than 256 added peers, and for more than 32 addresses of
// one peer; ErrClosed.
func (h *Host) AddKnown(full ...string) error {
	known, err := parseKnown(full)
	if err != nil {
		return err
	}
	delete(known, h.self)
	ids := make(map[NodeKey]peer.ID, len(known))
	for key := range known {
		if ids[key], err = idOf(key); err != nil {
			return err
		}
	}
	if !h.enter() {
		return ErrClosed
	}
	defer h.leave()
	start, err := h.table.addKnown(known, ids)
	if err != nil {
		return err
	}
	for _, r := range start {
		h.spawn(func() { h.keep(r) })
	}
	return nil
}

// addKnown replaces the targets of peers that get new addresses and returns those that need a keeper, already claimed.
func (t *table) addKnown(known map[NodeKey][]ma.Multiaddr, ids map[NodeKey]peer.ID) ([]*remote, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	next, fresh, err := t.plan(known)
	if err != nil {
		return nil, err
	}
	t.added += fresh
	var start []*remote
	for key, target := range next {
		r := t.remotes[key]
		if r == nil {
			r = t.add(key, ids[key], nil)
		}
		r.target.Store(target)
		t.befriend(r)
		if !r.keeper {
			r.keeper = true
			start = append(start, r)
		}
		r.signal() // a keeper that pauses tries the new addresses now
	}
	return start, nil
}

// plan returns the targets to be replaced and how many peers become kept by that.
func (t *table) plan(known map[NodeKey][]ma.Multiaddr) (next map[NodeKey]*target, fresh int, err error) {
	next = make(map[NodeKey]*target)
	for key, addrs := range known {
		old := &target{}
		if r := t.remotes[key]; r != nil && r.target.Load() != nil {
			old = r.target.Load()
		} else {
			fresh++
		}
		all := slices.Clone(old.addrs)
		for _, a := range addrs {
			if !slices.ContainsFunc(all, a.Equal) {
				all = append(all, a)
			}
		}
		if len(all) == len(old.addrs) {
			continue
		}
		if len(all) > maxAddedAddrs {
			return nil, 0, fmt.Errorf("%w: peer %x: got %d addresses, want at most %d", ErrConfig, key[:4], len(all), maxAddedAddrs)
		}
		next[key] = &target{addrs: all, static: old.static}
	}
	if t.added+fresh > maxAdded {
		return nil, 0, fmt.Errorf("%w: got %d peers added at run time, want at most %d", ErrConfig, t.added+fresh, maxAdded)
	}
	return next, fresh, nil
}

// befriend stops counting a peer's connections as a stranger's. The caller holds the table's lock.
func (t *table) befriend(r *remote) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.conns {
		delete(t.strange, c)
	}
}

// claim makes the caller the one who starts a peer's keeper; it reports false if there is one.
func (t *table) claim(r *remote) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if r.keeper {
		return false
	}
	r.keeper = true
	return true
}
