package bootstrap

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/bls"
)

// Bounds of a walk along key blocks.
const (
	syncBatch      = 512    // key blocks asked for at once; a source may give fewer
	syncAhead      = 4      // batches fetched and not yet verified
	syncTimeout    = 10_000 // ms, for one fetch
	syncHedge      = 1_500  // ms after which a second source is asked for the same
	syncMaxStrikes = 3
	syncRetry      = 200 // ms before a source is asked again after a strike, doubling
)

// Fetch asks a source for the key blocks above height From, at most Limit.
type Fetch struct {
	ID     uint64
	Source string
	From   uint64
	Limit  int

	began uint64
}

// Deadline is when the fetch counts as failed, ms.
func (f *Fetch) Deadline() uint64 { return f.began + syncTimeout }

// Progress describes a walk.
type Progress struct {
	KeyHeight uint64
	Epoch     uint64
	Verified  int           // key blocks, in this walk
	Rate      float64       // of them a second
	Left      time.Duration // estimated from the time that the network's own clock still has to cover; negative: unknown
	Sources   int           // that are still used
}

// Sync plans the walk from a trust to a network's newest key block. It is pure:
// Plan returns what to fetch, Got and Failed tell what came, Verify checks what
// came in order. A walk may be resumed from [Sync.Trust] at any time.
//
// Where a batch begins is known once the one before it has come, so batches are
// fetched one after another, ahead of their verification; a source that is slow
// is raced by a second one; and the end is reached when all sources that are
// left say that nothing follows.
type Sync struct {
	trust    proofs.Trust
	first    uint64 // the trust's time at the start
	began    uint64
	verified int
	ids      uint64

	sources []*source
	fetches []Fetch
	batches []batch
}

// source is what is known of one source.
type source struct {
	name    string
	strikes int
	dropped bool
	err     error  // the newest failure
	after   uint64 // asked again from this time on
	took    uint64 // ms, smoothed
	// end, if ended: it said that nothing follows this height.
	end   uint64
	ended bool
}

// batch is what a source gave, not yet verified.
type batch struct {
	source string
	from   uint64
	blocks []proofs.KeyBlock
}

func (b *batch) last() uint64 { return b.blocks[len(b.blocks)-1].Header.Height }

// NewSync starts a walk. Names must differ.
func NewSync(trust proofs.Trust, sources []string, now uint64) *Sync {
	s := &Sync{trust: trust, first: trust.Time, began: now}
	for _, name := range sources {
		s.sources = append(s.sources, &source{name: name})
	}
	return s
}

// Trust returns how far the walk has come; everything up to it is verified.
func (s *Sync) Trust() proofs.Trust { return s.trust }

// frontier is the height above which key blocks are to be fetched.
func (s *Sync) frontier() uint64 {
	if n := len(s.batches); n > 0 {
		return s.batches[n-1].last()
	}
	return s.trust.KeyHeight
}

// Plan returns the fetches to begin at now.
func (s *Sync) Plan(now uint64) []Fetch {
	s.expire(now)
	if len(s.batches) >= syncAhead {
		return nil
	}
	from, active, oldest := s.frontier(), 0, now
	for i := range s.fetches {
		if s.fetches[i].From == from {
			active++
			oldest = min(oldest, s.fetches[i].began)
		}
	}
	want := 1
	switch {
	case s.anyEnded(from):
		want = len(s.sources) // the end must be confirmed by all
	case active > 0 && now-oldest >= syncHedge:
		want = 2
	}
	var begun []Fetch
	for _, src := range s.idle(now, from) {
		if active >= want {
			break
		}
		active++
		s.ids++
		f := Fetch{ID: s.ids, Source: src.name, From: from, Limit: syncBatch, began: now}
		s.fetches = append(s.fetches, f)
		begun = append(begun, f)
	}
	return begun
}

func (s *Sync) anyEnded(from uint64) bool {
	return slices.ContainsFunc(s.sources, func(src *source) bool { return !src.dropped && src.ended && src.end == from })
}

