package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// chainOf is our network in a bubble: n validators with a client each, one state,
// and a block every 50 ms of whatever the lanes hold.
type chainOf struct {
	t       *testing.T
	f       *foreign
	began   time.Time
	clients []*Client
	cancel  context.CancelFunc
	wg      sync.WaitGroup

	mu        sync.Mutex
	o         *ours
	lane      []submit
	submitted []int // by validator
	failState error
	failLane  error
	blamed    []string
	lie       func(index int, resp []byte) []byte // what sources say to a validator
	hang      bool
}

// member is one validator's Transport and Local.
type member struct {
	c     *chainOf
	index int
}

func (m member) Now() uint64 {
	return start + 10_000 + uint64(time.Since(m.c.began).Milliseconds())
}

func (m member) Turn() (int, int) { return m.index, len(m.c.clients) }

func (m member) Peers() ([]PeerView, error) {
	m.c.mu.Lock()
	defer m.c.mu.Unlock()
	if m.c.failState != nil {
		return nil, m.c.failState
	}
	return []PeerView{m.c.o.view}, nil
}

func (m member) Submit(kind types.ItemKind, data []byte) error {
	m.c.mu.Lock()
	defer m.c.mu.Unlock()
	if m.c.failLane != nil {
		return m.c.failLane
	}
	m.c.lane = append(m.c.lane, submit{kind, data})
	m.c.submitted[m.index]++
	return nil
}

func (m member) Request(ctx context.Context, _ proofs.NetworkID, proto Proto, req []byte) (string, []byte, error) {
	m.c.mu.Lock()
	hang, lie := m.c.hang, m.c.lie
	m.c.mu.Unlock()
	if hang {
		<-ctx.Done()
		return "node", nil, ctx.Err()
	}
	time.Sleep(5 * time.Millisecond)
	resp, err := Answer(m.c.f, proto, req)
	if lie != nil {
		resp = lie(m.index, resp)
	}
	return "node", resp, err
}

func (m member) Penalize(_ proofs.NetworkID, from string, _ error) {
	m.c.mu.Lock()
	defer m.c.mu.Unlock()
	m.c.blamed = append(m.c.blamed, from)
}

func startChain(t *testing.T, f *foreign, o *ours, n int) *chainOf {
	c := &chainOf{t: t, f: f, o: o, began: time.Now(), submitted: make([]int, n), clients: make([]*Client, n)}
	ctx, cancel := context.WithCancel(t.Context())
	c.cancel = cancel
	for i := range c.clients {
		m := member{c, i}
		c.clients[i] = New(Config{Self: reader, Transport: m, Local: m})
	}
	for _, cl := range c.clients {
		c.wg.Go(func() {
			if err := cl.Run(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("Run: got %v, want context.Canceled", err)
			}
		})
	}
	c.wg.Go(func() {
		for ctx.Err() == nil {
			time.Sleep(50 * time.Millisecond)
			c.block()
		}
	})
	return c
}

func (c *chainOf) stop() {
	c.cancel()
	c.wg.Wait()
}

func (c *chainOf) block() {
	c.mu.Lock()
	lane := c.lane
	c.lane = nil
	c.o.execute(member{c, 0}.Now(), lane)
	c.mu.Unlock()
	if len(lane) > 0 {
		for _, cl := range c.clients {
			cl.StateChanged()
		}
	}
}

func (c *chainOf) announce(a *Announcement) {
	for _, cl := range c.clients {
		cl.Announce(c.f.zero.ID, "node", a.MarshalCanoto())
	}
}

func (c *chainOf) consumed() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.o.view.Consumed.End()
}

func (c *chainOf) total() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.submitted {
		n += s
	}
	return n
}

func TestClientsFollowFromNothing(t *testing.T) {
	f := newForeign(t, "alpha")
	f.emit(10)
	f.block()
	f.keyBlock("d")
	f.block()
	synctest.Test(t, func(t *testing.T) {
		c := startChain(t, f, newOurs(t, f), 4)
		defer c.stop()
		time.Sleep(3 * time.Second)
		if got := c.consumed(); got != 10 {
			t.Fatalf("got %d messages consumed, want 10; status %+v", got, c.clients[0].Status())
		}
		if n := c.total(); n > 12 {
			t.Fatalf("got %d items submitted, want about three: the others wait for their turn", n)
		}
	})
}

// One message every 100 ms: each is consumed within a block or two, by one slice
// of one validator, whoever's turn it is.
func TestClientsKeepUpAndShareTheWork(t *testing.T) {
	f := newForeign(t, "alpha")
	f.block()
	synctest.Test(t, func(t *testing.T) {
		c := startChain(t, f, following(t, f), 4)
		defer c.stop()
		time.Sleep(time.Second)
		for i := range 100 {
			f.emit(1)
			c.announce(f.block())
			time.Sleep(100 * time.Millisecond)
			if got := c.consumed(); got != uint64(i+1) {
				t.Fatalf("message %d: got %d consumed 100 ms after it was announced", i, got)
			}
		}
		if n := c.total(); n > 110 {
			t.Fatalf("got %d slices for 100 messages", n)
		}
		c.mu.Lock()
		submitted := slices.Clone(c.submitted)
		c.mu.Unlock()
		for i, n := range submitted {
			if n == 0 {
				t.Fatalf("validator %d never took its turn: %v", i, submitted)
			}
		}
		if st := c.clients[0].Status(); len(st) != 1 || st[0].Consumed != 100 || st[0].Alarm != "" || st[0].VerifiedHeight == 0 {
			t.Fatalf("got status %+v", st)
		}
	})
}

