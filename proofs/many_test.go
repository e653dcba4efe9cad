package proofs_test

import (
	"bytes"
	"crypto/rand"
	"fmt"
	mrand "math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/bls"
	"github.com/isthmus-network/isthmus/proofs/internal/prooftest"
)

// keyChain is key blocks that change the set in every way, and what follows them.
func keyChain() (start proofs.Trust, blocks []proofs.KeyBlock, clock proofs.Clock) {
	n := prooftest.NewNetwork("chain", prooftest.Even(1, 4)...)
	start = n.Trust()
	for _, seats := range [][]prooftest.Seat{
		prooftest.Even(1, 4), // renewed
		prooftest.Even(2, 4), // one goes, one comes
		prooftest.Even(2, 4),
		prooftest.Even(10, 3), // all change
		append(prooftest.Even(10, 2), prooftest.Seat{Keys: 12, Weight: 5}), // a weight changes
		prooftest.Even(10, 2), // one goes
		prooftest.Even(1, 5),  // keys that were there before
		prooftest.Even(1, 5),
	} {
		n.Extend()
		blocks = append(blocks, n.Rotate(prooftest.NewCommittee(seats...)))
	}
	return start, blocks, n.Clock()
}

// oneByOne is the oracle of AdvanceMany.
func oneByOne(trust proofs.Trust, blocks []proofs.KeyBlock, clock proofs.Clock) (proofs.Trust, []*proofs.VerifiedHeader, error) {
	var headers []*proofs.VerifiedHeader
	for i := range blocks {
		next, v, err := trust.Advance(&blocks[i], clock)
		if err != nil {
			return trust, headers, err
		}
		trust, headers = next, append(headers, v)
	}
	return trust, headers, nil
}

// inParts is AdvanceMany as somebody with several cores does it.
func inParts(trust proofs.Trust, blocks []proofs.KeyBlock, clock proofs.Clock, n int) (proofs.Trust, []*proofs.VerifiedHeader, error) {
	var headers []*proofs.VerifiedHeader
	for len(blocks) > 0 {
		w := trust.Walk(blocks, clock)
		parts := make([]*proofs.WalkPart, n)
		for k := range parts {
			parts[k] = w.Part(k, n, rand.Reader)
		}
		next, valid, err := w.Finish(parts, rand.Reader)
		trust, headers = next, append(headers, valid...)
		if err != nil {
			return trust, headers, err
		}
		blocks = blocks[len(valid):]
	}
	return trust, headers, nil
}

// outcome writes down all that following tells.
func outcome(trust proofs.Trust, headers []*proofs.VerifiedHeader, err error) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%v\nset %x, epoch %d, key block %d %x, time %d\n", err, trust.Set.Hash(), trust.Epoch, trust.KeyHeight, trust.KeyID, trust.Time)
	for _, v := range headers {
		fmt.Fprintf(&b, "%x of %d\n", v.ID(), v.Header().Height)
	}
	return b.String()
}

