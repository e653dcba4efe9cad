package client

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/isthmus-network/isthmus/proofs"
)

// stateRetry is how soon our state is read again after that failed.
const stateRetry = time.Second

// Client follows all registered peers. Make it with [New], then call Run; all
// other methods may be called from anywhere at any time and never block on the
// network.
type Client struct {
	cfg     Config
	changed chan struct{} // one place: changes coalesce

	mu        sync.Mutex
	followers map[proofs.NetworkID]*follower
}

// New returns a client that does nothing until Run. It panics if cfg lacks what
// it must have: that is a programming error.
func New(cfg Config) *Client {
	if cfg.Transport == nil || cfg.Local == nil || cfg.Self == proofs.HomeNetwork {
		panic("client: Config needs Self, Transport and Local")
	}
	c := &Client{cfg: cfg.withDefaults(), changed: make(chan struct{}, 1), followers: make(map[proofs.NetworkID]*follower)}
	c.StateChanged()
	return c
}

// Run follows until ctx ends and returns its error. All goroutines have ended
// when it returns. It may be called once.
func (c *Client) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	retry := time.NewTimer(stateRetry)
	defer retry.Stop()
	for {
		retry.Stop()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-c.changed:
		}
		for {
			err := c.distribute(ctx, &wg)
			if err == nil || errors.Is(err, context.Canceled) {
				break
			}
			c.cfg.Logger.Error("mesh: cannot read our own state", "err", err)
			retry.Reset(stateRetry)
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-retry.C:
			}
		}
	}
}

// distribute hands each peer's part of our state to its follower, starts those
// that are missing, and ends those that are no peers any more.
func (c *Client) distribute(ctx context.Context, wg *sync.WaitGroup) error {
	views, err := c.cfg.Local.Peers()
	if err != nil {
		return err
	}
	index, n := c.cfg.Local.Turn()
	c.mu.Lock()
	defer c.mu.Unlock()
	present := make(map[proofs.NetworkID]bool, len(views))
	for i := range views {
		id := views[i].Network
		present[id] = true
		f := c.followers[id]
		if f == nil {
			f = newFollower(c, id)
			c.followers[id] = f
			own, cancel := context.WithCancel(ctx)
			f.cancel = cancel
			wg.Go(func() { f.run(own) })
		}
		f.tell(viewNews{view: views[i], index: index, n: n})
	}
	for id, f := range c.followers {
		if !present[id] {
			f.cancel()
			delete(c.followers, id)
		}
	}
	return nil
}

func (c *Client) follower(peer proofs.NetworkID) *follower {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.followers[peer]
}

// Announce takes a gossiped announcement of peer's network, as it arrived. from
// names who sent it, for limits and blame. It is a hint and proves nothing; those
// of networks that are not followed are dropped.
func (c *Client) Announce(peer proofs.NetworkID, from string, msg []byte) {
	if f := c.follower(peer); f != nil {
		f.announce(c.cfg.Local.Now(), from, msg)
	}
}

// StateChanged says that our network's state has a new block. Calls coalesce.
func (c *Client) StateChanged() {
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

// Status describes the followed peers, sorted by network.
func (c *Client) Status() []FollowStatus {
	c.mu.Lock()
	followers := make([]*follower, 0, len(c.followers))
	for _, f := range c.followers {
		followers = append(followers, f)
	}
	c.mu.Unlock()
	out := make([]FollowStatus, len(followers))
	for i, f := range followers {
		f.mu.Lock()
		out[i] = f.status
		f.mu.Unlock()
	}
	slices.SortFunc(out, func(a, b FollowStatus) int { return bytes.Compare(a.Network[:], b.Network[:]) })
	return out
}
