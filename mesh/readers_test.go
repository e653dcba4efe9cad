package mesh_test

import (
	"errors"
	"testing"

	"github.com/isthmus-network/isthmus/chain/execution"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/internal/memstate"
	"github.com/isthmus-network/isthmus/internal/memstate/memnet"
	"github.com/isthmus-network/isthmus/mesh"
	"github.com/isthmus-network/isthmus/proofs"
)

// What Wants says of a head is what Induct does with it.
func TestWantsAgreesWithInduct(t *testing.T) {
	w := linked(t)
	check := func(want bool) {
		t.Helper()
		w.step(w.b)
		w.a.Time = max(w.a.Time, w.b.Time)
		s := w.b.Slice(w.a.ID(), 0, 0)
		got, err := w.a.Rules.Wants(w.a.State, w.b.ID(), &s.Proof.Head, s.Header.Header.ExecutedTime)
		w.ok(err)
		if got != want {
			t.Fatalf("wants: got %t, want %t: %+v", got, want, s.Proof.Head)
		}
		if n := w.note(w.a, memnet.SliceItem(s)); n.Applied != want {
			t.Fatalf("note %+v, want applied %t", n, want)
		}
	}
	check(false)
	w.emit(10)
	check(false)
	w.ok(memnet.Carry(w.a, w.b))
	check(true) // settled
	check(false)
	w.send(w.a.Send(alice, w.b.ID(), proofs.AccountID{}, proofs.NativeAsset, 5), w.a)
	w.ok(memnet.Carry(w.a, w.b))
	check(true) // failed
	check(false)
}

func TestPeersAreListed(t *testing.T) {
	w := linked(t)
	w.accepted(w.a, memnet.ActItem(w.a.Act(types.ActRegister, proofs.NetworkID{1})))
	ps, err := w.a.Rules.Peers(w.a.State)
	w.ok(err)
	if len(ps) != 2 || ps[0].ID != (proofs.NetworkID{1}) || ps[0].State != mesh.Registered || ps[0].Reason == "" || ps[1].State != mesh.Active {
		t.Fatalf("peers %+v", ps)
	}
	p := ps[1]
	if p.TrustExpiry != p.TrustTime+600_000 || p.SetHash != w.b.Validators.Set.Hash() || p.GasRate != 2 || p.Window != 256 || p.Reason != "" {
		t.Fatalf("peer %+v", p)
	}
	heads, err := w.a.Rules.Heads(w.a.State)
	w.ok(err)
	if len(heads) != 2 || heads[0].Peer != (proofs.NetworkID{1}) || heads[0].Incarnation != 1 {
		t.Fatalf("heads %+v", heads)
	}
	if rate, ok, err := w.a.Rules.GasRate(w.a.State, proofs.NetworkID{2}); rate != 0 || ok || err != nil {
		t.Fatalf("gas rate of a stranger: %d, %t, %v", rate, ok, err)
	}
}

// Gas abroad is paid at the link's rate.
func TestGasAbroadIsPaid(t *testing.T) {
	w := linked(t)
	rc := w.send(w.abroad(10), w.a)
	x := w.abroad(10)
	home, abroad, _ := execution.Fee(&w.a.Zero.Parameters, len(x.MarshalCanoto()), 2, execution.GasTransfer)
	want, _ := home.Add(abroad)
	if memnet.Small(abroad) != 2*execution.GasTransfer || rc.Fee != want {
		t.Fatalf("fee %s, want %s", rc.Fee, want)
	}
}

// A crash in the middle of a block leaves nothing: the block runs again on the
// state before it, with other caches, and gives the same.
func TestDoubleInjectionAfterACrash(t *testing.T) {
	w := three(t)
	w.b.State.Commit()
	before := w.b.State.Root()
	block := w.b.Block(memnet.SliceItem(w.slice(0, 3)))
	first, err := w.b.Engine.Execute(w.b.State, block)
	w.ok(err)
	after := w.b.State.Root()
	w.b.State.Revert(0)
	if w.b.State.Root() != before {
		t.Fatal("the state before the block is lost")
	}
	w.b.Restart(w.b.State)
	second, err := w.b.Run(block)
	w.ok(err)
	if w.b.State.Root() != after || len(first.Receipts) != len(second.Receipts) {
		t.Fatal("the block gave something else the second time")
	}
	w.balance(w.b, bob.Account, voucher(w.a), 60)
}

// An idle peer's newest header is the key block that is followed. It needs no
// certificate again, so what is shown with it is not kept as one.
func TestHeadUnderTheFollowedKeyBlock(t *testing.T) {
	w := linked(t)
	w.emit(10)
	kb, err := w.a.Rotate(memnet.NewValidators("alpha two", 4))
	w.ok(err)
	w.b.Time = w.a.Time
	s := w.a.SliceAt(kb.Header.Height, w.b.ID(), 0, 10)
	s.Header.Certificate.Quorum.Signature = [48]byte{}
	res := w.step(w.b, memnet.SliceItem(s), memnet.KeyItem(kb))
	for _, n := range res.Notes {
		if !n.Applied {
			t.Fatalf("note %+v", n)
		}
	}
	w.balance(w.b, bob.Account, voucher(w.a), 10)
}

func TestDamagedStateIsFatal(t *testing.T) {
	w := linked(t)
	w.b.State.Set(proofs.PeerKey(w.a.ID()), []byte{1})
	if _, err := w.b.Step(memnet.SliceItem(w.slice(0, 0))); !errors.Is(err, mesh.ErrCorrupt) {
		t.Fatalf("got %v, want %v", err, mesh.ErrCorrupt)
	}
	var _ mesh.EntryReader = memstate.New(nil)
}