func TestOthersTakeOverFromTheDead(t *testing.T) {
	f := newForeign(t, "alpha")
	f.block()
	synctest.Test(t, func(t *testing.T) {
		c := startChain(t, f, following(t, f), 4)
		defer c.stop()
		// Two of four hear nothing but garbage: they are as good as dead.
		c.mu.Lock()
		c.lie = func(index int, resp []byte) []byte {
			if index < 2 {
				return []byte("garbage")
			}
			return resp
		}
		c.mu.Unlock()
		time.Sleep(time.Second)
		for i := range 30 {
			f.emit(1)
			c.announce(f.block())
			time.Sleep(700 * time.Millisecond)
			if got := c.consumed(); got != uint64(i+1) {
				t.Fatalf("message %d: got %d consumed 700 ms after it was announced", i, got)
			}
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.submitted[0] != 0 || c.submitted[1] != 0 || len(c.blamed) == 0 {
			t.Fatalf("got %v submitted, %d blamed", c.submitted, len(c.blamed))
		}
	})
}

func TestTroubleAtHomePasses(t *testing.T) {
	f := newForeign(t, "alpha")
	f.emit(1)
	f.block()
	synctest.Test(t, func(t *testing.T) {
		run := startChain(t, f, following(t, f), 1)
		defer run.stop()
		run.mu.Lock()
		run.failState, run.failLane, run.hang = errors.New("disk"), errors.New("full"), true
		run.mu.Unlock()
		run.clients[0].StateChanged()
		time.Sleep(10 * time.Second)
		run.mu.Lock()
		run.failState = nil
		run.mu.Unlock()
		time.Sleep(10 * time.Second) // sources hang
		run.mu.Lock()
		run.hang = false
		run.mu.Unlock()
		time.Sleep(10 * time.Second) // our lane refuses
		if st := run.clients[0].Status(); len(st) != 1 || st[0].LastError != "our own lane: full" {
			t.Fatalf("got status %+v", st)
		}
		run.mu.Lock()
		run.failLane = nil
		run.mu.Unlock()
		time.Sleep(6 * time.Second)
		if got := run.consumed(); got != 1 {
			t.Fatalf("got %d consumed, want 1", got)
		}
	})
}

func TestAnnouncementsOfOneSourceAreLimited(t *testing.T) {
	f := newForeign(t, "alpha")
	synctest.Test(t, func(t *testing.T) {
		c := startChain(t, f, following(t, f), 1)
		defer c.stop()
		time.Sleep(time.Second)
		synctest.Wait()
		follower := c.clients[0].follower(f.zero.ID)
		admitted := 0
		for range 10_000 {
			if follower.admit(5_000, "spammer") {
				admitted++
			}
		}
		if admitted != sourceBurst {
			t.Fatalf("got %d admitted at once, want %d", admitted, sourceBurst)
		}
		for i := range 10_000 {
			follower.admit(5_000, fmt.Sprint("sybil", i))
		}
		follower.mu.Lock()
		got := len(follower.sources)
		follower.mu.Unlock()
		if got > maxSources {
			t.Fatalf("got %d sources remembered, want at most %d", got, maxSources)
		}
		if !follower.admit(5_000+sourceForget+1, "honest") {
			t.Fatal("a new source is still refused after the others were silent")
		}
		c.clients[0].Announce(proofs.NetworkID{9}, "node", nil) // nobody's business
		c.clients[0].Announce(f.zero.ID, "node", []byte("garbage"))
		c.mu.Lock()
		defer c.mu.Unlock()
		if len(c.blamed) != 1 {
			t.Fatalf("got %d blamed for garbage, want 1", len(c.blamed))
		}
	})
}

func TestAPeerThatIsNoneAnyMoreIsLeft(t *testing.T) {
	f := newForeign(t, "alpha")
	synctest.Test(t, func(t *testing.T) {
		m := &goingPeers{member: member{c: &chainOf{t: t, f: f, o: following(t, f), began: time.Now(), clients: make([]*Client, 1)}}}
		cl := New(Config{Self: reader, Transport: m, Local: m})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- cl.Run(ctx) }()
		time.Sleep(time.Second)
		if got := len(cl.Status()); got != 1 {
			t.Fatalf("got %d followed, want 1", got)
		}
		m.c.mu.Lock()
		m.gone = true
		m.c.mu.Unlock()
		cl.StateChanged()
		time.Sleep(time.Second)
		if got := len(cl.Status()); got != 0 {
			t.Fatalf("got %d followed, want none", got)
		}
		cancel()
		<-done
	})
}

type goingPeers struct {
	member
	gone bool
}

func (g *goingPeers) Peers() ([]PeerView, error) {
	g.c.mu.Lock()
	gone := g.gone
	g.c.mu.Unlock()
	if gone {
		return nil, nil
	}
	return g.member.Peers()
}
