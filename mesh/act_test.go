package mesh_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/internal/memstate/memnet"
	"github.com/isthmus-network/isthmus/mesh"
	"github.com/isthmus-network/isthmus/proofs"
)

func TestActsAreBoundAndApproved(t *testing.T) {
	peer := proofs.NetworkID{5}
	for name, c := range map[string]struct {
		want  error
		fault bool
		make  func(n *memnet.Network, a types.Act) types.CertifiedAct
	}{
		"kelp: threshold under policy": {want: proofs.ErrQuorum, fault: true, make: func(n *memnet.Network, a types.Act) types.CertifiedAct {
			return n.Approve(a, 0, 1)
		}},
		"ronin: nobody": {want: proofs.ErrQuorum, fault: true, make: func(n *memnet.Network, a types.Act) types.CertifiedAct {
			return types.CertifiedAct{Act: a, Approval: proofs.Aggregate{Bitmap: []byte{0}}}
		}},
		"altered": {want: proofs.ErrSignature, fault: true, make: func(n *memnet.Network, a types.Act) types.CertifiedAct {
			c := n.Approve(a)
			c.Act.GasRate++
			return c
		}},
		"network": {want: proofs.ErrNetwork, make: func(n *memnet.Network, a types.Act) types.CertifiedAct {
			a.Network = peer
			return n.Approve(a)
		}},
		"epoch": {want: mesh.ErrAct, make: func(n *memnet.Network, a types.Act) types.CertifiedAct {
			a.Epoch++
			return n.Approve(a)
		}},
		"sequence": {want: mesh.ErrAct, make: func(n *memnet.Network, a types.Act) types.CertifiedAct {
			a.Sequence++
			return n.Approve(a)
		}},
		"expired": {want: mesh.ErrAct, make: func(n *memnet.Network, a types.Act) types.CertifiedAct {
			a.Expiry = n.Time
			return n.Approve(a)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := unlinked(t)
			good := w.a.Act(types.ActRegister, peer)
			n := w.refused(w.a, memnet.ActItem(c.make(w.a, good.Act)), c.want)
			if n.Applied || n.Fault != c.fault {
				t.Fatalf("note %+v", n)
			}
			if _, ok, _ := w.a.Rules.Peer(w.a.State, peer); ok {
				t.Fatal("registered")
			}
			b := w.a.Block()
			b.Items = append(b.Items, memnet.Ordered(2, memnet.ActItem(good)))
			res, err := w.a.Run(b)
			w.ok(err)
			if len(res.Receipts) != 1 || res.Receipts[0].ID != good.Act.ID() || res.Receipts[0].Code != proofs.CodeOK {
				t.Fatalf("untouched: %+v", res)
			}
			b = w.a.Block()
			b.Items = append(b.Items, memnet.Ordered(2, memnet.ActItem(good)))
			res, err = w.a.Run(b)
			w.ok(err)
			if n := res.Notes[0]; n.Applied || !errors.Is(n.Err, mesh.ErrAct) {
				t.Fatalf("its number is used: %+v", n)
			}
		})
	}
}

func TestActsThatRulesRefuse(t *testing.T) {
	w := linked(t)
	for name, c := range map[string]struct {
		code proofs.Code
		act  func() types.Act
	}{
		"known":         {proofs.CodeRefused, func() types.Act { return w.a.Act(types.ActRegister, w.b.ID()).Act }},
		"self":          {proofs.CodeRefused, func() types.Act { return w.a.Act(types.ActRegister, w.a.ID()).Act }},
		"nobody":        {proofs.CodeRefused, func() types.Act { return w.a.Act(types.ActRegister, proofs.HomeNetwork).Act }},
		"resume active": {proofs.CodeRefused, func() types.Act { return w.a.Act(types.ActResume, w.b.ID()).Act }},
		"pause unknown": {proofs.CodeUnknownPeer, func() types.Act { return w.a.Act(types.ActPause, proofs.NetworkID{7}).Act }},
		"unknown kind":  {proofs.CodeMalformed, func() types.Act { return w.a.Act(9, w.b.ID()).Act }},
		"foreign kind": {proofs.CodeMalformed, func() types.Act {
			a := w.a.Act(types.ActRegister, proofs.NetworkID{7}).Act
			a.NetworkKind = "other"
			return a
		}},
	} {
		n := w.note(w.a, memnet.ActItem(w.a.Approve(c.act())))
		if !n.Applied || n.Code != c.code {
			t.Fatalf("%s: note %+v, want %s", name, n, c.code)
		}
	}
	w.state(w.a, w.b, mesh.Active)
}

func TestZeroHeaderOfAStranger(t *testing.T) {
	w := unlinked(t)
	w.refused(w.a, memnet.ZeroItem(w.b), mesh.ErrNothing)
	w.accepted(w.a, memnet.ActItem(w.a.Act(types.ActRegister, w.b.ID())))
	mallory := memnet.New(memnet.Parameters("beta"), 3, funds)
	if n := w.refused(w.a, memnet.ZeroItem(mallory), mesh.ErrUnknown); !n.Fault {
		t.Fatal("the lane is not blamed")
	}
	w.state(w.a, w.b, mesh.Registered)
	b := w.a.Block()
	b.Items = append(b.Items, memnet.Ordered(1, memnet.ZeroItem(w.b)))
	_, err := w.a.Run(b)
	w.ok(err)
	w.state(w.a, w.b, mesh.Bootstrapping)
	z, ok, err := mesh.ZeroHeader(w.a.State, w.b.ID())
	w.ok(err)
	if !ok || z.Parameters.Name != "beta" {
		t.Fatalf("zero-header %+v", z)
	}
}

func TestTrustPeriodOfTheAct(t *testing.T) {
	w := unlinked(t)
	a := w.a.Act(types.ActRegister, w.b.ID()).Act
	a.TrustPeriod = 1000
	w.accepted(w.a, memnet.ActItem(w.a.Approve(a)))
	w.accepted(w.a, memnet.ZeroItem(w.b))
	trust, ok, err := w.a.Rules.Trust(w.a.State, w.b.ID())
	w.ok(err)
	if !ok || trust.TrustPeriod != 1000 || trust.Set.Hash() != w.b.Validators.Set.Hash() {
		t.Fatalf("trust %+v", trust)
	}
}

// An act outlives its epoch while the set in office approves it. If the set has
// changed, its carrier may have been honest.
func TestActsOfAnEarlierEpoch(t *testing.T) {
	w := unlinked(t)
	a := w.a.Act(types.ActRegister, w.b.ID())
	_, err := w.a.Rotate(w.a.Validators)
	w.ok(err)
	w.accepted(w.a, memnet.ActItem(a))

	a = w.a.Act(types.ActPause, w.b.ID())
	_, err = w.a.Rotate(memnet.NewValidators("alpha two", 4))
	w.ok(err)
	if n := w.refused(w.a, memnet.ActItem(a), proofs.ErrSignature); n.Fault || n.Applied {
		t.Fatalf("note %+v", n)
	}
	w.accepted(w.a, memnet.ActItem(w.a.Approve(a.Act)))
	many := w.a.Act(types.ActResume, w.b.ID())
	many.Act.Epoch--
	res := w.step(w.a, slices.Repeat([]types.Item{memnet.ActItem(many)}, 9)...)
	verified := 0
	for _, n := range res.Notes {
		if !errors.Is(n.Err, mesh.ErrLimit) {
			verified++
		}
	}
	if verified != 4 {
		t.Fatalf("%d approvals verified in vain", verified)
	}
}
