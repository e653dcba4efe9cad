package bench

import "testing"

// TestMeasures runs everything once, small.
func TestMeasures(t *testing.T) {
	b, err := MeasureBootstrap(t.Context(), 40, 4)
	if err != nil {
		t.Fatal(err)
	}
	if b.KeyBlocks != 40 || b.Validators != 4 || b.Seconds <= 0 || b.SecondsChurn <= 0 {
		t.Errorf("got %+v", b)
	}
	slices, err := MeasureSlices(t.Context(), 1, 100)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{1, 100} {
		s := slices[i]
		if s.Messages != want || s.VerifyMicros <= 0 || s.DecodeMicros <= 0 || s.FramingBytes != 3*want || s.ProofBytes <= 0 || s.ProofBytes > 2000 {
			t.Errorf("got %+v", s)
		}
	}
}

// TestQuorum: the fewest that are a quorum, no one twice, and not always the same.
func TestQuorum(t *testing.T) {
	for n := 1; n <= 40; n++ {
		for seed := range uint64(20) {
			q := quorum(n, seed)
			if 3*len(q) <= 2*n || 3*(len(q)-1) > 2*n {
				t.Fatalf("got %d of %d", len(q), n)
			}
			seen := make(map[int]bool)
			for _, i := range q {
				if seen[i] || i < 0 || i >= n {
					t.Fatalf("got %v of %d", q, n)
				}
				seen[i] = true
			}
		}
	}
}
