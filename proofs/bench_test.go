package proofs_test

import (
	"fmt"
	"testing"

	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/internal/prooftest"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// BenchmarkVerifySlice is the whole way of a slice: decoding, one pairing, and
// hashes.
func BenchmarkVerifySlice(b *testing.B) {
	for _, size := range []int{1, 100, 1000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			s := newScene()
			s.queue = prooftest.NewQueue(s.net.ID(), s.reader, size)
			s.net.Heads = []proofs.QueueHead{s.queue.Head()}
			s.slice = s.net.Slice(s.net.Certify(s.net.Next()), s.queue, 0, size)
			s.consumed = merkle.Range{}
			wire := s.slice.MarshalCanoto()
			b.ResetTimer()
			for b.Loop() {
				slice, err := proofs.DecodeSlice(wire)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := s.verifyDecoded(slice); err != nil {
					b.Fatal(err)
				}
			}
			var alone int
			for i := range s.slice.Messages {
				alone += len(s.slice.Messages[i].MarshalCanoto())
			}
			b.ReportMetric(float64(len(wire)-alone)/float64(size), "proofB/message")
		})
	}
}

func BenchmarkVerifyHeader(b *testing.B) {
	for _, size := range []int{4, 100} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			n := prooftest.NewNetwork("alpha", prooftest.Even(1, size)...)
			trust, ch := n.Trust(), n.Extend()
			b.ResetTimer()
			for b.Loop() {
				if _, err := trust.VerifyHeader(&ch, n.Clock()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkAdvance follows 20 key blocks of 13 validators, one of whom is
// exchanged in each.
func BenchmarkAdvance(b *testing.B) {
	const blocks = 20
	n := prooftest.NewNetwork("alpha", prooftest.Even(1, 13)...)
	start := n.Trust()
	var chain []proofs.KeyBlock
	for i := range uint64(blocks) {
		chain = append(chain, n.Rotate(prooftest.NewCommittee(prooftest.Even(2+i, 13)...)))
	}
	b.ResetTimer()
	for b.Loop() {
		trust := start
		for i := range chain {
			next, _, err := trust.Advance(&chain[i], n.Clock())
			if err != nil {
				b.Fatal(err)
			}
			trust = next
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*blocks), "µs/block")
}