// idle lists the sources that can be asked for what follows from, the best first.
func (s *Sync) idle(now, from uint64) []*source {
	var out []*source
	for _, src := range s.sources {
		busy := slices.ContainsFunc(s.fetches, func(f Fetch) bool { return f.Source == src.name })
		if !src.dropped && !busy && now >= src.after && !(src.ended && src.end == from) {
			out = append(out, src)
		}
	}
	slices.SortStableFunc(out, func(a, b *source) int {
		return cmp.Or(cmp.Compare(a.strikes, b.strikes), cmp.Compare(a.took, b.took))
	})
	return out
}

func (s *Sync) expire(now uint64) {
	for _, f := range slices.Clone(s.fetches) {
		if now >= f.Deadline() {
			s.Failed(now, f.ID, fmt.Errorf("no answer for key blocks above %d within %d ms", f.From, now-f.began))
		}
	}
}

// take removes a fetch; ok is false if it is not awaited any more.
func (s *Sync) take(id uint64) (f Fetch, src *source, ok bool) {
	i := slices.IndexFunc(s.fetches, func(f Fetch) bool { return f.ID == id })
	if i < 0 {
		return f, nil, false
	}
	f = s.fetches[i]
	s.fetches = slices.Delete(s.fetches, i, i+1)
	return f, s.source(f.Source), true
}

func (s *Sync) source(name string) *source {
	i := slices.IndexFunc(s.sources, func(src *source) bool { return src.name == name })
	return s.sources[i]
}

// Failed tells that a fetch came to nothing: a strike for its source.
func (s *Sync) Failed(now uint64, id uint64, err error) {
	if _, src, ok := s.take(id); ok {
		src.strike(now, err)
	}
}

func (src *source) strike(now uint64, err error) {
	src.strikes++
	src.err = fmt.Errorf("source %s: %w", src.name, err)
	src.after = now + syncRetry<<src.strikes
	src.dropped = src.dropped || src.strikes >= syncMaxStrikes
}

func (src *source) drop(err error) {
	src.err = fmt.Errorf("source %s: %w", src.name, err)
	src.dropped = true
}

// Got tells what a fetch brought; no blocks says that nothing follows.
func (s *Sync) Got(now uint64, id uint64, blocks []proofs.KeyBlock) {
	f, src, ok := s.take(id)
	if !ok {
		return
	}
	src.took = (3*src.took + (now - f.began)) / 4
	if err := s.checkForm(&f, blocks); err != nil {
		src.drop(err)
		return
	}
	switch {
	case f.From != s.frontier():
		return // somebody else was faster, or what it builds on was not valid
	case len(blocks) == 0:
		src.end, src.ended = f.From, true
	default:
		s.batches = append(s.batches, batch{source: src.name, from: f.From, blocks: blocks})
	}
}

// checkForm refuses what cannot be an answer, before any cryptography.
func (s *Sync) checkForm(f *Fetch, blocks []proofs.KeyBlock) error {
	if len(blocks) > f.Limit {
		return fmt.Errorf("got %d key blocks, want at most %d: %w", len(blocks), f.Limit, proofs.ErrTooLarge)
	}
	last := f.From
	for i := range blocks {
		h := &blocks[i].Header
		switch {
		case h.Network != s.trust.Network:
			return fmt.Errorf("key block %d: got network %s, want %s: %w", h.Height, h.Network.Short(), s.trust.Network.Short(), proofs.ErrNetwork)
		case !h.IsKeyBlock():
			return fmt.Errorf("header %d: got no key block: %w", h.Height, proofs.ErrLink)
		case h.Height <= last:
			return fmt.Errorf("key block: got height %d, want more than %d: %w", h.Height, last, proofs.ErrLink)
		}
		last = h.Height
	}
	return nil
}

// Advance follows blocks from t as far as they hold, with the error of the first
// that does not: [proofs.Trust.AdvanceMany], or the same on several cores.
type Advance func(t proofs.Trust, blocks []proofs.KeyBlock, clock proofs.Clock) (proofs.Trust, []*proofs.VerifiedHeader, error)

