package lanes_test

import (
	"errors"
	"testing"

	"github.com/isthmus-network/isthmus/chain/lanes"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// refused steps a fresh scene with the untouched input, which must be accepted,
// then another with the changed one, which must be refused as kind and blamed or
// not.
func refused[I lanes.Input](t *testing.T, good func(*scene) I, change func(*scene, *I), kind error, blame bool) {
	t.Helper()
	s := newScene(t)
	s.ok(good(s))
	s = newScene(t)
	in := good(s)
	change(s, &in)
	out := s.step(in)
	if len(out.Refused) != 1 || !errors.Is(out.Refused[0].Err, kind) {
		t.Fatalf("got %v, want %v", out.Refused, kind)
	}
	if out.Refused[0].Blame() != blame {
		t.Fatalf("%v: got blame %v", out.Refused[0].Err, !blame)
	}
	if len(out.Store)+len(out.Votes)+len(out.Sends)+len(out.Held)+len(out.Evidence) != 0 {
		t.Fatalf("refused, but did something: %+v", out)
	}
}

func TestRefusedCars(t *testing.T) {
	good := func(s *scene) lanes.CarIn {
		return lanes.CarIn{From: s.members[1].node(), Car: car(s.members[1], 1, 1, 2, digestOf("parent"), digestOf("a"), digestOf("b"))}
	}
	resign := func(s *scene, c *types.Car) { s.members[1].SignCar(c) }
	for name, c := range map[string]struct {
		change func(*scene, *lanes.CarIn)
		kind   error
		blame  bool
	}{
		"bad signature":           {func(_ *scene, in *lanes.CarIn) { in.Car.Signature[3] ^= 1 }, proofs.ErrSignature, true},
		"signed by another":       {func(s *scene, in *lanes.CarIn) { s.members[2].SignCar(&in.Car) }, proofs.ErrSignature, true},
		"another network":         {func(s *scene, in *lanes.CarIn) { in.Car.Sign(proofs.NetworkID{9}, s.members[1].key) }, proofs.ErrSignature, true},
		"batches changed":         {func(_ *scene, in *lanes.CarIn) { in.Car.Batches[0][0] ^= 1 }, proofs.ErrSignature, true},
		"no batch":                {func(s *scene, in *lanes.CarIn) { in.Car.Batches = nil; resign(s, &in.Car) }, proofs.ErrMalformed, true},
		"a batch twice":           {func(s *scene, in *lanes.CarIn) { in.Car.Batches[1] = in.Car.Batches[0]; resign(s, &in.Car) }, proofs.ErrMalformed, true},
		"height 0":                {func(s *scene, in *lanes.CarIn) { in.Car.Height = 0; resign(s, &in.Car) }, proofs.ErrMalformed, true},
		"first car with a parent": {func(s *scene, in *lanes.CarIn) { in.Car.Height = 1; resign(s, &in.Car) }, proofs.ErrMalformed, true},
		"no parent":               {func(s *scene, in *lanes.CarIn) { in.Car.Parent = proofs.Hash{}; resign(s, &in.Car) }, proofs.ErrMalformed, true},
		"no such lane":            {func(s *scene, in *lanes.CarIn) { in.Car.Lane = 4; resign(s, &in.Car) }, proofs.ErrMalformed, true},
		"old epoch":               {func(s *scene, in *lanes.CarIn) { in.Car.Epoch = 0; resign(s, &in.Car) }, proofs.ErrStale, false},
		"far epoch":               {func(s *scene, in *lanes.CarIn) { in.Car.Epoch = 3; resign(s, &in.Car) }, proofs.ErrEpoch, false},
		"beyond the window":       {func(s *scene, in *lanes.CarIn) { in.Car.Height = 9; resign(s, &in.Car) }, lanes.ErrBusy, false},
		"too many batches": {func(s *scene, in *lanes.CarIn) {
			for i := range types.MaxCarBatches {
				in.Car.Batches = append(in.Car.Batches, digestOf("more %d", i))
			}
			resign(s, &in.Car)
		}, proofs.ErrMalformed, true},
	} {
		t.Run(name, func(t *testing.T) { refused(t, good, c.change, c.kind, c.blame) })
	}
}

func TestRefusedVotes(t *testing.T) {
	good := func(s *scene) lanes.CarVoteIn {
		out := s.ok(lanes.OwnBatch{Digest: digestOf("own")})
		v := types.CarVote{Epoch: 1, Tip: tipOf(carsOf(out)[0]), Voter: 1}
		s.members[1].SignVote(&v)
		return lanes.CarVoteIn{From: s.members[1].node(), Vote: v}
	}
	for name, c := range map[string]struct {
		change func(*scene, *lanes.CarVoteIn)
		kind   error
		blame  bool
	}{
		"bad signature":        {func(_ *scene, in *lanes.CarVoteIn) { in.Vote.Signature[3] ^= 1 }, proofs.ErrSignature, true},
		"in another's name":    {func(_ *scene, in *lanes.CarVoteIn) { in.Vote.Voter = 2 }, proofs.ErrSigner, true},
		"voter out of the set": {func(_ *scene, in *lanes.CarVoteIn) { in.Vote.Voter = 4 }, proofs.ErrSigner, true},
		"another's lane":       {func(_ *scene, in *lanes.CarVoteIn) { in.Vote.Tip.Lane = 1 }, proofs.ErrMalformed, true},
		"another epoch":        {func(_ *scene, in *lanes.CarVoteIn) { in.Vote.Epoch = 2 }, proofs.ErrEpoch, false},
		"unknown car":          {func(_ *scene, in *lanes.CarVoteIn) { in.Vote.Tip.Digest[0] ^= 1 }, proofs.ErrStale, false},
		"wrong height":         {func(_ *scene, in *lanes.CarVoteIn) { in.Vote.Tip.Height = 2 }, proofs.ErrStale, false},
	} {
		t.Run(name, func(t *testing.T) { refused(t, good, c.change, c.kind, c.blame) })
	}
}

func TestRefusedCertificates(t *testing.T) {
	good := func(s *scene) lanes.CertificateIn {
		c := car(s.members[1], 1, 1, 1, proofs.Hash{}, digestOf("a"))
		return lanes.CertificateIn{From: s.members[1].node(), Cert: certificate(s.members, c, 1, 2)}
	}
	for name, c := range map[string]struct {
		change func(*scene, *lanes.CertificateIn)
		kind   error
		blame  bool
	}{
		"a third is not more than a third": {func(_ *scene, in *lanes.CertificateIn) { in.Cert.Votes = in.Cert.Votes[:1] }, proofs.ErrQuorum, true},
		"a voter twice":                    {func(_ *scene, in *lanes.CertificateIn) { in.Cert.Votes[1] = in.Cert.Votes[0] }, proofs.ErrSigner, true},
		"voters not sorted": {func(_ *scene, in *lanes.CertificateIn) {
			in.Cert.Votes[0], in.Cert.Votes[1] = in.Cert.Votes[1], in.Cert.Votes[0]
		}, proofs.ErrSigner, true},
		"unknown voter":    {func(_ *scene, in *lanes.CertificateIn) { in.Cert.Votes[1].Voter = 4 }, proofs.ErrSigner, true},
		"bad signature":    {func(_ *scene, in *lanes.CertificateIn) { in.Cert.Votes[1].Signature[0] ^= 1 }, proofs.ErrSignature, true},
		"another's vote":   {func(_ *scene, in *lanes.CertificateIn) { in.Cert.Votes[1].Voter = 3 }, proofs.ErrSignature, true},
		"of another car":   {func(_ *scene, in *lanes.CertificateIn) { in.Cert.Tip.Digest[0] ^= 1 }, proofs.ErrSignature, true},
		"no such lane":     {func(_ *scene, in *lanes.CertificateIn) { in.Cert.Tip.Lane = 4 }, proofs.ErrMalformed, true},
		"of an old epoch":  {func(_ *scene, in *lanes.CertificateIn) { in.Cert.Epoch = 0 }, proofs.ErrStale, false},
		"height 0":         {func(_ *scene, in *lanes.CertificateIn) { in.Cert.Tip.Height = 0 }, proofs.ErrStale, false},
		"above the window": {func(_ *scene, in *lanes.CertificateIn) { in.Cert.Tip.Height = 9 }, lanes.ErrBusy, false},
	} {
		t.Run(name, func(t *testing.T) { refused(t, good, c.change, c.kind, c.blame) })
	}
}

func TestRefusedHolds(t *testing.T) {
	good := func(s *scene) lanes.Hold {
		h := lanes.Hold{ID: digestOf("block"), From: s.members[1].node(), Base: types.NewCut(4), Cut: types.NewCut(4)}
		h.Cut.Tips[1] = types.Tip{Lane: 1, Height: 1, Digest: digestOf("car")}
		return h
	}
	for name, c := range map[string]struct {
		change func(*scene, *lanes.Hold)
		kind   error
		blame  bool
	}{
		"a lane is missing": {func(_ *scene, in *lanes.Hold) { in.Cut.Tips = in.Cut.Tips[:3] }, proofs.ErrMalformed, true},
		"lanes swapped":     {func(_ *scene, in *lanes.Hold) { in.Cut.Tips[1].Lane = 0 }, proofs.ErrIndex, false},
		"below the parent": {func(_ *scene, in *lanes.Hold) {
			in.Base.Tips[1] = types.Tip{Lane: 1, Height: 2, Digest: digestOf("up")}
		}, proofs.ErrIndex, false},
		"beyond the window": {func(_ *scene, in *lanes.Hold) { in.Cut.Tips[1].Height = 9 }, proofs.ErrTooLarge, true},
	} {
		t.Run(name, func(t *testing.T) { refused(t, good, c.change, c.kind, c.blame) })
	}
}

func TestRefusedFinals(t *testing.T) {
	good := func(*scene) lanes.Final {
		f := lanes.Final{Base: types.NewCut(4)}
		f.Block.Block.Header = proofs.Header{Epoch: 1, Height: 1}
		f.Block.Block.Cut = types.NewCut(4)
		return f
	}
	refused(t, good, func(_ *scene, in *lanes.Final) { in.Block.Block.Header.Height = 2 }, proofs.ErrIndex, false)
	refused(t, good, func(_ *scene, in *lanes.Final) { in.Block.Block.Header.Epoch = 2 }, proofs.ErrEpoch, false)
	refused(t, good, func(_ *scene, in *lanes.Final) {
		tip := types.Tip{Lane: 1, Height: 1, Digest: digestOf("x")}
		in.Base.Tips[1], in.Block.Block.Cut.Tips[1] = tip, tip
	}, proofs.ErrIndex, false)
}

// TestBounds: what a Byzantine lane can make a node keep is bounded.
func TestBounds(t *testing.T) {
	s := newScene(t)
	from := s.members[1]
	try := func(c types.Car) error {
		out := s.step(lanes.CarIn{From: from.node(), Car: c})
		if len(out.Refused) > 0 {
			return out.Refused[0].Err
		}
		return nil
	}
	for i := range 3 {
		if err := try(car(from, 1, 1, 1, proofs.Hash{}, digestOf("fork %d", i))); err != nil {
			t.Fatal(err)
		}
	}
	if err := try(car(from, 1, 1, 1, proofs.Hash{}, digestOf("fork 3"))); !errors.Is(err, lanes.ErrBusy) {
		t.Fatalf("fourth fork: got %v", err)
	}
	for i := range 4 {
		if err := try(car(from, 1, 1, uint64(3+i), digestOf("nowhere %d", i), digestOf("b"))); err != nil {
			t.Fatal(err)
		}
	}
	if err := try(car(from, 1, 1, 8, digestOf("nowhere"), digestOf("b"))); !errors.Is(err, lanes.ErrBusy) {
		t.Fatalf("fifth car without ancestors: got %v", err)
	}
	for i := range 4 {
		out := s.ok(lanes.BatchStored{Digest: digestOf("orphan %d", i), From: from.node()})
		if (len(out.Forget) == 1) != (i == 3) || i == 3 && out.Forget[0] != digestOf("orphan 0") {
			t.Fatalf("orphan %d: forgets %v", i, out.Forget)
		}
	}
	if out := s.ok(lanes.BatchStored{Digest: digestOf("other"), From: s.members[2].node()}); len(out.Forget) != 0 {
		t.Fatal("one sender's batches push another's out")
	}
	for i := range 3 {
		c := car(from, 2, 1, 1, proofs.Hash{}, digestOf("early %d", i))
		if err := try(c); (err != nil) != (i == 2) {
			t.Fatalf("early car %d: got %v", i, err)
		}
	}
}
