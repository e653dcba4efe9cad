package proofs_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/internal/prooftest"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// queues draws from one long queue: its prefixes are queues, too. The header is
// verified once for each size; hashes are what these properties are about.
type queues struct {
	net   *prooftest.Network
	whole *prooftest.Queue
	heads map[int]*proofs.VerifiedHead
}

const longest = 70

func newQueues() *queues {
	n := prooftest.NewNetwork("alpha", prooftest.Even(1, 1)...)
	return &queues{net: n, whole: prooftest.NewQueue(n.ID(), prooftest.Peer(0x22), longest), heads: map[int]*proofs.VerifiedHead{}}
}

func (q *queues) prefix(size int) *prooftest.Queue {
	p := *q.whole
	p.Messages = q.whole.Messages[:size]
	return &p
}

func (q *queues) head(t *rapid.T, size int) *proofs.VerifiedHead {
	if h := q.heads[size]; h != nil {
		return h
	}
	q.net.Heads = []proofs.QueueHead{q.prefix(size).Head()}
	ch := q.net.Certify(q.net.Next())
	trust := q.net.Trust()
	v, err := trust.VerifyHeader(&ch, proofs.Clock{Now: ch.Header.Time})
	if err != nil {
		t.Fatal(err)
	}
	p, err := proofs.ProveHead(q.net.ID(), q.net.Heads, prooftest.Peer(0x22))
	if err != nil {
		t.Fatal(err)
	}
	h, err := v.VerifyHead(p, prooftest.Peer(0x22))
	if err != nil {
		t.Fatal(err)
	}
	q.heads[size] = h
	return h
}

// cut makes messages [begin, end) of a queue, without header and proof.
func cut(q *prooftest.Queue, begin, end int) *proofs.Slice {
	r := q.Range(end, len(q.Messages))
	return &proofs.Slice{Start: uint64(begin), Messages: slices.Clone(q.Messages[begin:end]), Right: r.Nodes()}
}

// TestAnySlicing: however a growing queue is cut into slices, overlapping or not,
// the reader ends with the same messages and the same range.
func TestAnySlicing(t *testing.T) {
	q := newQueues()
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, longest).Draw(t, "size")
		var consumed merkle.Range
		var got []proofs.Message
		for int(consumed.End()) < size {
			n := int(consumed.End())
			certified := rapid.IntRange(n+1, size).Draw(t, "certified")
			begin := rapid.IntRange(0, n).Draw(t, "begin")
			end := rapid.IntRange(n+1, certified).Draw(t, "end")
			v, err := q.head(t, certified).VerifyMessages(cut(q.prefix(certified), begin, end), consumed)
			if err != nil {
				t.Fatalf("[%d, %d) of %d after %d: %v", begin, end, certified, n, err)
			}
			got, consumed = append(got, v.Messages()...), v.Consumed()
		}
		want := q.prefix(size).Range(0, size)
		if !equalNodes(consumed.Nodes(), want.Nodes()) || consumed.End() != want.End() {
			t.Fatal("another range than the queue's")
		}
		for i := range got {
			if got[i].ID() != q.whole.Messages[i].ID() {
				t.Fatalf("message %d is another one", i)
			}
		}
		if len(got) != size {
			t.Fatalf("got %d messages, want %d", len(got), size)
		}
	})
}

// TestAnyTampering: a slice in which anything new was left out, exchanged,
// repeated or changed does not verify.
func TestAnyTampering(t *testing.T) {
	q := newQueues()
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(2, longest).Draw(t, "size")
		n := rapid.IntRange(0, size-2).Draw(t, "consumed")
		end := rapid.IntRange(n+2, size).Draw(t, "end")
		whole, head := q.prefix(size), q.head(t, size)
		s, consumed := cut(whole, n, end), whole.Range(0, n)
		if _, err := head.VerifyMessages(s, consumed); err != nil {
			t.Fatalf("untouched: %v", err)
		}
		i := rapid.IntRange(0, end-n-1).Draw(t, "place")
		what := tamper(t, s, i)
		if v, err := head.VerifyMessages(s, consumed); err == nil {
			t.Fatalf("%s at %d of [%d, %d) of %d: accepted, %d messages", what, i, n, end, size, len(v.Messages()))
		}
	})
}

// tamper does one of the things that a carrier may try at place i.
func tamper(t *rapid.T, s *proofs.Slice, i int) string {
	j := (i + 1) % len(s.Messages)
	renumber := rapid.Bool().Draw(t, "renumber")
	what := rapid.SampledFrom([]string{"omit", "exchange", "repeat", "change", "right", "start"}).Draw(t, "what")
	switch what {
	case "omit":
		s.Messages = slices.Delete(s.Messages, i, i+1)
	case "exchange":
		s.Messages[i], s.Messages[j] = s.Messages[j], s.Messages[i]
	case "repeat":
		s.Messages = slices.Insert(s.Messages, i, s.Messages[i])
	case "change":
		s.Messages[i].Amount[rapid.IntRange(0, 15).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
	case "right":
		if len(s.Right) == 0 {
			s.Right = append(s.Right, proofs.Hash{1})
		} else {
			s.Right[i%len(s.Right)][i%32] ^= 1
		}
	case "start":
		s.Start += rapid.Uint64Range(1, 1<<63).Draw(t, "by")
	}
	for k := range s.Messages {
		if renumber && what != "start" {
			s.Messages[k].Index = s.Start + uint64(k)
		}
	}
	return what
}

// TestAnyRotation: any sequence of sets can be followed by deltas, and no delta
// leads from another set to the next.
func TestAnyRotation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) *proofs.ValidatorSet {
			keys := rapid.SliceOfNDistinct(rapid.Uint64Range(1, 5), 1, 4, func(k uint64) uint64 { return k }).Draw(t, name)
			seats := make([]prooftest.Seat, len(keys))
			for i, k := range keys {
				seats[i] = prooftest.Seat{Keys: k, Weight: rapid.Uint64Range(1, 2).Draw(t, "weight")}
			}
			return prooftest.NewCommittee(seats...).Set
		}
		old, next, other := draw("old"), draw("next"), draw("other")
		d := old.Delta(next)
		got, err := old.Apply(&d)
		if err != nil || got.Hash() != next.Hash() {
			t.Fatalf("delta: %v", err)
		}
		if got, err := other.Apply(&d); err == nil && got.Hash() == next.Hash() && other.Hash() != old.Hash() {
			if again := other.Delta(next); string(again.MarshalCanoto()) != string(d.MarshalCanoto()) {
				t.Fatal("two deltas lead from one set to another")
			}
		}
	})
}
