package mesh_test

import (
	"errors"
	"testing"

	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/internal/memstate/memnet"
	"github.com/isthmus-network/isthmus/mesh"
	"github.com/isthmus-network/isthmus/proofs"
)

// onSet is an act on the network's own set.
func onSet(n *memnet.Network, kind types.ActKind, v proofs.Validator) types.Act {
	a := n.Act(kind, proofs.NetworkID{}).Act
	a.Validator = &v
	return a
}

func (w *world) choice(n *memnet.Network) *mesh.Choice {
	w.t.Helper()
	c, err := n.Rules.Choice(n.State)
	w.ok(err)
	return c
}

// act carries an act out, and returns its code.
func (w *world) act(n *memnet.Network, a types.Act) proofs.Code {
	w.t.Helper()
	note := w.note(n, memnet.ActItem(n.Approve(a)))
	if !note.Applied {
		w.t.Fatalf("not carried out: %v", note.Err)
	}
	return note.Code
}

// readiness is the word of member i of v for the chosen set.
func (w *world) readiness(n *memnet.Network, v *memnet.Validators, i int) types.Ready {
	w.t.Helper()
	c := w.choice(n)
	r := types.Ready{Sequence: c.Sequence, SetHash: c.Set.Hash()}
	r.Sign(n.ID(), v.Nodes[i])
	return r
}

func (w *world) next(n *memnet.Network) *proofs.ValidatorSet {
	w.t.Helper()
	b := n.Block()
	res, err := n.Run(b)
	w.ok(err)
	return res.NextSet
}

func TestSetChangesWhenItIsReady(t *testing.T) {
	w := unlinked(t)
	zero, joiners := w.a.Validators, memnet.NewValidators("joiners", 2)
	if got := w.next(w.a); got == nil || got.Hash() != zero.Set.Hash() {
		t.Fatal("the zero-state's set does not go on")
	}
	// Changes add up before any of them is in office.
	if code := w.act(w.a, onSet(w.a, types.ActValidator, joiners.Set.At(0))); code != proofs.CodeOK {
		t.Fatalf("joins: %s", code)
	}
	first := w.readiness(w.a, joiners, 0)
	heavier := zero.Set.At(1)
	heavier.Weight = 2
	for _, a := range []func() types.Act{
		func() types.Act { return onSet(w.a, types.ActValidator, heavier) },
		func() types.Act {
			return onSet(w.a, types.ActRemoveValidator, proofs.Validator{Node: zero.Set.At(0).Node})
		},
	} {
		if code := w.act(w.a, a()); code != proofs.CodeOK {
			t.Fatalf("code %s", code)
		}
	}
	c := w.choice(w.a)
	if c.Set.Len() != zero.Set.Len() || c.Set.Total() != uint64(zero.Set.Len())+1 || c.Weight() != 0 || c.Ready() {
		t.Fatalf("chosen: %d members of weight %d, ready %d", c.Set.Len(), c.Set.Total(), c.Weight())
	}
	if got := w.next(w.a); got != nil {
		t.Fatal("a set nobody of which is ready goes into office")
	}
	if n := w.refused(w.a, memnet.ReadyItem(first), proofs.ErrStale); n.Fault {
		t.Fatal("the lane is blamed for a readiness that comes too late")
	}
	// 2 + 1 of 5 are no quorum, with the one who joins they are.
	w.accepted(w.a, memnet.ReadyItem(w.readiness(w.a, zero, 1)))
	w.accepted(w.a, memnet.ReadyItem(w.readiness(w.a, zero, 2)))
	if got := w.next(w.a); got != nil {
		t.Fatal("ready with three of five")
	}
	if n := w.refused(w.a, memnet.ReadyItem(w.readiness(w.a, zero, 2)), mesh.ErrNothing); n.Fault {
		t.Fatal("the lane is blamed for what another said before")
	}
	w.accepted(w.a, memnet.ReadyItem(w.readiness(w.a, joiners, 0)))
	if got := w.next(w.a); got == nil || got.Hash() != w.choice(w.a).Set.Hash() {
		t.Fatal("not ready with four of five")
	}
	// Another process, without a cache, reads the same.
	fresh, err := mesh.New(w.a.Zero).Choice(w.a.State)
	w.ok(err)
	if fresh.Set.Hash() != w.choice(w.a).Set.Hash() || fresh.Weight() != 4 {
		t.Fatalf("read again: %+v", fresh)
	}
	// The next change asks everybody anew.
	if code := w.act(w.a, onSet(w.a, types.ActValidator, joiners.Set.At(1))); code != proofs.CodeOK {
		t.Fatalf("joins: %s", code)
	}
	if got := w.next(w.a); got != nil || w.choice(w.a).Weight() != 0 {
		t.Fatal("readiness outlives the choice that it was for")
	}
}

