package p2p

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// childEnv makes the test binary run as a node of its own, to be killed.
const childEnv = "ISTHMUS_P2P_CHILD"

func TestMain(m *testing.M) {
	if addr := os.Getenv(childEnv); addr != "" {
		runChild(addr)
		return
	}
	goleak.VerifyTestMain(m)
}

const loopback = "/ip4/127.0.0.1/udp/0/quic-v1"

var votes = Class{Name: "votes", MaxSize: 1024, Queue: 4096, ValidatorsOnly: true}

func testKey(i byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{i + 1}, ed25519.SeedSize))
}

func nodeKey(i byte) NodeKey { return NodeKey(testKey(i).Public().(ed25519.PublicKey)) }

func testLog(t testing.TB) *slog.Logger {
	if testing.Verbose() {
		return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelInfo})).With("test", t.Name())
	}
	return nil
}

// start runs a host with the test's key i.
func start(t testing.TB, i byte, change func(*Config)) *Host {
	t.Helper()
	cfg := Config{Key: testKey(i), Listen: []string{loopback}, Logger: testLog(t)}
	if change != nil {
		change(&cfg)
	}
	h, err := New(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeHost(t, h) })
	return h
}

func closeHost(t testing.TB, h *Host) {
	t.Helper()
	if err := h.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

// bare returns where h listens, without /p2p.
func bare(t testing.TB, h *Host) string {
	t.Helper()
	_, addr, err := SplitAddr(h.Addrs()[0])
	if err != nil {
		t.Fatal(err)
	}
	return addr
}

// mesh runs n hosts that all keep each other.
func mesh(t testing.TB, n int) []*Host {
	t.Helper()
	hosts := make([]*Host, n)
	for i := range hosts {
		hosts[i] = start(t, byte(i), func(c *Config) {
			c.Static = map[NodeKey][]string{nodeKey(byte(i)): nil}
			for j := range n {
				if j < i {
					c.Static[nodeKey(byte(j))] = []string{bare(t, hosts[j])}
				} else {
					c.Static[nodeKey(byte(j))] = nil // waited for
				}
			}
		})
	}
	for _, h := range hosts {
		until(t, "connected", func() bool { return len(h.Connected()) == n-1 })
	}
	return hosts
}

func pair(t testing.TB) (*Host, *Host) {
	t.Helper()
	hosts := mesh(t, 2)
	return hosts[0], hosts[1]
}

func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(8 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within 8 s: %s", what)
		}
	}
}

func wantErr(t testing.TB, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Fatalf("error: got %v, want %v", got, want)
	}
}

func receive[T any](t testing.TB, ch <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(8 * time.Second):
		t.Fatalf("not within 8 s: %s", what)
		panic("unreachable")
	}
}

func TestIdentity(t *testing.T) {
	key := nodeKey(3)
	text, err := PeerID(key)
	if err != nil {
		t.Fatal(err)
	}
	back, err := KeyOfPeerID(text)
	if err != nil || back != key {
		t.Fatalf("got %x, %v, want %x", back, err, key)
	}
	full, err := JoinAddr(loopback, key)
	if err != nil {
		t.Fatal(err)
	}
	k, addr, err := SplitAddr(full)
	if err != nil || k != key || addr != loopback {
		t.Fatalf("got %x %s %v", k, addr, err)
	}
	for _, bad := range []string{"", loopback, "/ip4/1.2.3.4/tcp/5/p2p/" + text, "/p2p/" + text,
		loopback + "/p2p/QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N"} {
		_, _, err := SplitAddr(bad)
		wantErr(t, err, ErrConfig)
	}
}

