package node

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestMain fails if a goroutine is left. Those of goleveldb end a second after
// their store was closed.
func TestMain(m *testing.M) {
	code := m.Run()
	for end := time.Now().Add(5 * time.Second); code == 0; {
		err := goleak.Find()
		if err == nil {
			break
		}
		if time.Now().After(end) {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// debug makes nodes log everything.
var debug = os.Getenv("ISTHMUS_TEST_DEBUG") != ""

// patience bounds every wait; a machine with nothing else to do needs far less.
const patience = 40 * time.Second

// eventually polls until missing returns nothing.
func eventually(t testing.TB, what string, missing func() string) {
	t.Helper()
	var last string
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if last = missing(); last == "" {
			return
		}
	}
	t.Fatalf("%s: %s", what, last)
}

// journal keeps the last lines that nodes logged, for when a test fails.
type journal struct {
	mu    sync.Mutex
	lines [][]byte
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, bytes.Clone(b))
	if over := len(j.lines) - 10_000; over > 0 && !debug {
		j.lines = j.lines[over:]
	}
	return len(b), nil
}

// last returns the end of the journal, or all of it.
func (j *journal) last(n int) []byte {
	j.mu.Lock()
	defer j.mu.Unlock()
	if debug {
		n = len(j.lines)
	}
	return bytes.Join(j.lines[max(0, len(j.lines)-n):], nil)
}

func (j *journal) contains(text string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, l := range j.lines {
		if bytes.Contains(l, []byte(text)) {
			return true
		}
	}
	return false
}

// watchLog tells when the node runs: everything that Run sets up is there then. It
// keeps what the node says of mesh items that it did not take.
type watchLog struct {
	slog.Handler
	up      func()
	refused func(refusal)
}

// refusal is a mesh item that a node did not take.
type refusal struct {
	lane  uint32
	fault bool
	err   error
}

func (h watchLog) Enabled(context.Context, slog.Level) bool { return true }

func (h watchLog) Handle(ctx context.Context, r slog.Record) error {
	f := refusal{fault: r.Message == "a lane carried a mesh item that cannot verify"}
	switch {
	case r.Message == "node runs":
		h.up()
	case f.fault, r.Message == "mesh item not taken", r.Message == "a link changed":
		r.Attrs(func(a slog.Attr) bool {
			switch a.Key {
			case "lane":
				f.lane = uint32(a.Value.Uint64())
			case "error":
				f.err, _ = a.Value.Any().(error)
			}
			return true
		})
		h.refused(f)
	}
	if !h.Handler.Enabled(ctx, r.Level) {
		return nil
	}
	return h.Handler.Handle(ctx, r)
}

func (h watchLog) WithAttrs(a []slog.Attr) slog.Handler {
	h.Handler = h.Handler.WithAttrs(a)
	return h
}

func (h watchLog) WithGroup(g string) slog.Handler {
	h.Handler = h.Handler.WithGroup(g)
	return h
}

// testNode is one validator in this process, up or down.
type testNode struct {
	t       testing.TB
	name    string
	dir     string
	journal *journal
	opt     Options
	opened  func(*Node) // called between Open and Run

	mu     sync.Mutex
	node   *Node // nil while it is down
	cancel context.CancelFunc
	done   chan error // what Run returned; closed then

	refusals []refusal
}

func (n *testNode) refused(f refusal) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.refusals = append(n.refusals, f)
}

// newRefusals takes what was refused since the last call.
func (n *testNode) newRefusals() []refusal {
	n.mu.Lock()
	defer n.mu.Unlock()
	out := n.refusals
	n.refusals = nil
	return out
}

// tryStart opens the folder and runs the node.
func (n *testNode) tryStart() error {
	up := make(chan struct{})
	var once sync.Once
	opt := n.opt
	level := slog.LevelInfo
	if debug {
		level = slog.LevelDebug
	}
	opt.Logger = slog.New(watchLog{
		slog.NewTextHandler(n.journal, &slog.HandlerOptions{Level: level}), func() { once.Do(func() { close(up) }) }, n.refused,
	}).With("node", n.name)
	node, err := Open(n.dir, opt)
	if err != nil {
		return err
	}
	if n.opened != nil {
		n.opened(node)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- errors.Join(node.Run(ctx), node.Close())
		close(done)
	}()
	n.mu.Lock()
	n.node, n.cancel, n.done = node, cancel, done
	n.mu.Unlock()
	select {
	case <-up:
		return nil
	case <-time.After(patience):
		err = errors.New("the node does not come up")
	case err = <-done:
	}
	cancel()
	n.mu.Lock()
	n.node = nil
	n.mu.Unlock()
	return fmt.Errorf("%s: %w", n.name, err)
}

func (n *testNode) start() {
	n.t.Helper()
	if err := n.tryStart(); err != nil {
		n.t.Fatal(err)
	}
}

// stop ends the node, if it is up, and returns what Run and Close returned.
func (n *testNode) stop() error {
	n.mu.Lock()
	node := n.node
	n.node = nil
	n.mu.Unlock()
	if node == nil {
		return nil
	}
	n.cancel()
	return <-n.done
}

// up returns the node, nil while it is down.
func (n *testNode) up() *Node {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.node
}

func (n *testNode) api() *backend { return &backend{n.up()} }

// randomness is crypto/rand as a reader that is a value.
type randomness struct{}

func (randomness) Read(b []byte) (int, error) { return rand.Read(b) }