// SECURITY: Ronin 2024 (a change leaves weight, threshold or set at nothing), BLS
// rogue key (possession missing, foreign or replayed).
func TestActsOnTheSetThatRulesRefuse(t *testing.T) {
	joiner, other := memnet.NewValidators("joiner", 1), memnet.NewValidators("other", 1)
	for name, c := range map[string]struct {
		code   proofs.Code
		change func(n *memnet.Network, v *proofs.Validator)
	}{
		"weight 0":           {proofs.CodeRefused, func(_ *memnet.Network, v *proofs.Validator) { v.Weight = 0 }},
		"weight without end": {proofs.CodeRefused, func(_ *memnet.Network, v *proofs.Validator) { v.Weight = proofs.MaxTotalWeight }},
		"possession missing": {proofs.CodeMalformed, func(_ *memnet.Network, v *proofs.Validator) { clear(v.Possession[:]) }},
		"possession foreign": {proofs.CodeMalformed, func(_ *memnet.Network, v *proofs.Validator) { v.Possession = other.Set.At(0).Possession }},
		"possession replayed": {proofs.CodeMalformed, func(_ *memnet.Network, v *proofs.Validator) {
			v.Key, v.Possession = other.Set.At(0).Key, other.Set.At(0).Possession // of another node
		}},
		"key missing": {proofs.CodeMalformed, func(_ *memnet.Network, v *proofs.Validator) { clear(v.Key[:]) }},
		"key of a member": {proofs.CodeRefused, func(n *memnet.Network, v *proofs.Validator) {
			v.Key, v.Possession = n.Validators.Keys[0].PublicKey().Bytes(), n.Validators.Keys[0].ProvePossession(v.Node)
		}},
		"no change": {proofs.CodeRefused, func(n *memnet.Network, v *proofs.Validator) { *v = n.Validators.Set.At(0) }},
	} {
		t.Run(name, func(t *testing.T) {
			w := unlinked(t)
			v := joiner.Set.At(0)
			c.change(w.a, &v)
			before := w.choice(w.a).Set.Hash()
			if code := w.act(w.a, onSet(w.a, types.ActValidator, v)); code != c.code {
				t.Fatalf("got %s, want %s", code, c.code)
			}
			if w.choice(w.a).Set.Hash() != before || w.next(w.a) == nil {
				t.Fatal("something changed")
			}
			if code := w.act(w.a, onSet(w.a, types.ActValidator, joiner.Set.At(0))); code != proofs.CodeOK {
				t.Fatalf("untouched: %s", code)
			}
		})
	}
}

