package consensus_test

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"testing"

	"github.com/isthmus-network/isthmus/chain/consensus"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/bls"
)

// observe adds a node that is in no set yet, and returns what it is as a member.
func (b *bench) observe(name byte) proofs.Validator {
	b.t.Helper()
	seed := sha256.Sum256([]byte{name, 'o'})
	key, err := bls.GenerateKey(bytes.NewReader(seed[:]))
	must(b.t, err)
	v := proofs.Validator{Node: proofs.NodeKey(seed), Key: key.PublicKey().Bytes(), Weight: 1, Possession: key.ProvePossession(proofs.NodeKey(seed))}
	anchor, err := consensus.ZeroAnchor(b.zero)
	must(b.t, err)
	executed, err := consensus.ZeroExecuted(b.zero)
	must(b.t, err)
	s := &station{key: v.Node, anchors: []consensus.Anchor{anchor}, results: []types.Executed{executed}}
	s.cfg = consensus.Config{Zero: b.zero, Node: s.key, Crypto: consensus.NewBLS(key)}
	b.nodes = append(b.nodes, s)
	b.boot(len(b.nodes) - 1)
	return v
}

// epoch runs until the network is in the next epoch.
func (b *bench) epoch() {
	b.t.Helper()
	before := b.nodes[1].m.Status().Epoch
	b.car(1)
	b.pass(10 * floor)
	b.now += epochTime
	b.pass(50 * floor)
	if got := b.nodes[1].m.Status().Epoch; got <= before {
		b.t.Fatalf("got epoch %d, want the one after %d", got, before)
	}
}

func (b *bench) wantOneChain() {
	b.t.Helper()
	first := b.nodes[1]
	for i, s := range b.nodes {
		if got, want := s.m.Status(), first.m.Status(); got.Height != want.Height || got.Epoch != want.Epoch || got.Alarm != nil {
			b.t.Fatalf("node %d: height %d of epoch %d, alarm %v; want %d of %d", i, got.Height, got.Epoch, got.Alarm, want.Height, want.Epoch)
		}
		for k := range s.finals {
			if s.finals[k].ID != first.finals[k].ID {
				b.t.Fatalf("node %d: final block %d differs", i, k+1)
			}
		}
	}
}

func TestObserverFollowsWithoutBeingTold(t *testing.T) {
	b := newBench(t, 4)
	b.observe(1)
	b.epoch()
	b.car(1)
	b.pass(10 * floor)
	if s := b.nodes[4].m.Status(); s.Validator || s.Height == 0 {
		t.Fatalf("status %+v", s)
	}
	b.wantOneChain()
	if n := len(sent[*types.Vote](b, 4)); n != 0 {
		t.Fatalf("an observer sent %d votes", n)
	}
}

// A node joins, another changes its weight, one leaves. A stranger follows by key
// blocks alone.
func TestSetChangesBetweenEpochs(t *testing.T) {
	b := newBench(t, 4)
	joiner := b.observe(1)
	zero := b.zero.Set
	heavier := zero.At(2)
	heavier.Weight = 2
	next, err := zero.Apply(&proofs.SetDelta{Removed: []proofs.NodeKey{zero.At(0).Node}, Upserted: sorted(joiner, heavier)})
	must(t, err)
	b.next = func() *proofs.ValidatorSet { return nil } // not ready
	b.epoch()
	if got := b.nodes[1].anchors[1].Set.Hash(); got != zero.Hash() {
		t.Fatal("a key block without a next set does not renew the one in office")
	}
	b.next = func() *proofs.ValidatorSet { return next }
	b.epoch()
	for i, s := range b.nodes {
		if got, want := s.m.Status().Validator, i != 0; got != want {
			t.Fatalf("node %d: validator %t, want %t", i, got, want)
		}
	}
	// Whatever an old state says: with no next set, the one in office goes on.
	b.next = func() *proofs.ValidatorSet { return nil }
	b.epoch()
	b.car(1)
	b.pass(2*heartbeat + 20*floor)
	b.wantOneChain()
	if b.nodes[1].anchors[3].Set.Hash() != next.Hash() {
		t.Fatal("a key block undid the change before")
	}
	voted := false
	for _, v := range sent[*types.Vote](b, 4) {
		voted = voted || v.Epoch == 2
	}
	if !voted {
		t.Fatal("the validator that joined never voted")
	}
	trust := proofs.NewTrust(b.zero)
	for _, f := range b.nodes[4].finals {
		clock := proofs.Clock{Now: b.now}
		if f.Block.Header.IsKeyBlock() {
			trust, _, err = trust.Advance(&proofs.KeyBlock{Header: f.Block.Header, Certificate: *f.Certificate, Next: f.Block.NextSet}, clock)
			must(t, err)
		}
	}
	if trust.Epoch != 3 || trust.Set.Hash() != next.Hash() {
		t.Fatalf("a stranger is in epoch %d", trust.Epoch)
	}
}

func sorted(vs ...proofs.Validator) []proofs.Validator {
	slices.SortFunc(vs, func(a, b proofs.Validator) int { return bytes.Compare(a.Node[:], b.Node[:]) })
	return vs
}

// A validator that leaves while it hears nothing learns it when it is heard again,
// or asks, although nobody has to tell it.
func TestLeaverThatMissedItsEnd(t *testing.T) {
	for name, answers := range map[string]bool{"it is answered": true, "it asks": false} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, 4)
			next, err := b.zero.Set.Apply(&proofs.SetDelta{Removed: []proofs.NodeKey{b.zero.Set.At(0).Node}})
			must(t, err)
			b.next = func() *proofs.ValidatorSet { return next }
			b.lose = func(from, to int, _ any) bool { return from == 0 || to == 0 }
			b.epoch()
			if s := b.nodes[0].m.Status(); s.Epoch != 0 {
				t.Fatalf("status %+v", s)
			}
			b.lose = func(_, to int, msg any) bool {
				_, fetch := msg.(consensus.Fetch)
				return to == 0 && !answers && !fetch
			}
			b.pass(2*heartbeat + 50*floor)
			b.wantOneChain()
			if b.nodes[0].m.Status().Validator {
				t.Fatal("it still votes")
			}
		})
	}
}
