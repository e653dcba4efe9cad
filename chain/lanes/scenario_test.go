package lanes_test

import (
	"slices"
	"testing"

	"github.com/isthmus-network/isthmus/chain/lanes"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

func (s *scene) carIn(i int, c types.Car) lanes.Output {
	s.t.Helper()
	return s.ok(lanes.CarIn{From: s.members[i].node(), Car: c})
}

func (s *scene) stored(i int, d proofs.Hash) lanes.Output {
	s.t.Helper()
	return s.ok(lanes.BatchStored{Digest: d, From: s.members[i].node()})
}

func TestOwnBatchIsCarriedAndAcknowledged(t *testing.T) {
	s := newScene(t)
	b := digestOf("b")
	out := s.ok(lanes.OwnBatch{Digest: b})
	if len(out.Store) != 1 || len(carsOf(out)) != 1 || len(out.Votes) != 2 {
		t.Fatalf("got %d cars stored, %d sent, %d slots", len(out.Store), len(carsOf(out)), len(out.Votes))
	}
	c := out.Store[0]
	if err := c.Verify(network, s.members[0].node()); err != nil || c.Height != 1 || !slices.Equal(c.Batches, []proofs.Hash{b}) {
		t.Fatalf("car %+v: %v", c, err)
	}
	if out.Votes[0].Kind != lanes.SlotCar || out.Votes[1].Kind != lanes.SlotVote || out.Votes[0].Digest != c.Digest(network) {
		t.Fatalf("slots %+v", out.Votes)
	}
	if !out.TipsChanged || out.Tips[0].Held.Height != 1 || out.Tips[0].Certificate != nil {
		t.Fatalf("tips %+v", out.Tips)
	}
	v := types.CarVote{Epoch: 1, Tip: tipOf(c), Voter: 2}
	s.members[2].SignVote(&v)
	out = s.ok(lanes.CarVoteIn{From: s.members[2].node(), Vote: v})
	if !slices.Equal(out.Acknowledged, []proofs.Hash{b}) || len(out.Sends) != 1 || out.Sends[0].Cert == nil {
		t.Fatalf("got %+v", out)
	}
	if err := out.Sends[0].Cert.Verify(network, s.set); err != nil {
		t.Fatal(err)
	}
	if out = s.ok(lanes.CarVoteIn{From: s.members[2].node(), Vote: v}); len(out.Sends) != 0 {
		t.Fatal("a vote counts twice")
	}
}

func TestVotesOnlyForWhatIsHeld(t *testing.T) {
	s := newScene(t)
	c1 := car(s.members[1], 1, 1, 1, proofs.Hash{}, digestOf("1"))
	c2 := car(s.members[1], 1, 1, 2, c1.Digest(network), digestOf("2"))
	if out := s.carIn(1, c2); len(out.Store) != 1 || len(out.Votes) != 0 {
		t.Fatalf("a car without its parent: %+v", out)
	}
	if out := s.stored(1, digestOf("2")); len(out.Votes) != 0 {
		t.Fatal("votes without the parent")
	}
	out := s.later(30)
	if len(out.FetchCars) != 1 || out.FetchCars[0].Digest != c1.Digest(network) || out.FetchCars[0].From[0] != s.members[1].node() || out.FetchCars[0].Down != 0 {
		t.Fatalf("fetches %+v", out.FetchCars)
	}
	if out = s.later(250); len(out.FetchCars) != 1 || out.FetchCars[0].From[0] == s.members[1].node() {
		t.Fatalf("asks the same node again: %+v", out.FetchCars)
	}
	if out = s.carIn(2, c1); len(out.Votes) != 0 {
		t.Fatal("votes without the batch")
	}
	if out = s.later(30); len(out.FetchBatches) != 1 || out.FetchBatches[0].Digest != digestOf("1") {
		t.Fatalf("fetches %+v", out.FetchBatches)
	}
	out = s.stored(1, digestOf("1"))
	votes := votesOf(out)
	if len(votes) != 2 || votes[0].Tip.Height != 1 || votes[1].Tip.Height != 2 || len(out.Votes) != 2 {
		t.Fatalf("votes %+v", votes)
	}
	if err := votes[1].Verify(network, s.members[0].node()); err != nil {
		t.Fatal(err)
	}
	// A repeated car means that the vote was lost.
	if out = s.carIn(1, c2); len(votesOf(out)) != 1 || len(out.Votes) != 0 || len(out.Store) != 0 {
		t.Fatalf("repeated car: %+v", out)
	}
}

func TestForkIsEvidenceAndGetsOneVote(t *testing.T) {
	s := newScene(t)
	s.stored(1, digestOf("a"))
	s.stored(1, digestOf("b"))
	a := car(s.members[1], 1, 1, 1, proofs.Hash{}, digestOf("a"))
	b := car(s.members[1], 1, 1, 1, proofs.Hash{}, digestOf("b"))
	if out := s.carIn(1, a); len(votesOf(out)) != 1 || len(out.Evidence) != 0 {
		t.Fatalf("got %+v", out)
	}
	out := s.carIn(1, b)
	if len(votesOf(out)) != 0 || len(out.Evidence) != 1 || out.Evidence[0].Node != s.members[1].node() {
		t.Fatalf("got %+v", out)
	}
	if out.Tips[1].Held.Height != 0 {
		t.Fatal("offers an uncertified tip of a lane that forks")
	}
	// The other branch can still be ordered, by its tip's ancestors.
	c := car(s.members[1], 1, 1, 2, b.Digest(network), digestOf("a"))
	s.carIn(1, c)
	out = s.final(tipOf(c))
	if len(out.Ordered) != 1 || len(out.Ordered[0].Cars) != 2 || out.Ordered[0].Cars[0].Digest != b.Digest(network) {
		t.Fatalf("ordered %+v", out.Ordered)
	}
}

func TestHoldOnNotarizedParent(t *testing.T) {
	s := newScene(t)
	c1 := car(s.members[1], 1, 1, 1, proofs.Hash{}, digestOf("1"))
	c2 := car(s.members[1], 1, 1, 2, c1.Digest(network), digestOf("2"))
	fork := car(s.members[1], 1, 1, 2, digestOf("elsewhere"), digestOf("2"))
	base, cut := types.NewCut(4), types.NewCut(4)
	base.Tips[1], cut.Tips[1] = tipOf(c1), tipOf(c2)
	out := s.ok(lanes.Hold{ID: digestOf("x"), From: s.members[3].node(), Base: base, Cut: cut})
	if len(out.Held) != 0 || len(out.FetchCars) != 1 || out.FetchCars[0].Down != 1 || !slices.Contains(out.FetchCars[0].From, s.members[3].node()) {
		t.Fatalf("got %+v", out)
	}
	if out = s.carIn(3, c2); len(out.Held) != 0 || len(out.FetchBatches) != 1 {
		t.Fatalf("got %+v", out)
	}
	if out = s.stored(1, digestOf("2")); !slices.Equal(out.Held, []proofs.Hash{digestOf("x")}) || len(out.Votes) != 0 {
		t.Fatalf("held %v with votes %v", out.Held, out.Votes)
	}
	// The same height on another parent never completes, but with a certificate it does.
	cut.Tips[1] = tipOf(fork)
	s.carIn(1, fork)
	if out = s.ok(lanes.Hold{ID: digestOf("y"), From: s.members[3].node(), Base: base, Cut: cut}); len(out.Held) != 0 {
		t.Fatal("holds a chain that does not reach its base")
	}
	bad := certificate(s.members, fork, 1, 2)
	bad.Votes[0].Signature[0] ^= 1
	out = s.step(lanes.Hold{ID: digestOf("z"), From: s.members[3].node(), Base: base, Cut: cut, Available: []types.CarCertificate{bad}})
	if len(out.Held) != 0 || len(out.Refused) != 1 || !out.Refused[0].Blame() || out.Refused[0].From != s.members[3].node() {
		t.Fatalf("forged certificate: %+v", out)
	}
	good := certificate(s.members, fork, 1, 2)
	out = s.ok(lanes.Hold{ID: digestOf("w"), From: s.members[3].node(), Base: base, Cut: cut, Available: []types.CarCertificate{good}})
	if len(out.Held) == 0 {
		t.Fatal("does not take a certificate")
	}
}

func TestFinalBlockIsFetched(t *testing.T) {
	s := newScene(t)
	c1 := car(s.members[1], 1, 1, 1, proofs.Hash{}, digestOf("1"))
	c2 := car(s.members[1], 1, 1, 2, c1.Digest(network), digestOf("2"))
	if out := s.final(tipOf(c2)); len(out.Ordered) != 0 || len(out.FetchCars) != 1 {
		t.Fatalf("got %+v", out)
	}
	second := s.final() // an empty block must wait for the first
	if len(second.Ordered) != 0 || s.m.Backlog() != 2 {
		t.Fatal("orders out of turn")
	}
	s.carIn(2, c2)
	s.carIn(2, c1)
	s.stored(2, digestOf("2"))
	out := s.stored(2, digestOf("1"))
	if len(out.Ordered) != 2 || len(out.Ordered[0].Cars) != 2 || out.Ordered[0].Cars[0].Height != 1 || len(votesOf(out)) != 0 {
		t.Fatalf("got %+v", out.Ordered)
	}
}

func TestRestartNeverSignsTwice(t *testing.T) {
	s := newScene(t)
	slots := make(map[lanes.SlotEntry]proofs.Hash)
	record := func(out lanes.Output) {
		for _, v := range out.Votes {
			d := v.Digest
			v.Digest = proofs.Hash{}
			if have, ok := slots[v]; ok && have != d {
				t.Fatalf("signs twice in %+v", v)
			}
			slots[v] = d
		}
	}
	s.stored(1, digestOf("a"))
	own := s.ok(lanes.OwnBatch{Digest: digestOf("own")})
	record(own)
	record(s.carIn(1, car(s.members[1], 1, 1, 1, proofs.Hash{}, digestOf("a"))))

	start := lanes.Start{Epoch: 1, Set: s.set, Committed: types.NewCut(4), Own: []proofs.Hash{digestOf("own"), digestOf("next")},
		HasBatch: func(proofs.Hash) bool { return true },
		Signed: func(kind uint8, epoch, height uint64, lane uint32) (proofs.Hash, bool) {
			d, ok := slots[lanes.SlotEntry{Kind: kind, Epoch: epoch, Height: height, Lane: lane}]
			return d, ok
		}}
	// With its cars, the lane goes on above them.
	start.Cars = own.Store
	s.m = s.machine(start)
	out := s.ok(lanes.TickIn{})
	record(out)
	if len(out.Store) != 1 || out.Store[0].Height != 2 || !slices.Equal(out.Store[0].Batches, []proofs.Hash{digestOf("next")}) {
		t.Fatalf("after a restart: %+v", out.Store)
	}
	// The store lost what the record knows: nothing is signed in those places.
	start.Cars = nil
	s.m = s.machine(start)
	out = s.ok(lanes.TickIn{})
	record(out)
	if len(out.Store) != 0 || len(out.Sends) != 0 {
		t.Fatalf("a lane whose cars are lost goes on: %+v", out)
	}
	out = s.carIn(1, car(s.members[1], 1, 1, 1, proofs.Hash{}, digestOf("b")))
	record(out)
	if len(votesOf(out)) != 0 {
		t.Fatal("votes for another car at a height where it has voted")
	}
}

func TestResendUntilFinal(t *testing.T) {
	s := newScene(t)
	c := carsOf(s.ok(lanes.OwnBatch{Digest: digestOf("own")}))[0]
	if out := s.later(499); len(carsOf(out)) != 0 {
		t.Fatal("sent again at once")
	}
	out := s.later(1)
	if got := carsOf(out); len(got) != 1 || got[0].Digest(network) != c.Digest(network) || out.Wake == 0 {
		t.Fatalf("not sent again: %+v", out)
	}
	out = s.final(tipOf(c))
	if len(out.Ordered) != 1 || out.Wake != 0 {
		t.Fatalf("final: %+v", out)
	}
	if out = s.later(100_000); len(out.Sends) != 0 {
		t.Fatal("sent again after it is final")
	}
}

func TestOwnWindow(t *testing.T) {
	s := newScene(t)
	var tips []types.Tip
	for i := range 10 {
		for _, c := range carsOf(s.ok(lanes.OwnBatch{Digest: digestOf("own %d", i)})) {
			tips = append(tips, tipOf(c))
		}
	}
	if len(tips) != 8 || s.m.Waiting() != 2 {
		t.Fatalf("got %d cars and %d batches waiting, want 8 and 2", len(tips), s.m.Waiting())
	}
	out := s.final(tips[0])
	if cars := carsOf(out); len(cars) != 1 || len(cars[0].Batches) != 2 {
		t.Fatalf("got %+v", cars)
	}
}

func TestNextEpochCarriesAgain(t *testing.T) {
	s := newScene(t)
	c1 := carsOf(s.ok(lanes.OwnBatch{Digest: digestOf("own 1")}))[0]
	s.ok(lanes.OwnBatch{Digest: digestOf("own 2")})
	// Lane 3 leaves with a batch that is held here, and one that is final but missing.
	leaver := s.members[3]
	l1 := car(leaver, 1, 3, 1, proofs.Hash{}, digestOf("missing"))
	l2 := car(leaver, 1, 3, 2, l1.Digest(network), digestOf("left"))
	m1 := car(s.members[2], 1, 2, 1, proofs.Hash{}, digestOf("gone"))
	s.stored(3, digestOf("left"))
	s.stored(2, digestOf("gone"))
	s.carIn(2, m1)
	s.carIn(3, l1)
	s.carIn(3, l2)
	s.final(tipOf(c1), tipOf(l1))
	early := car(s.members[1], 2, 1, 1, proofs.Hash{}, digestOf("early"))
	s.carIn(1, early)
	next := newSet(t, s.members[:3])
	out := s.ok(lanes.EpochIn{Epoch: 2, Set: next})
	if len(out.Store) != 2 || out.Store[0].Digest(network) != early.Digest(network) && out.Store[1].Digest(network) != early.Digest(network) {
		t.Fatalf("stores %+v", out.Store)
	}
	cars := carsOf(out)
	if len(cars) != 1 || cars[0].Epoch != 2 || cars[0].Height != 1 || !slices.Equal(cars[0].Batches, []proofs.Hash{digestOf("own 2")}) {
		t.Fatalf("carries again %+v", cars)
	}
	if !slices.Equal(out.Adopted, []proofs.Hash{digestOf("left")}) {
		t.Fatalf("adopts %v", out.Adopted)
	}
	if out.PruneBelow != 0 {
		t.Fatalf("prunes below %d", out.PruneBelow)
	}
	out = s.stored(2, digestOf("missing"))
	if len(out.Ordered) != 1 || len(out.Ordered[0].Cars) != 2 {
		t.Fatalf("the old epoch's block: %+v", out.Ordered)
	}
	out = s.later(4 * 500)
	if cars = carsOf(out); len(cars) == 0 || !slices.Contains(cars[0].Batches, digestOf("left")) {
		t.Fatalf("does not carry what it adopted: %+v", cars)
	}
}

func TestFollowerNeitherCarriesNorVotes(t *testing.T) {
	s := newScene(t)
	s.m = lanes.New(lanes.Config{Network: network, Node: proofs.NodeKey{7}}, lanes.Start{Epoch: 1, Set: s.set, Committed: types.NewCut(4)})
	s.stored(1, digestOf("a"))
	c := car(s.members[1], 1, 1, 1, proofs.Hash{}, digestOf("a"))
	out := s.carIn(1, c)
	if len(out.Votes) != 0 || len(out.Sends) != 0 || out.Tips[1].Held.Height != 1 {
		t.Fatalf("got %+v", out)
	}
	if out = s.ok(lanes.OwnBatch{Digest: digestOf("own")}); len(out.Store) != 0 {
		t.Fatal("carries without a lane")
	}
	if out = s.final(tipOf(c)); len(out.Ordered) != 1 {
		t.Fatal("does not order")
	}
}
