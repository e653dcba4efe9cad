package bootstrap

import (
	"context"
	"crypto/rand"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/isthmus-network/isthmus/proofs"
)

// Source gives key blocks of one network. Its methods are called concurrently.
type Source interface {
	// Name tells sources apart, and to people who they are.
	Name() string
	// KeyBlocks returns the key blocks above height from, in order, at most limit;
	// none says that from is the newest. It returns when ctx ends.
	KeyBlocks(ctx context.Context, from uint64, limit int) ([]proofs.KeyBlock, error)
}

// FollowOptions may all be left out.
type FollowOptions struct {
	// Keep is told the key blocks that were verified, in order, and the trust after
	// them; an error of it ends the walk. A walk resumes from the trust kept last.
	Keep func(blocks []proofs.KeyBlock, after proofs.Trust) error
	// Show is told the progress after each batch.
	Show func(Progress)
	// Now returns ms since the Unix epoch; nil: the system's clock.
	Now func() uint64
}

// Follow walks from trust to the network's newest key block. No goroutine
// outlives it.
//
// The trust returned is as far as the walk came, also with an error: ErrSources
// if no usable source was left, proofs.ErrExpired if the sources end so early
// that the trust period has passed since (they withhold, or the network stood
// still), the error of ctx or of Keep.
func Follow(ctx context.Context, trust proofs.Trust, sources []Source, o FollowOptions) (proofs.Trust, error) {
	if o.Now == nil {
		o.Now = func() uint64 { return uint64(time.Now().UnixMilli()) }
	}
	w := &walk{o: o, sources: make(map[string]Source), results: make(chan result, len(sources))}
	var names []string
	for _, src := range sources {
		if w.sources[src.Name()] != nil {
			return trust, fmt.Errorf("two sources are called %q: %w", src.Name(), ErrOptions)
		}
		w.sources[src.Name()] = src
		names = append(names, src.Name())
	}
	w.sync = NewSync(trust, names, o.Now())
	ctx, cancel := context.WithCancel(ctx)
	defer w.fetching.Wait()
	defer cancel()
	err := w.run(ctx)
	t := w.sync.Trust()
	if err == nil && t.Expired(o.Now()) {
		err = fmt.Errorf("key blocks of %s end at %d, %v ago, the trust period is %v: %w", t.Network.Short(), t.KeyHeight,
			time.Duration(o.Now()-t.Time)*time.Millisecond, time.Duration(t.TrustPeriod)*time.Millisecond, proofs.ErrExpired)
	}
	return t, err
}

// walk drives one Sync.
type walk struct {
	sync     *Sync
	o        FollowOptions
	sources  map[string]Source
	results  chan result
	fetching sync.WaitGroup
}

type result struct {
	id     uint64
	blocks []proofs.KeyBlock
	err    error
}

func (w *walk) run(ctx context.Context) error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		w.drain()
		for _, f := range w.sync.Plan(w.o.Now()) {
			w.begin(ctx, f)
		}
		switch verified, err := w.verify(); {
		case err != nil:
			return err
		case verified && ctx.Err() == nil:
			continue
		case w.sync.Done():
			return w.sync.Err()
		}
		now := w.o.Now()
		wait := time.Hour
		if at := w.sync.Next(now); at != 0 {
			wait = time.Duration(at-now) * time.Millisecond
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case r := <-w.results:
			w.handle(r)
		case <-timer.C:
		}
	}
}

// drain takes the results that are there, so that none counts as late because a
// batch was being verified.
func (w *walk) drain() {
	for {
		select {
		case r := <-w.results:
			w.handle(r)
		default:
			return
		}
	}
}

func (w *walk) handle(r result) {
	if r.err != nil {
		w.sync.Failed(w.o.Now(), r.id, r.err)
		return
	}
	w.sync.Got(w.o.Now(), r.id, r.blocks)
}

func (w *walk) verify() (bool, error) {
	valid, ok, err := w.sync.Verify(w.o.Now(), AdvanceOnCores(runtime.GOMAXPROCS(0), rand.Reader))
	if !ok {
		return false, err
	}
	if w.o.Keep != nil && len(valid) > 0 {
		if err := w.o.Keep(valid, w.sync.Trust()); err != nil {
			return false, fmt.Errorf("keep key blocks up to %d: %w", w.sync.Trust().KeyHeight, err)
		}
	}
	if w.o.Show != nil {
		w.o.Show(w.sync.Progress(w.o.Now()))
	}
	return true, nil
}

// begin asks a source in a goroutine that ends with the walk, or a little after
// the fetch's deadline.
func (w *walk) begin(ctx context.Context, f Fetch) {
	src := w.sources[f.Source]
	w.fetching.Go(func() {
		own, cancel := context.WithTimeout(ctx, syncTimeout*time.Millisecond)
		defer cancel()
		blocks, err := src.KeyBlocks(own, f.From, f.Limit)
		select {
		case w.results <- result{f.ID, blocks, err}:
		case <-ctx.Done():
		}
	})
}
