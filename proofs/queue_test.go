package proofs_test

import (
	"testing"

	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/internal/prooftest"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

func TestQueueHeadRefused(t *testing.T) {
	for _, c := range []struct {
		name   string
		want   error
		change func(h *proofs.QueueHead)
	}{
		{"begin after end", proofs.ErrIndex, func(h *proofs.QueueHead) { h.Begin = h.End + 1 }},
		{"settled beyond acked", proofs.ErrIndex, func(h *proofs.QueueHead) { h.Settled = h.Acked + 1 }},
		{"no incarnation", proofs.ErrIncarnation, func(h *proofs.QueueHead) { h.Incarnation = 0 }},
		{"too many outcomes", proofs.ErrTooLarge, func(h *proofs.QueueHead) {
			h.Outcomes = nil
			for i := range uint64(proofs.MaxOutcomes + 1) {
				h.Outcomes = append(h.Outcomes, proofs.Outcome{Index: i, Code: 1})
			}
		}},
		{"outcome of what is not settled", proofs.ErrNotCanon, func(h *proofs.QueueHead) { h.Outcomes[1].Index = h.Settled }},
		{"success as an outcome", proofs.ErrNotCanon, func(h *proofs.QueueHead) { h.Outcomes[0].Code = proofs.CodeOK }},
		{"outcome twice", proofs.ErrNotCanon, func(h *proofs.QueueHead) { h.Outcomes[1].Index = h.Outcomes[0].Index }},
		{"outcomes unsorted", proofs.ErrNotCanon, func(h *proofs.QueueHead) {
			h.Outcomes[0], h.Outcomes[1] = h.Outcomes[1], h.Outcomes[0]
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newScene().slice.Proof.Head
			ok(t, h.Validate())
			c.change(&h)
			wantError(t, h.Validate(), c.want)
		})
		refused(t, "in a slice: "+c.name, c.want, func(s *scene) { c.change(&s.slice.Proof.Head) })
	}
}

func TestOutboundRoot(t *testing.T) {
	s := newScene()
	root, err := proofs.OutboundRoot(s.net.ID(), 7, s.net.Heads)
	ok(t, err)
	other, err := proofs.OutboundRoot(s.net.ID(), 8, s.net.Heads)
	ok(t, err)
	abroad, err := proofs.OutboundRoot(prooftest.Peer(1), 7, s.net.Heads)
	ok(t, err)
	none, err := proofs.OutboundRoot(s.net.ID(), 7, nil)
	ok(t, err)
	if root == other || root == abroad || root == none {
		t.Error("the outbound root does not bind time, network and heads")
	}
	s.net.Heads[0], s.net.Heads[1] = s.net.Heads[1], s.net.Heads[0]
	_, err = proofs.OutboundRoot(s.net.ID(), 7, s.net.Heads)
	wantError(t, err, proofs.ErrNotCanon)
	_, err = proofs.ProveHead(s.net.ID(), s.net.Heads, s.reader)
	wantError(t, err, proofs.ErrNotCanon)
	_, err = proofs.ProveHead(s.net.ID(), nil, s.reader)
	wantError(t, err, proofs.ErrDestination)
}

// TestVerifiedHead: what was verified stays as it was when the claim changes.
func TestVerifiedHead(t *testing.T) {
	s := newScene()
	v, err := s.trust.VerifyHeader(&s.slice.Header, s.clock)
	ok(t, err)
	head, err := v.VerifyHead(&s.slice.Proof, s.reader)
	ok(t, err)
	s.slice.Proof.Head.Outcomes[0].Code = proofs.CodeOverflow
	if got := head.Head().Outcomes[0].Code; got != proofs.CodeDeadline {
		t.Errorf("got outcome %v, want %v", got, proofs.CodeDeadline)
	}
	if head.Source() != s.net.ID() || head.Header() != v || head.Time() != s.header.ExecutedTime {
		t.Error("the verified head is not of its header")
	}
}

func TestHeadOnly(t *testing.T) {
	s := newScene()
	s.slice = s.net.Slice(s.slice.Header, s.queue, 0, 0)
	v, err := s.verify()
	ok(t, err)
	if got := v.Consumed(); got.End() != sceneConsumed || len(v.Messages()) != 0 {
		t.Errorf("got [0, %d) and %d messages, want %d and none", got.End(), len(v.Messages()), sceneConsumed)
	}
	s.consumed = s.queue.Range(0, sceneSize)
	_, err = s.verify()
	ok(t, err) // nothing new, and our range is theirs
}

// TestEmptyQueue: the head of a link on which nothing was ever sent.
func TestEmptyQueue(t *testing.T) {
	s := newScene()
	q := prooftest.NewQueue(s.net.ID(), s.reader, 0)
	s.net.Heads = []proofs.QueueHead{q.Head()}
	s.slice = s.net.Slice(s.net.Certify(s.net.Next()), q, 0, 0)
	s.consumed = merkle.Range{}
	v, err := s.verify()
	ok(t, err)
	if got := v.Consumed(); got.End() != 0 {
		t.Errorf("got %d consumed, want 0", got.End())
	}
}

// TestConsumedIsNotShared: neither verification nor its results change the
// reader's own range.
func TestConsumedIsNotShared(t *testing.T) {
	s := newScene()
	before := s.consumed.Nodes()
	first, err := s.verify()
	ok(t, err)
	mine := first.Consumed()
	ok(t, mine.Append(proofs.Hash{1}, nil)) // would write into shared nodes
	second, err := s.verify()
	ok(t, err)
	a, b := first.Consumed(), second.Consumed()
	want := s.queue.Range(0, sceneEnd)
	for _, r := range []merkle.Range{a, b} {
		if !equalNodes(r.Nodes(), want.Nodes()) {
			t.Error("a verified range changed afterwards")
		}
	}
	if !equalNodes(s.consumed.Nodes(), before) || s.consumed.End() != sceneConsumed {
		t.Error("the reader's range changed")
	}
}

func equalNodes(a, b []proofs.Hash) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