func TestConfigRefusals(t *testing.T) {
	good := func() Config { return Config{Key: testKey(0), Listen: []string{loopback}} }
	h, err := New(context.Background(), good())
	if err != nil {
		t.Fatal(err)
	}
	closeHost(t, h)
	for name, change := range map[string]func(*Config){
		"key":    func(c *Config) { c.Key = c.Key[:32] },
		"listen": func(c *Config) { c.Listen = []string{"/ip4/127.0.0.1/tcp/0"} },
		"static": func(c *Config) { c.Static = map[NodeKey][]string{nodeKey(1): {"localhost:1"}} },
		"known":  func(c *Config) { c.Known = []string{loopback} },
		"limits": func(c *Config) { c.Limits.Strangers = -1 },
	} {
		t.Run(name, func(t *testing.T) {
			c := good()
			change(&c)
			_, err := New(context.Background(), c)
			wantErr(t, err, ErrConfig)
		})
	}
}

func TestListenOnTakenPort(t *testing.T) {
	a := start(t, 0, nil)
	_, err := New(context.Background(), Config{Key: testKey(1), Listen: []string{bare(t, a)}})
	if err == nil {
		t.Fatal("a second host listens on the same port")
	}
}

func TestOrderAcrossFourHosts(t *testing.T) {
	const n, each = 4, 2000
	hosts := mesh(t, n)
	type got struct {
		mu   sync.Mutex
		next map[NodeKey]uint32
	}
	all := make([]*got, n)
	for i, h := range hosts {
		g := &got{next: make(map[NodeKey]uint32)}
		all[i] = g
		h.HandleMessages(votes, func(from NodeKey, msg []byte) {
			g.mu.Lock()
			defer g.mu.Unlock()
			if v := binary.BigEndian.Uint32(msg); v != g.next[from] {
				t.Errorf("host %d from %x: got %d, want %d", i, from[:2], v, g.next[from])
			}
			g.next[from]++
		})
	}
	for _, h := range hosts {
		go func() {
			msg := make([]byte, 200)
			for k := range uint32(each) {
				binary.BigEndian.PutUint32(msg, k)
				h.Broadcast(votes, msg)
			}
		}()
	}
	for i, g := range all {
		until(t, "all votes", func() bool {
			g.mu.Lock()
			defer g.mu.Unlock()
			for j := range n {
				if j != i && g.next[nodeKey(byte(j))] != each {
					return false
				}
			}
			return true
		})
	}
	for _, h := range hosts {
		for _, s := range h.PeerStatus() {
			if s.Dropped != 0 || !s.Connected || !s.Static || s.RTT == 0 || s.Queued != 0 {
				t.Errorf("status: %+v", s)
			}
		}
	}
}

func TestSimultaneousDials(t *testing.T) {
	// Ports are chosen first, so that both sides know each other's address from the start.
	var addrs [2]string
	for i := range addrs {
		h, err := New(context.Background(), Config{Key: testKey(byte(i)), Listen: []string{loopback}})
		if err != nil {
			t.Fatal(err)
		}
		addrs[i] = bare(t, h)
		closeHost(t, h)
	}
	var hosts [2]*Host
	for i := range hosts {
		hosts[i] = start(t, byte(i), func(c *Config) {
			c.Listen = []string{addrs[i]}
			c.Static = map[NodeKey][]string{nodeKey(byte(1 - i)): {addrs[1-i]}}
		})
	}
	got := make(chan NodeKey, 2)
	for i, h := range hosts {
		h.HandleMessages(votes, func(from NodeKey, _ []byte) { got <- from })
		until(t, "connected", func() bool { return len(h.Connected()) == 1 })
		if err := h.Send(nodeKey(byte(1-i)), votes, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	receive(t, got, "vote")
	receive(t, got, "vote")
}

func TestCloseTwice(t *testing.T) {
	a, b := pair(t)
	closeHost(t, a)
	closeHost(t, a)
	wantErr(t, a.Send(b.Self(), votes, nil), ErrNotConnected)
	wantErr(t, a.Publish("x", nil), ErrNotJoined)
	wantErr(t, a.Join("x", 10, nil, nil), ErrClosed)
}