func TestMalformedActsOnTheSet(t *testing.T) {
	w := unlinked(t)
	v := memnet.NewValidators("joiner", 1).Set.At(0)
	member := w.a.Validators.Set.At(0).Node
	for name, c := range map[string]struct {
		code proofs.Code
		act  func() types.Act
	}{
		"no validator": {proofs.CodeMalformed, func() types.Act { return w.a.Act(types.ActValidator, proofs.NetworkID{}).Act }},
		"a peer": {proofs.CodeMalformed, func() types.Act {
			a := onSet(w.a, types.ActValidator, v)
			a.Peer[0] = 1
			return a
		}},
		"terms of a link": {proofs.CodeMalformed, func() types.Act {
			a := onSet(w.a, types.ActValidator, v)
			a.Window = 1
			return a
		}},
		"a pause with a validator": {proofs.CodeMalformed, func() types.Act { return onSet(w.a, types.ActPause, v) }},
		"leaves with a weight": {proofs.CodeMalformed, func() types.Act {
			return onSet(w.a, types.ActRemoveValidator, proofs.Validator{Node: member, Weight: 1})
		}},
		"a stranger leaves": {proofs.CodeRefused, func() types.Act { return onSet(w.a, types.ActRemoveValidator, proofs.Validator{Node: v.Node}) }},
	} {
		if code := w.act(w.a, c.act()); code != c.code {
			t.Fatalf("%s: got %s, want %s", name, code, c.code)
		}
	}
	for i := range w.a.Validators.Set.Len() {
		want := proofs.CodeOK
		if i == w.a.Validators.Set.Len()-1 {
			want = proofs.CodeRefused // the set is never empty
		}
		if code := w.act(w.a, onSet(w.a, types.ActRemoveValidator, proofs.Validator{Node: w.a.Validators.Set.At(i).Node})); code != want {
			t.Fatalf("validator %d leaves: got %s, want %s", i, code, want)
		}
	}
}

func TestReadinessThatRulesRefuse(t *testing.T) {
	for name, c := range map[string]struct {
		want   error
		change func(w *world, r *types.Ready)
	}{
		"replayed for another act": {proofs.ErrStale, func(_ *world, r *types.Ready) { r.Sequence-- }},
		"another set":              {proofs.ErrStale, func(_ *world, r *types.Ready) { r.SetHash[0] ^= 1 }},
		"another node's":           {proofs.ErrSignature, func(w *world, r *types.Ready) { r.Node = w.a.Validators.Set.At(2).Node }},
		"a stranger": {proofs.ErrSigner, func(w *world, r *types.Ready) {
			r.Sign(w.a.ID(), memnet.NewValidators("strangers", 1).Nodes[0])
		}},
		"of another network": {proofs.ErrSignature, func(w *world, r *types.Ready) { r.Sign(w.b.ID(), w.a.Validators.Nodes[1]) }},
		"signature":          {proofs.ErrSignature, func(_ *world, r *types.Ready) { r.Signature[63] ^= 1 }},
	} {
		t.Run(name, func(t *testing.T) {
			w := unlinked(t)
			early := types.Ready{SetHash: w.a.Validators.Set.Hash()}
			early.Sign(w.a.ID(), w.a.Validators.Nodes[1])
			w.refused(w.a, memnet.ReadyItem(early), proofs.ErrStale) // nothing was chosen
			w.act(w.a, onSet(w.a, types.ActValidator, memnet.NewValidators("joiner", 1).Set.At(0)))
			good := w.readiness(w.a, w.a.Validators, 1)
			bad := good
			c.change(w, &bad)
			w.ok(w.a.Rules.TakesReady(w.a.State, &good))
			if err := w.a.Rules.TakesReady(w.a.State, &bad); !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if n := w.refused(w.a, memnet.ReadyItem(bad), c.want); n.Fault != !errors.Is(c.want, proofs.ErrStale) {
				t.Fatalf("note %+v", n)
			}
			b := w.a.Block()
			b.Items = append(b.Items, memnet.Ordered(2, memnet.ReadyItem(good)))
			res, err := w.a.Run(b)
			w.ok(err)
			if !res.Notes[0].Applied || w.choice(w.a).Weight() != 1 {
				t.Fatalf("untouched: %+v", res.Notes[0])
			}
		})
	}
}
