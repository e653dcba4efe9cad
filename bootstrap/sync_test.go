package bootstrap

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/bls"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// history is a network's chain of key blocks, with real keys.
type history struct {
	t      testing.TB
	keys   map[proofs.NodeKey]*bls.SecretKey
	zero   *proofs.Zero
	set    *proofs.ValidatorSet
	blocks []proofs.KeyBlock
}

// bubble is when time begins under synctest.
const bubble = 946684800000

func newHistory(t testing.TB, epochs int) *history {
	h := &history{t: t, keys: make(map[proofs.NodeKey]*bls.SecretKey)}
	members := []proofs.Validator{h.validator("a"), h.validator("b")}
	sortSet(members)
	z := proofs.ZeroHeader{Version: proofs.Version, Validators: members, StateRoot: proofs.Hash{1}}
	z.Parameters = DefaultParameters("alpha", "ALP", 9)
	z.Time = bubble - uint64(epochs)*z.Parameters.EpochDuration - 1000
	zero, err := z.Check()
	if err != nil {
		t.Fatal(err)
	}
	h.zero, h.set = zero, zero.Set
	for i := range epochs {
		h.end(i)
	}
	return h
}

func (h *history) validator(name string) proofs.Validator {
	seed := sha256.Sum256([]byte(name))
	key, err := bls.GenerateKey(bytes.NewReader(seed[:]))
	if err != nil {
		h.t.Fatal(err)
	}
	var v proofs.Validator
	v.Node, v.Weight = sha256.Sum256(seed[:]), 1
	v.Key, v.Possession = key.PublicKey().Bytes(), key.ProvePossession(v.Node)
	h.keys[v.Node] = key
	return v
}

func sortSet(m []proofs.Validator) {
	slices.SortFunc(m, func(a, b proofs.Validator) int { return bytes.Compare(a.Node[:], b.Node[:]) })
}

// end adds the key block of an epoch; every fiftieth changes a weight.
func (h *history) end(epoch int) {
	members := h.set.Members()
	if epoch%50 == 10 {
		members[0].Weight = 3 - members[0].Weight
	}
	next, err := proofs.NewValidatorSet(members)
	if err != nil {
		h.t.Fatal(err)
	}
	var k proofs.KeyBlock
	d := &k.Header
	d.Version, d.Network, d.Epoch, d.SetHash = proofs.Version, h.zero.ID, uint64(epoch), h.set.Hash()
	d.Height, d.PreviousKeyHeight = uint64(epoch+1)*10, uint64(epoch)*10
	d.Time = h.zero.Time + uint64(epoch+1)*h.zero.Parameters.EpochDuration
	d.Executed, d.ExecutedTime = d.Height-1, d.Time-1
	d.StateRoot, d.OutboundRoot, d.ReceiptRoot, d.NextSetHash = proofs.Hash{1}, proofs.Hash{2}, merkle.EmptyRoot(), next.Hash()
	k.Certificate, k.Next = h.certify(d), h.set.Delta(next)
	h.blocks = append(h.blocks, k)
	h.set = next
}

func (h *history) certify(d *proofs.Header) (c proofs.Certificate) {
	vote := proofs.Vote{Kind: proofs.TypeFinalize, Epoch: d.Epoch, SetHash: d.SetHash, View: 1, Header: d.ID()}
	c.View, c.Quorum.Bitmap = 1, proofs.NewBitmap(h.set.Len())
	var points []bls.Point
	for i := range h.set.Len() {
		raw := h.keys[h.set.At(i).Node].Sign(vote.SigningBytes(h.zero.ID))
		point, err := bls.ParseVote(raw[:])
		if err != nil {
			h.t.Fatal(err)
		}
		points = append(points, point)
		proofs.SetBit(c.Quorum.Bitmap, i)
	}
	sig, err := bls.Aggregate(points)
	if err != nil {
		h.t.Fatal(err)
	}
	c.Quorum.Signature = sig.Bytes()
	return c
}

// giver is a source that gives 64 key blocks at most; what makes it good or bad is
// in its fields.
type giver struct {
	name  string
	h     *history
	delay time.Duration
	upTo  int                     // how many key blocks it admits to; 0: all
	lie   func([]proofs.KeyBlock) // changes what it gives
	fail  error

	mu    sync.Mutex
	asked int
}

func (g *giver) Name() string { return g.name }

