package p2p

import (
	"fmt"
	"testing"
	"time"
)

// isKnown reports whether a keeps b connected.
func isKnown(a *Host, b NodeKey) bool {
	for _, s := range a.PeerStatus() {
		if s.Key == b {
			return s.Connected
		}
	}
	return false
}

func TestAddKnown(t *testing.T) {
	a, b := start(t, 0, nil), start(t, 1, nil)
	events := watch(a)
	full := append(b.Addrs(), a.Addrs()...) // its own address is ignored
	for range 3 {
		if err := a.AddKnown(full...); err != nil {
			t.Fatal(err)
		}
	}
	wantEvent(t, events, true)
	if n := len(a.PeerStatus()); n != 1 {
		t.Fatalf("%d peers, want 1", n)
	}
	if a.table.added != 1 {
		t.Fatalf("%d peers added, want 1", a.table.added)
	}

	// Kept: it comes back on its port.
	addr := bare(t, b)
	closeHost(t, b)
	wantEvent(t, events, false)
	start(t, 1, func(c *Config) { c.Listen = []string{addr} })
	wantEvent(t, events, true)
}

func TestAddKnownMovedPeer(t *testing.T) {
	// b's first address is dead; its keeper is told of the new one and does not sit out its back-off.
	dead := start(t, 1, nil)
	addr := dead.Addrs()
	closeHost(t, dead)
	b := start(t, 1, nil)
	a := start(t, 0, func(c *Config) { c.Known = addr })
	time.Sleep(3 * time.Second)
	if isKnown(a, b.Self()) {
		t.Fatal("connected to a dead address")
	}
	if err := a.AddKnown(b.Addrs()...); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	until(t, "connected", func() bool { return isKnown(a, b.Self()) })
	if d := time.Since(began); d > 3*time.Second {
		t.Errorf("connected only after %v", d)
	}
}

func TestAddKnownStranger(t *testing.T) {
	// A stranger who is connected becomes known: it no longer takes a stranger's place, and is dialled when it is gone.
	a := start(t, 0, func(c *Config) { c.Limits.Strangers = 1 })
	b := start(t, 1, func(c *Config) { c.Known = a.Addrs() })
	until(t, "the stranger", func() bool { return isKnown(a, b.Self()) })
	if err := a.AddKnown(b.Addrs()...); err != nil {
		t.Fatal(err)
	}
	if !a.table.roomForStranger() {
		t.Fatal("a known peer counts as a stranger")
	}
	c := start(t, 2, func(c *Config) { c.Known = a.Addrs() })
	until(t, "another stranger", func() bool { return isKnown(a, c.Self()) })
	addr := bare(t, b)
	closeHost(t, b)
	until(t, "loss", func() bool { return !isKnown(a, b.Self()) })
	start(t, 1, func(c *Config) { c.Listen = []string{addr} }) // it does not dial
	until(t, "dialled", func() bool { return isKnown(a, nodeKey(1)) })
}

func TestAddKnownStaticWithoutAddress(t *testing.T) {
	b := start(t, 1, nil)
	a := start(t, 0, func(c *Config) { c.Static = map[NodeKey][]string{nodeKey(1): nil} })
	if err := a.AddKnown(b.Addrs()...); err != nil {
		t.Fatal(err)
	}
	until(t, "connected", func() bool { return isKnown(a, b.Self()) })
	if s := a.PeerStatus()[0]; !s.Static {
		t.Fatal("a static peer is no longer static")
	}
}

func TestAddKnownRefusals(t *testing.T) {
	a, b := start(t, 0, nil), start(t, 1, nil)
	good := b.Addrs()[0]
	fulls := func(n int, name func(i int) (string, NodeKey)) (out []string) {
		for i := range n {
			addr, key := name(i)
			full, err := JoinAddr(addr, key)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, full)
		}
		return out
	}
	manyAddrs := fulls(maxAddedAddrs+1, func(i int) (string, NodeKey) {
		return fmt.Sprintf("/ip4/127.0.0.1/udp/%d/quic-v1", i+1), nodeKey(9)
	})
	manyPeers := fulls(maxAdded+1, func(i int) (string, NodeKey) {
		return bare(t, b), NodeKey{byte(i), byte(i >> 8), 7}
	})
	for name, bad := range map[string][]string{
		"no /p2p":        {good, bare(t, b)},
		"not QUIC":       {good, "/ip4/127.0.0.1/tcp/1/p2p/" + b.stack.host.ID().String()},
		"many addresses": manyAddrs,
		"many peers":     manyPeers,
	} {
		if err := a.AddKnown(bad...); err == nil {
			t.Errorf("%s: accepted", name)
		} else {
			wantErr(t, err, ErrConfig)
		}
		if n := len(a.PeerStatus()); n != 0 {
			t.Fatalf("%s: %d peers kept of a refused list", name, n)
		}
	}
	if err := a.AddKnown(good); err != nil {
		t.Fatal(err)
	}
	closeHost(t, a)
	wantErr(t, a.AddKnown(good), ErrClosed)
}
