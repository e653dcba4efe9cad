package bls_test

import (
	"crypto/rand"
	"fmt"
	"testing"

	"github.com/isthmus-network/isthmus/proofs/bls"
)

// BenchmarkVerifyMany is certificates of 13 keys, signed by all of them or by
// changing ten; one by one, it is 1 ms for each.
func BenchmarkVerifyMany(b *testing.B) {
	sks, pks, _ := committee(b, 13, nil)
	for _, signers := range []string{"all", "ten"} {
		for _, n := range []int{1, 8, 64, 512} {
			batch := make([]bls.Certificate, n)
			for i := range batch {
				who := 1<<13 - 1
				if signers == "ten" {
					who &^= 1<<(i%13) | 1<<(i/13%13) | 1<<(i*5%13)
				}
				batch[i] = certificate(b, sks, pks, who, fmt.Appendf(nil, "header %d", i))
			}
			b.Run(fmt.Sprintf("%s/n=%d", signers, n), func(b *testing.B) {
				for b.Loop() {
					if err := bls.VerifyMany(batch, rand.Reader); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "µs/certificate")
			})
		}
	}
}