// spoilers are ways to make a block of a chain wrong, or the chain.
var spoilers = []struct {
	name  string
	spoil func(blocks []proofs.KeyBlock, i int) []proofs.KeyBlock
}{
	{"signature", inBlock(func(kb *proofs.KeyBlock) { kb.Certificate.Quorum.Signature[0] ^= 0x20 })},
	{"no signature", inBlock(func(kb *proofs.KeyBlock) { kb.Certificate.Quorum.Signature = [bls.SignatureSize]byte{} })},
	{"view", inBlock(func(kb *proofs.KeyBlock) { kb.Certificate.View++ })},
	{"state root", inBlock(func(kb *proofs.KeyBlock) { kb.Header.StateRoot[0] ^= 1 })},
	{"next set", inBlock(func(kb *proofs.KeyBlock) { kb.Header.NextSetHash[0] ^= 1 })},
	{"no key block", inBlock(func(kb *proofs.KeyBlock) { kb.Header.NextSetHash = proofs.Hash{} })},
	{"network", inBlock(func(kb *proofs.KeyBlock) { kb.Header.Network[0] ^= 1 })},
	{"time", inBlock(func(kb *proofs.KeyBlock) { kb.Header.Time += prooftest.Epoch * 1000 })},
	{"nobody signed", inBlock(func(kb *proofs.KeyBlock) { clear(kb.Certificate.Quorum.Bitmap) })},
	{"bitmap", inBlock(func(kb *proofs.KeyBlock) { kb.Certificate.Quorum.Bitmap[0] |= 0x80 })},
	{"no delta", inBlock(func(kb *proofs.KeyBlock) { kb.Next = proofs.SetDelta{} })},
	{"delta removes a stranger", inBlock(func(kb *proofs.KeyBlock) { kb.Next.Removed = []proofs.NodeKey{{1}} })},
	{"delta and signature", inBlock(func(kb *proofs.KeyBlock) {
		kb.Next.Removed = []proofs.NodeKey{{1}}
		kb.Certificate.Quorum.Signature[0] ^= 0x20
	})},
	{"weight", inUpserted(func(v *proofs.Validator) { v.Weight++ })},
	{"no weight", inUpserted(func(v *proofs.Validator) { v.Weight = 0 })},
	{"possession", inUpserted(func(v *proofs.Validator) { v.Possession[0] ^= 0x20 })},
	{"possession of another", inUpserted(func(v *proofs.Validator) { v.Possession = prooftest.Member(prooftest.Seat{Keys: 77}).Possession })},
	{"key", inUpserted(func(v *proofs.Validator) { v.Key[0] ^= 0x20 })},
	{"key is none", inUpserted(func(v *proofs.Validator) { v.Key[95] ^= 1 })},
	{"left out", func(b []proofs.KeyBlock, i int) []proofs.KeyBlock { return slices.Delete(b, i, i+1) }},
	{"twice", func(b []proofs.KeyBlock, i int) []proofs.KeyBlock { return slices.Insert(b, i, b[i]) }},
	{"exchanged", func(b []proofs.KeyBlock, i int) []proofs.KeyBlock {
		b[i], b[len(b)-1] = b[len(b)-1], b[i]
		return b
	}},
}

// inBlock changes one block, and nothing that another copy of it shares.
func inBlock(change func(*proofs.KeyBlock)) func([]proofs.KeyBlock, int) []proofs.KeyBlock {
	return func(b []proofs.KeyBlock, i int) []proofs.KeyBlock {
		b[i].Certificate.Quorum.Bitmap = slices.Clone(b[i].Certificate.Quorum.Bitmap)
		b[i].Next.Upserted = slices.Clone(b[i].Next.Upserted)
		change(&b[i])
		return b
	}
}

// inUpserted changes the last member of the delta, if there is one.
func inUpserted(change func(*proofs.Validator)) func([]proofs.KeyBlock, int) []proofs.KeyBlock {
	return inBlock(func(kb *proofs.KeyBlock) {
		if n := len(kb.Next.Upserted); n > 0 {
			change(&kb.Next.Upserted[n-1])
		}
	})
}

// TestAdvanceManyEqualsAdvance spoils blocks of the chain in every way; the property
// below reaches the others.
func TestAdvanceManyEqualsAdvance(t *testing.T) {
	start, good, clock := keyChain()
	trust, headers, err := start.AdvanceMany(good, clock, rand.Reader)
	ok(t, err)
	if got, want := outcome(trust, headers, err), outcome(oneByOne(start, good, clock)); got != want {
		t.Fatalf("got %s\nwant %s", got, want)
	}
	for _, s := range spoilers {
		t.Run(s.name, func(t *testing.T) {
			for _, i := range []int{1, 3, len(good) - 1} {
				blocks := s.spoil(slices.Clone(good), i)
				want := outcome(oneByOne(start, blocks, clock))
				if got := outcome(start.AdvanceMany(blocks, clock, rand.Reader)); got != want {
					t.Errorf("block %d: got %s\nwant %s", i, got, want)
				}
			}
		})
	}
}

