package proofs_test

import (
	"fmt"
	"testing"

	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/internal/prooftest"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// BenchmarkVerifyMessages is the part of a slice that grows with its messages,
// without decoding: layouts, leaves and inner nodes.
func BenchmarkVerifyMessages(b *testing.B) {
	for _, size := range []int{100, 1000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			s := newScene()
			s.queue = prooftest.NewQueue(s.net.ID(), s.reader, size)
			s.net.Heads = []proofs.QueueHead{s.queue.Head()}
			s.slice = s.net.Slice(s.net.Certify(s.net.Next()), s.queue, 0, size)
			header, err := s.trust.VerifyHeader(&s.slice.Header, s.clock)
			if err != nil {
				b.Fatal(err)
			}
			head, err := header.VerifyHead(&s.slice.Proof, s.reader)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := head.VerifyMessages(&s.slice, merkle.Range{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestMessagesAllocateNothing: what verifying messages allocates does not grow with
// their number.
func TestMessagesAllocateNothing(t *testing.T) {
	s := newScene()
	s.queue = prooftest.NewQueue(s.net.ID(), s.reader, 500)
	s.net.Heads = []proofs.QueueHead{s.queue.Head()}
	s.slice = s.net.Slice(s.net.Certify(s.net.Next()), s.queue, 0, 500)
	header, err := s.trust.VerifyHeader(&s.slice.Header, s.clock)
	ok(t, err)
	head, err := header.VerifyHead(&s.slice.Proof, s.reader)
	ok(t, err)
	if n := testing.AllocsPerRun(10, func() {
		if _, err := head.VerifyMessages(&s.slice, merkle.Range{}); err != nil {
			t.Fatal(err)
		}
	}); n > 25 {
		t.Errorf("got %v allocations for 500 messages, want at most 25", n)
	}
}
