package bls_test

import (
	"fmt"
	"testing"

	"github.com/isthmus-network/isthmus/proofs/bls"
)

func BenchmarkSign(b *testing.B) {
	sks, _, _ := committee(b, 1, nil)
	for b.Loop() {
		sks[0].Sign([]byte("header"))
	}
}

func BenchmarkVerify(b *testing.B) {
	msg := []byte("header")
	_, pks, votes := committee(b, 1, msg)
	for b.Loop() {
		if err := bls.Verify(pks[0], msg, votes[0]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	_, pks, votes := committee(b, 1, nil)
	vote, pk, sig := votes[0].Bytes(), pks[0].Bytes(), mustAggregate(b, votes).Bytes()
	b.Run("vote", func(b *testing.B) {
		for b.Loop() {
			_, _ = bls.ParseVote(vote[:])
		}
	})
	b.Run("signature", func(b *testing.B) {
		for b.Loop() {
			_, _ = bls.ParseSignature(sig[:])
		}
	})
	b.Run("key", func(b *testing.B) {
		for b.Loop() {
			_, _ = bls.ParsePublicKey(pk[:])
		}
	})
}

func BenchmarkAggregateVerify(b *testing.B) {
	msg := []byte("header")
	for _, n := range []int{4, 13, 100} {
		_, pks, votes := committee(b, n, msg)
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			for b.Loop() {
				sig, err := bls.Aggregate(votes)
				if err != nil {
					b.Fatal(err)
				}
				if err := bls.VerifyAggregate(pks, msg, sig); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkFindInvalid(b *testing.B) {
	msg := []byte("header")
	sks, pks, votes := committee(b, 100, msg)
	votes[42] = mustVote(b, sks[42].Sign(nil))
	for b.Loop() {
		if bad := bls.FindInvalid(pks, msg, votes); len(bad) != 1 {
			b.Fatal(bad)
		}
	}
}