// Verify checks the next batch with advance and returns its key blocks as far as
// they are valid, and whether there was a batch. What is invalid drops its source,
// and whatever was fetched on top of it is fetched again.
//
// An error is of the verification itself (bls.ErrRandomness) and nobody's fault:
// the batch then waits to be verified again.
func (s *Sync) Verify(now uint64, advance Advance) (valid []proofs.KeyBlock, ok bool, err error) {
	if len(s.batches) == 0 {
		return nil, false, nil
	}
	b := s.batches[0]
	trust, headers, err := advance(s.trust, b.blocks, proofs.Clock{Now: now, Historical: true})
	if errors.Is(err, bls.ErrRandomness) {
		return nil, false, fmt.Errorf("key blocks above %d: %w", b.from, err)
	}
	s.batches = slices.Delete(s.batches, 0, 1)
	s.trust, valid = trust, b.blocks[:len(headers)]
	s.verified += len(valid)
	src := s.source(b.source)
	if err != nil {
		src.drop(err)
		s.batches = nil
	} else {
		src.strikes = max(0, src.strikes-1)
	}
	if len(valid) > 0 {
		s.strikeWithholders(now, &b)
	}
	return valid, true, nil
}

// strikeWithholders blames those who said that nothing follows where something
// does. They may only lag: it is a strike.
func (s *Sync) strikeWithholders(now uint64, b *batch) {
	for _, src := range s.sources {
		if src.ended && src.end == b.from && !src.dropped {
			src.ended = false
			src.strike(now, fmt.Errorf("got nothing above %d, want key block %d, which %s has: %w",
				b.from, b.blocks[0].Header.Height, b.source, ErrSources))
		}
	}
}

// Done reports whether all sources that are left say that nothing follows. Err
// tells apart that none is left.
func (s *Sync) Done() bool {
	if len(s.batches) > 0 {
		return false
	}
	for _, src := range s.sources {
		if !src.dropped && !(src.ended && src.end == s.trust.KeyHeight) {
			return false
		}
	}
	return true
}

// Err returns ErrSources, with the newest failure of each source, if no source is
// left.
func (s *Sync) Err() error {
	errs := []error{fmt.Errorf("key blocks of %s above %d: %w", s.trust.Network.Short(), s.trust.KeyHeight, ErrSources)}
	for _, src := range s.sources {
		if !src.dropped {
			return nil
		}
		errs = append(errs, src.err)
	}
	return errors.Join(errs...)
}

// Complaints returns the newest failure of each source that had one.
func (s *Sync) Complaints() (errs []error) {
	for _, src := range s.sources {
		if src.err != nil {
			errs = append(errs, src.err)
		}
	}
	return errs
}

// Next returns when Plan may have something to do if nothing comes before; 0 if
// it never will.
func (s *Sync) Next(now uint64) (at uint64) {
	soonest := func(t uint64) {
		if t > now && (at == 0 || t < at) {
			at = t
		}
	}
	for i := range s.fetches {
		soonest(s.fetches[i].Deadline())
		soonest(s.fetches[i].began + syncHedge)
	}
	for _, src := range s.sources {
		if !src.dropped {
			soonest(src.after)
		}
	}
	return at
}

// Progress describes the walk at now.
func (s *Sync) Progress(now uint64) Progress {
	p := Progress{KeyHeight: s.trust.KeyHeight, Epoch: s.trust.Epoch, Verified: s.verified, Left: -1}
	for _, src := range s.sources {
		if !src.dropped {
			p.Sources++
		}
	}
	elapsed := float64(now-s.began) / 1000
	if elapsed > 0 {
		p.Rate = float64(s.verified) / elapsed
	}
	if covered, left := float64(s.trust.Time-s.first), float64(now)-float64(s.trust.Time); covered > 0 {
		p.Left = max(0, time.Duration(elapsed*left/covered*float64(time.Second)))
	}
	return p
}
