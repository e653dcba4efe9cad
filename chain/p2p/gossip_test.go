package p2p

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

const heads = "heads"

// line runs three hosts a – b – c.
func line(t *testing.T) (a, b, c *Host) {
	t.Helper()
	b = start(t, 1, nil)
	dial := func(cfg *Config) { cfg.Known = b.Addrs() }
	a, c = start(t, 0, dial), start(t, 2, dial)
	until(t, "connected", func() bool { return len(b.Connected()) == 2 })
	return a, b, c
}

func TestGossipCrossesANode(t *testing.T) {
	a, b, c := line(t)
	type hop struct {
		from NodeKey
		msg  string
	}
	atB, atC := make(chan hop, 16), make(chan hop, 16)
	validate := func(_ NodeKey, msg []byte) error {
		switch string(msg) {
		case "stale":
			return fmt.Errorf("old: %w", ErrIgnore)
		case "forged":
			return errors.New("bad certificate")
		}
		return nil
	}
	into := func(ch chan hop) func(NodeKey, []byte) { return func(k NodeKey, m []byte) { ch <- hop{k, string(m)} } }
	own := make(chan hop, 16)
	for _, err := range []error{
		a.Join(heads, 1000, validate, into(own)), b.Join(heads, 100, validate, into(atB)), c.Join(heads, 1000, nil, into(atC)),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	// Subscriptions spread in the background: publish until one arrives.
	for i, end := 0, time.Now().Add(8*time.Second); len(atC) == 0; i++ {
		if time.Now().After(end) {
			t.Fatal("no gossip within 8 s")
		}
		if err := a.Publish(heads, fmt.Appendf(nil, "try %d", i)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
	}
	if h := receive(t, atC, "gossip"); h.from != b.Self() {
		t.Fatalf("relayed by %x, want b", h.from)
	}
	// b relays neither the ignored nor the rejected nor the oversized (for b), and handles none of them.
	refused := []string{"stale", "forged", string(make([]byte, 101))}
	for _, text := range append(refused, "last") {
		if err := a.Publish(heads, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	for _, ch := range []chan hop{atB, atC} {
		until(t, "the last message", func() bool {
			h := receive(t, ch, "gossip")
			for _, text := range refused {
				if h.msg == text {
					t.Fatalf("%q went through", text)
				}
			}
			return h.msg == "last"
		})
	}
	if len(own) != 0 {
		t.Fatalf("own message handled: %v", <-own)
	}
}

func TestGossipRefusals(t *testing.T) {
	a := start(t, 0, nil)
	if err := a.Join(heads, 100, nil, nil); err != nil {
		t.Fatal(err)
	}
	if err := a.Publish(heads, make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	wantErr(t, a.Publish(heads, make([]byte, 101)), ErrTooLarge)
	wantErr(t, a.Publish("other", nil), ErrNotJoined)
	wantErr(t, a.Join(heads, 100, nil, nil), ErrJoined)
	wantErr(t, a.Join("x", 0, nil, nil), ErrConfig)
	wantErr(t, a.Join("x", 2<<20, nil, nil), ErrConfig)
}

// TestInvalidGossipSilencesThePeer: after a few rejected messages, b hears a no more; a's other traffic goes on.
func TestInvalidGossipSilencesThePeer(t *testing.T) {
	a, b := pair(t)
	heard := make(chan string, 1024)
	check := func(_ NodeKey, m []byte) error {
		heard <- string(m)
		if m[0] == 'x' {
			return errors.New("invalid")
		}
		return nil
	}
	if err := errors.Join(a.Join(heads, 100, nil, nil), b.Join(heads, 100, check, nil)); err != nil {
		t.Fatal(err)
	}
	publish := func(kind string, i int) {
		if err := a.Publish(heads, fmt.Appendf(nil, "%s%d", kind, i)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	for i := 0; len(heard) == 0; i++ {
		publish("ok", i)
	}
	for i := range 20 {
		publish("x", i)
	}
	until(t, "silence", func() bool {
		for len(heard) > 0 {
			<-heard
		}
		publish("ok", int(time.Now().UnixNano()))
		time.Sleep(50 * time.Millisecond)
		return len(heard) == 0
	})
	got := make(chan struct{}, 1)
	b.HandleMessages(votes, func(NodeKey, []byte) { got <- struct{}{} })
	if err := a.Send(b.Self(), votes, nil); err != nil {
		t.Fatal(err)
	}
	receive(t, got, "a vote")
}
