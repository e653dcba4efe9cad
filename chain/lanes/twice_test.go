package lanes_test

import (
	"slices"
	"testing"

	"github.com/isthmus-network/isthmus/chain/lanes"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// TestBatchThatWaitsTwiceIsCarriedOnce: while the window is full a batch waits;
// another lane gets it ordered; it is given again. The next car names it once: a
// car that names it twice is refused by all, and its height is spent.
func TestBatchThatWaitsTwiceIsCarriedOnce(t *testing.T) {
	s := newScene(t)
	var own []types.Car
	for i := range 8 {
		own = append(own, s.ok(lanes.OwnBatch{Digest: digestOf("%d", i)}).Store...)
	}
	d := digestOf("twice")
	if out := s.ok(lanes.OwnBatch{Digest: d}); len(out.Store) != 0 {
		t.Fatal("the window is not full")
	}
	other := car(s.members[1], 1, 1, 1, proofs.Hash{}, d)
	s.carIn(1, other)
	if out := s.final(tipOf(other)); len(out.Ordered) != 1 {
		t.Fatalf("got %d blocks ordered, want 1", len(out.Ordered))
	}
	s.ok(lanes.OwnBatch{Digest: d})
	cars := s.final(tipOf(own[7])).Store
	if len(cars) != 1 || !slices.Equal(cars[0].Batches, []proofs.Hash{d}) {
		t.Fatalf("got cars %+v, want one that names the batch once", cars)
	}
}