func (g *giver) KeyBlocks(ctx context.Context, from uint64, limit int) ([]proofs.KeyBlock, error) {
	g.mu.Lock()
	g.asked++
	g.mu.Unlock()
	select {
	case <-time.After(g.delay):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	var out []proofs.KeyBlock
	for i, b := range g.h.blocks {
		if b.Header.Height > from && len(out) < min(limit, 64) && (g.upTo == 0 || i < g.upTo) {
			out = append(out, b)
		}
	}
	if g.lie != nil {
		g.lie(out)
	}
	return out, g.fail
}

const ms = time.Millisecond

func wantWalk(t *testing.T, h *history, got proofs.Trust, err error) {
	t.Helper()
	last := h.blocks[len(h.blocks)-1].Header
	if err != nil || got.KeyHeight != last.Height || got.Set.Hash() != last.NextSetHash {
		t.Fatalf("got key block %d, error %v; want key block %d", got.KeyHeight, err, last.Height)
	}
}

func TestFollowsGoodSources(t *testing.T) {
	h := newHistory(t, 300)
	synctest.Test(t, func(t *testing.T) {
		a, b := &giver{name: "a", h: h, delay: 10 * ms}, &giver{name: "b", h: h, delay: 20 * ms}
		kept, shown := 0, Progress{}
		got, err := Follow(t.Context(), proofs.NewTrust(h.zero), []Source{a, b}, FollowOptions{
			Keep: func(blocks []proofs.KeyBlock, after proofs.Trust) error {
				kept += len(blocks)
				if blocks[len(blocks)-1].Header.Height != after.KeyHeight {
					t.Errorf("got trust at %d after key block %d", after.KeyHeight, blocks[len(blocks)-1].Header.Height)
				}
				return nil
			},
			Show: func(p Progress) { shown = p },
		})
		wantWalk(t, h, got, err)
		if kept != 300 || shown.Verified != 300 || shown.Sources != 2 || shown.Rate <= 0 || shown.Left < 0 || shown.Left > time.Second {
			t.Fatalf("kept %d, progress %+v", kept, shown)
		}
		if a.asked == 0 || b.asked == 0 {
			t.Fatalf("asked %d and %d times, want both", a.asked, b.asked)
		}
	})
}

func TestFollowsDespiteBadSources(t *testing.T) {
	h := newHistory(t, 130)
	for name, bad := range map[string]*giver{
		"signature": {lie: func(b []proofs.KeyBlock) {
			each(b, func(k *proofs.KeyBlock) { k.Certificate.Quorum.Signature[9] ^= 1 })
		}},
		"last signature": {lie: func(b []proofs.KeyBlock) { b[len(b)-1].Certificate.Quorum.Signature[9] ^= 1 }},
		"signers": {lie: func(b []proofs.KeyBlock) {
			each(b, func(k *proofs.KeyBlock) { k.Certificate.Quorum.Bitmap = []byte{1} })
		}},
		"set":           {lie: func(b []proofs.KeyBlock) { each(b, func(k *proofs.KeyBlock) { k.Header.NextSetHash[0] ^= 1 }) }},
		"network":       {lie: func(b []proofs.KeyBlock) { each(b, func(k *proofs.KeyBlock) { k.Header.Network[0] ^= 1 }) }},
		"order":         {lie: func(b []proofs.KeyBlock) { slices.Reverse(b) }},
		"no key blocks": {lie: func(b []proofs.KeyBlock) { each(b, func(k *proofs.KeyBlock) { k.Header.NextSetHash = proofs.Hash{} }) }},
		"withholding":   {upTo: 70},
		"all withheld":  {upTo: -1},
		"failing":       {fail: errors.New("connection reset")},
		"slow":          {delay: time.Hour},
		"sluggish":      {delay: 3 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bad.name, bad.h = "bad", h
				good := &giver{name: "good", h: h, delay: 50 * ms}
				began := time.Now()
				got, err := Follow(t.Context(), proofs.NewTrust(h.zero), []Source{bad, good}, FollowOptions{})
				wantWalk(t, h, got, err)
				if took := time.Since(began); took > 45*time.Second {
					t.Fatalf("took %v", took)
				}
			})
		})
	}
}

func each(blocks []proofs.KeyBlock, change func(*proofs.KeyBlock)) {
	for i := range blocks {
		b := blocks[i]
		b.Certificate.Quorum.Bitmap = slices.Clone(b.Certificate.Quorum.Bitmap)
		change(&b)
		blocks[i] = b
	}
}

func TestErrorsNameTheSource(t *testing.T) {
	h := newHistory(t, 3)
	synctest.Test(t, func(t *testing.T) {
		liar := &giver{name: "liar", h: h, lie: func(b []proofs.KeyBlock) {
			each(b, func(k *proofs.KeyBlock) { k.Certificate.Quorum.Bitmap = []byte{1} })
		}}
		dead := &giver{name: "dead", h: h, fail: errors.New("connection reset")}
		got, err := Follow(t.Context(), proofs.NewTrust(h.zero), []Source{liar, dead}, FollowOptions{})
		if !errors.Is(err, ErrSources) || !errors.Is(err, proofs.ErrQuorum) || got.KeyHeight != 0 {
			t.Fatalf("got %d, %v", got.KeyHeight, err)
		}
		for _, want := range []string{"source liar", "got weight 1, want more than 2/3 of 2", "source dead", "connection reset"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("got %q, want it to say %q", err, want)
			}
		}
		if _, err := Follow(t.Context(), proofs.NewTrust(h.zero), nil, FollowOptions{}); !errors.Is(err, ErrSources) {
			t.Errorf("no sources: got %v", err)
		}
	})
}

