package node

import (
	"context"
	"sync"

	"github.com/isthmus-network/isthmus/chain/api"
	"github.com/isthmus-network/isthmus/chain/types"
)

// events hands blocks that became final or certified to those who watch. Whoever
// is slow misses some.
type events struct {
	mu       sync.Mutex
	watchers map[chan api.Event]struct{}
}

const watcherQueue = 64

func newEvents() *events { return &events{watchers: make(map[chan api.Event]struct{})} }

func (e *events) final(f *types.FinalBlock) { e.send(api.EventFinal, f) }

func (e *events) certified(f *types.FinalBlock) { e.send(api.EventCertified, f) }

func (e *events) send(kind api.EventKind, f *types.FinalBlock) {
	event := api.Event{Kind: kind, Height: f.Block.Header.Height, Time: f.Block.Header.Time}
	e.mu.Lock()
	defer e.mu.Unlock()
	for ch := range e.watchers {
		select {
		case ch <- event:
		default:
		}
	}
}

// watch calls fn for each event until ctx ends or fn fails.
func (e *events) watch(ctx context.Context, fn func(api.Event) error) error {
	ch := make(chan api.Event, watcherQueue)
	e.mu.Lock()
	e.watchers[ch] = struct{}{}
	e.mu.Unlock()
	defer func() {
		e.mu.Lock()
		delete(e.watchers, ch)
		e.mu.Unlock()
	}()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case event := <-ch:
			if err := fn(event); err != nil {
				return err
			}
		}
	}
}