// TestAdvanceManyProperty: several faults at random places, in one piece and in parts.
func TestAdvanceManyProperty(t *testing.T) {
	start, good, clock := keyChain()
	rapid.Check(t, func(rt *rapid.T) {
		blocks := slices.Clone(good[:rapid.IntRange(0, len(good)).Draw(rt, "blocks")])
		for range rapid.IntRange(0, 2).Draw(rt, "faults") {
			if len(blocks) > 0 {
				s := rapid.SampledFrom(spoilers).Draw(rt, "fault")
				blocks = s.spoil(blocks, rapid.IntRange(0, len(blocks)-1).Draw(rt, "place"))
			}
		}
		want := outcome(oneByOne(start, blocks, clock))
		if got := outcome(start.AdvanceMany(blocks, clock, mrand.NewChaCha8([32]byte{1}))); got != want {
			rt.Fatalf("got %s\nwant %s", got, want)
		}
		if got := outcome(inParts(start, blocks, clock, rapid.IntRange(1, 4).Draw(rt, "parts"))); got != want {
			rt.Fatalf("in parts: got %s\nwant %s", got, want)
		}
	})
}

// TestWalkNeedsItsParts: parts that are missing, doubled or of another walk never
// stand for what was not verified.
func TestWalkNeedsItsParts(t *testing.T) {
	start, good, clock := keyChain()
	bad := spoilers[0].spoil(slices.Clone(good), 2)
	for name, blocks := range map[string][]proofs.KeyBlock{"good": good, "bad": bad} {
		want := outcome(oneByOne(start, blocks, clock))
		w, other := start.Walk(blocks, clock), start.Walk(good, clock)
		a, b := w.Part(0, 2, rand.Reader), w.Part(1, 2, rand.Reader)
		for desc, parts := range map[string][]*proofs.WalkPart{
			"all": {a, b}, "none": nil, "first": {a}, "last": {b}, "twice": {a, a}, "reversed": {b, a}, "too many": {a, b, b},
			"of another walk":    {other.Part(0, 1, rand.Reader)},
			"without randomness": {w.Part(0, 1, bytes.NewReader(nil))},
		} {
			if got := outcome(w.Finish(parts, rand.Reader)); got != want {
				t.Errorf("%s, %s: got %s\nwant %s", name, desc, got, want)
			}
		}
	}
}

func TestAdvanceManyWithoutRandomness(t *testing.T) {
	start, blocks, clock := keyChain()
	trust, headers, err := start.AdvanceMany(blocks, clock, bytes.NewReader(nil))
	wantError(t, err, bls.ErrRandomness)
	if len(headers) != 0 || trust != start {
		t.Errorf("got %d headers and trust %+v, want nothing followed", len(headers), trust)
	}
}

// TestWalkBoundsNewKeys: a walk ends before it would parse more new keys than it
// may for nothing, and what is too much at once is verified at once.
func TestWalkBoundsNewKeys(t *testing.T) {
	n := prooftest.NewNetwork("chain", prooftest.Even(1, 4)...)
	start := n.Trust()
	var blocks []proofs.KeyBlock
	for _, seats := range [][]prooftest.Seat{prooftest.Even(2, 130), prooftest.Even(200, 130), prooftest.Even(400, 260), prooftest.Even(400, 260)} {
		blocks = append(blocks, n.Rotate(prooftest.NewCommittee(seats...)))
	}
	trust, rest := start, blocks
	for i, want := range []int{1, 1, 1, 1} {
		next, headers, err := trust.Walk(rest, n.Clock()).Finish(nil, rand.Reader)
		ok(t, err)
		if len(headers) != want {
			t.Fatalf("walk %d: got %d blocks, want %d", i, len(headers), want)
		}
		trust, rest = next, rest[want:]
	}
	blocks[2].Certificate.Quorum.Signature[0] ^= 0x20
	if got, want := outcome(start.AdvanceMany(blocks, n.Clock(), rand.Reader)), outcome(oneByOne(start, blocks, n.Clock())); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

// BenchmarkAdvanceMany follows key blocks of 13 validators at once: the same ones
// throughout, or one of whom is exchanged in each (the way of BenchmarkAdvance).
func BenchmarkAdvanceMany(b *testing.B) {
	const blocks = 128
	for name, churn := range map[string]uint64{"fixed": 0, "churn": 1} {
		n := prooftest.NewNetwork("chain", prooftest.Even(1, 13)...)
		start := n.Trust()
		var chain []proofs.KeyBlock
		for i := range uint64(blocks) {
			chain = append(chain, n.Rotate(prooftest.NewCommittee(prooftest.Even(1+churn*(i+1), 13)...)))
		}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, _, err := start.AdvanceMany(chain, n.Clock(), rand.Reader); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*blocks), "µs/block")
		})
	}
}
