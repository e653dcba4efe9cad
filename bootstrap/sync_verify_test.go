package bootstrap

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/bls"
)

// TestCoresMakeNoDifference: what is followed and what is refused does not depend
// on the number of cores.
func TestCoresMakeNoDifference(t *testing.T) {
	h := newHistory(t, 200)
	bad := slices.Clone(h.blocks)
	each(bad[150:151], func(k *proofs.KeyBlock) { k.Certificate.View++ })
	clock := proofs.Clock{Now: bubble, Historical: true}
	for cores := range 5 {
		advance := AdvanceOnCores(cores, rand.Reader)
		trust, headers, err := advance(proofs.NewTrust(h.zero), h.blocks, clock)
		wantWalk(t, h, trust, err)
		if len(headers) != 200 {
			t.Fatalf("%d cores: got %d headers, want 200", cores, len(headers))
		}
		trust, headers, err = advance(proofs.NewTrust(h.zero), bad, clock)
		if !errors.Is(err, proofs.ErrSignature) || len(headers) != 150 || trust.KeyHeight != 1500 {
			t.Fatalf("%d cores: got %d headers up to %d, %v; want 150 and ErrSignature", cores, len(headers), trust.KeyHeight, err)
		}
	}
}

// TestVerifyWithoutRandomness: nobody is blamed, and the batch is verified later.
func TestVerifyWithoutRandomness(t *testing.T) {
	h := newHistory(t, 20)
	s := NewSync(proofs.NewTrust(h.zero), []string{"a"}, bubble)
	s.Got(bubble, s.Plan(bubble)[0].ID, h.blocks)
	valid, ok, err := s.Verify(bubble, AdvanceOnCores(2, bytes.NewReader(nil)))
	if !errors.Is(err, bls.ErrRandomness) || ok || len(valid) != 0 || len(s.Complaints()) != 0 {
		t.Fatalf("got %d key blocks, %v, complaints %v", len(valid), err, s.Complaints())
	}
	valid, ok, err = s.Verify(bubble, AdvanceOnCores(2, rand.Reader))
	if err != nil || !ok || len(valid) != 20 {
		t.Fatalf("got %d key blocks, %v, want 20", len(valid), err)
	}
}

func BenchmarkAdvanceOnCores(b *testing.B) {
	h := newHistory(b, 512)
	for _, cores := range []int{1, 2} {
		b.Run(fmt.Sprint(cores), func(b *testing.B) {
			advance := AdvanceOnCores(cores, rand.Reader)
			for b.Loop() {
				if _, _, err := advance(proofs.NewTrust(h.zero), h.blocks, proofs.Clock{Now: bubble, Historical: true}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