// SECURITY: eclipse, long range: a walk that ends too early in time is no present.
func TestSourcesThatAllWithholdAreNoticed(t *testing.T) {
	h := newHistory(t, 440) // of an hour; the trust period is 14 days
	synctest.Test(t, func(t *testing.T) {
		a, b := &giver{name: "a", h: h, upTo: 100}, &giver{name: "b", h: h, upTo: 100}
		got, err := Follow(t.Context(), proofs.NewTrust(h.zero), []Source{a, b}, FollowOptions{})
		if !errors.Is(err, proofs.ErrExpired) || got.KeyHeight != 1000 {
			t.Fatalf("got key block %d, %v; want 1000 and ErrExpired", got.KeyHeight, err)
		}
		// It resumes from there.
		got, err = Follow(t.Context(), got, []Source{&giver{name: "c", h: h}}, FollowOptions{})
		wantWalk(t, h, got, err)
	})
}

func TestFollowStops(t *testing.T) {
	h := newHistory(t, 100)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := Follow(ctx, proofs.NewTrust(h.zero), []Source{&giver{name: "slow", h: h, delay: time.Hour}}, FollowOptions{})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("got %v", err)
		}
		full := errors.New("disk full")
		got, err := Follow(t.Context(), proofs.NewTrust(h.zero), []Source{&giver{name: "a", h: h}}, FollowOptions{
			Keep: func([]proofs.KeyBlock, proofs.Trust) error { return full },
		})
		if !errors.Is(err, full) || got.KeyHeight == 0 {
			t.Fatalf("got %d, %v", got.KeyHeight, err)
		}
		twice := []Source{&giver{name: "a", h: h}, &giver{name: "a", h: h}}
		if _, err := Follow(t.Context(), proofs.NewTrust(h.zero), twice, FollowOptions{}); !errors.Is(err, ErrOptions) {
			t.Fatalf("two of one name: got %v", err)
		}
	})
}

// The planner by itself: what is built on an invalid batch is fetched again, and
// its sources are not blamed.
func TestWhatWasBuiltOnALieIsFetchedAgain(t *testing.T) {
	h := newHistory(t, 130)
	s := NewSync(proofs.NewTrust(h.zero), []string{"liar", "good"}, bubble)
	first := s.Plan(bubble)
	if len(first) != 1 || first[0].Source != "liar" || first[0].From != 0 {
		t.Fatalf("got %+v", first)
	}
	forged := slices.Clone(h.blocks[:64])
	each(forged[63:], func(k *proofs.KeyBlock) { k.Header.StateRoot[0] ^= 2 })
	s.Got(bubble+10, first[0].ID, forged)
	second := s.Plan(bubble + 10)
	if len(second) != 1 || second[0].Source != "good" || second[0].From != 640 {
		t.Fatalf("got %+v, want what follows the batch that is not yet verified", second)
	}
	s.Got(bubble+20, second[0].ID, h.blocks[64:128])
	advance := AdvanceOnCores(1, rand.Reader)
	if valid, ok, err := s.Verify(bubble+20, advance); !ok || len(valid) != 63 || err != nil {
		t.Fatalf("got %d valid key blocks, error %v, want 63", len(valid), err)
	}
	if _, ok, _ := s.Verify(bubble+20, advance); ok {
		t.Fatal("what was built on the lie is still to be verified")
	}
	third := s.Plan(bubble + 20)
	if len(third) != 1 || third[0].Source != "good" || third[0].From != 630 {
		t.Fatalf("got %+v, want the good source asked from the last valid key block", third)
	}
	if errs := s.Complaints(); len(errs) != 1 || !errors.Is(errs[0], proofs.ErrSignature) {
		t.Fatalf("got complaints %v", errs)
	}
	if fmt.Sprint(s.Err()) != "<nil>" || s.Done() {
		t.Fatal("the walk is not at its end")
	}
}

func BenchmarkFollow(b *testing.B) {
	h := newHistory(b, 256)
	for b.Loop() {
		_, err := Follow(b.Context(), proofs.NewTrust(h.zero), []Source{&giver{name: "a", h: h}}, FollowOptions{Now: func() uint64 { return bubble }})
		if err != nil {
			b.Fatal(err)
		}
	}
}
