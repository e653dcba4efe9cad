package p2p

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// upDown is a call of Watch's function.
type upDown struct {
	key NodeKey
	up  bool
	at  time.Time
}

func watch(h *Host) <-chan upDown {
	ch := make(chan upDown, 64)
	h.Watch(func(k NodeKey, up bool) { ch <- upDown{k, up, time.Now()} })
	return ch
}

func wantEvent(t *testing.T, ch <-chan upDown, up bool) upDown {
	t.Helper()
	e := receive(t, ch, fmt.Sprintf("notice up=%v", up))
	if e.up != up {
		t.Fatalf("notice: got up=%v, want %v", e.up, up)
	}
	return e
}

func TestReconnectOnTheSamePort(t *testing.T) {
	// b is down for longer than the first steps of the back-off.
	b := start(t, 1, nil)
	addr := bare(t, b)
	a := start(t, 0, func(c *Config) { c.Static = map[NodeKey][]string{nodeKey(1): {addr}} })
	events := watch(a)
	wantEvent(t, events, true)
	closeHost(t, b)
	wantEvent(t, events, false)
	wantErr(t, a.Send(nodeKey(1), votes, nil), ErrNotConnected)
	time.Sleep(1500 * time.Millisecond)

	back := time.Now()
	b = start(t, 1, func(c *Config) { c.Listen = []string{addr} }) // it does not dial itself
	got := make(chan []byte, 1)
	b.HandleMessages(votes, func(_ NodeKey, msg []byte) { got <- msg })
	e := wantEvent(t, events, true)
	if d := e.at.Sub(back); d > 1500*time.Millisecond {
		t.Errorf("back after %v", d)
	}
	if err := a.Send(nodeKey(1), votes, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	receive(t, got, "a vote on a stream opened anew")
}

// runChild is a node of its own process: it keeps the node at addr ("KEYHEX is the test's key 0") and sends votes.
func runChild(addr string) {
	target, listen, _ := strings.Cut(addr, " ")
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	h, err := New(context.Background(), Config{
		Key: testKey(1), Listen: []string{listen}, Logger: log,
		Static: map[NodeKey][]string{nodeKey(0): {target}},
	})
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	fmt.Println(h.Addrs()[0])
	for {
		_ = h.Send(nodeKey(0), votes, []byte("child"))
		time.Sleep(5 * time.Millisecond)
	}
}

// child starts a process and returns where it listens.
func child(t *testing.T, target, listen string) (*exec.Cmd, string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+target+" "+listen)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	_, addr, err := SplitAddr(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	return cmd, addr
}

func TestKilledProcess(t *testing.T) {
	a := start(t, 0, func(c *Config) { c.Static = map[NodeKey][]string{nodeKey(1): nil} })
	got := make(chan struct{}, 1)
	a.HandleMessages(votes, func(NodeKey, []byte) {
		select {
		case got <- struct{}{}:
		default:
		}
	})
	events := watch(a)
	cmd, addr := child(t, bare(t, a), loopback)
	wantEvent(t, events, true)
	receive(t, got, "a vote")

	// Killed and restarted at once on its port: its votes flow, and the interruption is reported.
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	killed := time.Now()
	for len(got) > 0 {
		<-got
	}
	cmd, _ = child(t, bare(t, a), addr)
	receive(t, got, "a vote of the restarted process")
	t.Logf("votes again %v after the kill", time.Since(killed))
	if d := time.Since(killed); d > 2*time.Second {
		t.Errorf("votes again only after %v", d)
	}
	wantEvent(t, events, false)
	e := wantEvent(t, events, true)
	t.Logf("interruption reported after %v", e.at.Sub(killed))

	// Killed for good: noticed within the idle timeout.
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	killed = time.Now()
	e = wantEvent(t, events, false)
	t.Logf("death reported after %v", e.at.Sub(killed))
	if d := e.at.Sub(killed); d > idleTimeout+2*time.Second {
		t.Errorf("death reported after %v", d)
	}
}

func TestStrangersAreBounded(t *testing.T) {
	a := start(t, 0, func(c *Config) {
		c.Limits.Strangers = 2
		c.Allow = func(k NodeKey) bool { return k == nodeKey(9) }
	})
	for i := range byte(4) {
		start(t, i+1, func(c *Config) { c.Known = a.Addrs() })
	}
	until(t, "two strangers", func() bool { return len(a.Connected()) == 2 })
	validator := start(t, 9, func(c *Config) { c.Known = a.Addrs() })
	until(t, "the validator", func() bool {
		for _, k := range a.Connected() {
			if k == validator.Self() {
				return true
			}
		}
		return false
	})
	if n := len(a.Connected()); n != 3 {
		t.Fatalf("%d connected, want 3", n)
	}
}

func TestWatchersMerge(t *testing.T) {
	w := newWatchers()
	key := nodeKey(1)
	var calls []bool
	drain := func() string {
		calls = nil
		for fn, k, p := w.next(); fn != nil; fn, k, p = w.next() {
			if p.down {
				fn(k, false)
			}
			if p.up {
				fn(k, true)
			}
		}
		return fmt.Sprint(calls)
	}
	w.note(key, true)
	w.add(func(_ NodeKey, up bool) { calls = append(calls, up) })
	for _, step := range []struct {
		notes []bool
		want  string
	}{
		{nil, "[true]"}, // present before the watcher
		{[]bool{false, true}, "[false true]"},
		{[]bool{false, true, false, true}, "[false true]"},
		{[]bool{false, true, false}, "[false]"},
		{[]bool{true, false}, "[]"},
		{[]bool{true}, "[true]"},
	} {
		for _, up := range step.notes {
			w.note(key, up)
		}
		if got := drain(); got != step.want {
			t.Fatalf("notes %v: got %s, want %s", step.notes, got, step.want)
		}
	}
}
