package mesh_test

import (
	"errors"
	"testing"

	"github.com/isthmus-network/isthmus/chain/execution"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/internal/memstate/memnet"
	"github.com/isthmus-network/isthmus/mesh"
	"github.com/isthmus-network/isthmus/proofs"
)

const funds = 1_000_000

var alice, bob = memnet.NewUser("alice"), memnet.NewUser("bob")

// world is two linked networks; alice owns funds in a, bob in b.
type world struct {
	t    *testing.T
	a, b *memnet.Network
}

func linked(t *testing.T) *world {
	t.Helper()
	w := unlinked(t)
	w.ok(memnet.Link(w.a, w.b))
	return w
}

func unlinked(t *testing.T) *world {
	t.Helper()
	return &world{
		t: t,
		a: memnet.New(memnet.Parameters("alpha"), 4, funds, alice),
		b: memnet.New(memnet.Parameters("beta"), 4, funds, bob),
	}
}

func (w *world) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// step runs a block that must not fail.
func (w *world) step(n *memnet.Network, items ...types.Item) *execution.Result {
	w.t.Helper()
	res, err := n.Step(items...)
	w.ok(err)
	return res
}

// send transfers from alice in a to bob in b, or back, and returns the receipt.
func (w *world) send(x types.External, n *memnet.Network) proofs.Receipt {
	w.t.Helper()
	res := w.step(n, memnet.External(x))
	if len(res.Receipts) == 0 {
		w.t.Fatalf("no receipt; charges %v", res.Charges)
	}
	return res.Receipts[0]
}

func (w *world) abroad(amount uint64) types.External {
	return w.a.Send(alice, w.b.ID(), bob.Account, proofs.NativeAsset, amount)
}

// emit has alice send amount to bob and fails unless it is in the queue.
func (w *world) emit(amount uint64) {
	w.t.Helper()
	if rc := w.send(w.abroad(amount), w.a); rc.Code != proofs.CodeOK {
		w.t.Fatalf("send: %s", rc.Code)
	}
}

// note runs one item in b and returns its note.
func (w *world) note(n *memnet.Network, it types.Item) mesh.Note {
	w.t.Helper()
	res := w.step(n, it)
	if len(res.Notes) != 1 {
		w.t.Fatalf("got %d notes, want 1", len(res.Notes))
	}
	return res.Notes[0]
}

// accepted and refused assert what became of an item.
func (w *world) accepted(n *memnet.Network, it types.Item) mesh.Note {
	w.t.Helper()
	note := w.note(n, it)
	if !note.Applied || note.Fault || note.Err != nil {
		w.t.Fatalf("note %+v, want accepted", note)
	}
	return note
}

func (w *world) refused(n *memnet.Network, it types.Item, want error) mesh.Note {
	w.t.Helper()
	note := w.note(n, it)
	if note.Count != 0 || !errors.Is(note.Err, want) {
		w.t.Fatalf("note %+v, want refused by %v", note, want)
	}
	return note
}

func (w *world) state(n *memnet.Network, peer *memnet.Network, want mesh.State) {
	w.t.Helper()
	p, ok, err := n.Rules.Peer(n.State, peer.ID())
	w.ok(err)
	if !ok || p.State != want {
		w.t.Fatalf("peer is %s (%s), want %s", p.State, p.Reason, want)
	}
}

func (w *world) balance(n *memnet.Network, account proofs.AccountID, asset proofs.AssetID, want uint64) {
	w.t.Helper()
	if got := n.Balance(account, asset); got != want {
		w.t.Fatalf("balance: got %d, want %d", got, want)
	}
}

// voucher is the native asset of n as others name it.
func voucher(n *memnet.Network) proofs.AssetID { return proofs.NativeAsset.Abroad(n.ID()) }

func (w *world) supply(n *memnet.Network, asset proofs.AssetID, want uint64) {
	w.t.Helper()
	got, err := execution.Supply(n.State, asset)
	w.ok(err)
	if memnet.Small(got) != want {
		w.t.Fatalf("supply: got %s, want %d", got, want)
	}
}

func TestLinkBecomesActive(t *testing.T) {
	w := unlinked(t)
	w.accepted(w.a, memnet.ActItem(w.a.Act(types.ActRegister, w.b.ID())))
	w.state(w.a, w.b, mesh.Registered)
	if rc := w.send(w.abroad(1), w.a); rc.Code != proofs.CodeUnknownPeer {
		t.Fatalf("send to a registered peer: %s", rc.Code)
	}
	w.accepted(w.a, memnet.ZeroItem(w.b))
	w.state(w.a, w.b, mesh.Bootstrapping)
	w.accepted(w.b, memnet.ActItem(w.b.Act(types.ActRegister, w.a.ID())))
	w.accepted(w.b, memnet.ZeroItem(w.a))
	w.ok(memnet.Exchange(w.a, w.b))
	w.state(w.a, w.b, mesh.Active)
	w.state(w.b, w.a, mesh.Active)
}

func TestTransferThereAndBack(t *testing.T) {
	w := linked(t)
	rc := w.send(w.abroad(5000), w.a)
	if rc.Code != proofs.CodeOK || len(rc.Emitted) != 1 || rc.Emitted[0].Destination != w.b.ID() {
		t.Fatalf("receipt %+v", rc)
	}
	w.supply(w.a, proofs.NativeAsset, funds-5000)
	w.ok(memnet.Exchange(w.a, w.b))
	w.balance(w.b, bob.Account, voucher(w.a), 5000)
	w.supply(w.b, voucher(w.a), 5000)
	if h := w.a.Heads()[0]; h.Begin != 1 || h.End != 1 {
		t.Fatalf("the queue was not released: %+v", h)
	}
	home := w.b.Send(bob, w.a.ID(), alice.Account, voucher(w.a), 2000)
	if rc := w.send(home, w.b); rc.Code != proofs.CodeOK {
		t.Fatal(rc.Code)
	}
	w.supply(w.b, voucher(w.a), 3000)
	w.ok(memnet.Exchange(w.b, w.a))
	w.supply(w.a, proofs.NativeAsset, funds-3000)
	w.balance(w.b, bob.Account, voucher(w.a), 3000)
	flow, err := mesh.ReadFlow(w.a.State, w.b.ID(), 1, proofs.NativeAsset)
	w.ok(err)
	if want := (mesh.Flow{Sent: proofs.NewAmount(5000), Received: proofs.NewAmount(2000)}); flow != want {
		t.Fatalf("flow %+v", flow)
	}
}

func TestFailureAbroadIsRefundedOnce(t *testing.T) {
	w := linked(t)
	before := w.a.Balance(alice.Account, proofs.NativeAsset)
	x := w.a.Send(alice, w.b.ID(), proofs.AccountID{}, proofs.NativeAsset, 700)
	rc := w.send(x, w.a)
	if rc.Code != proofs.CodeOK {
		t.Fatal(rc.Code)
	}
	w.ok(memnet.Carry(w.a, w.b))
	h := w.b.Heads()[0]
	if len(h.Outcomes) != 1 || h.Outcomes[0] != (proofs.Outcome{Index: 0, Code: proofs.CodeNoRecipient}) {
		t.Fatalf("head %+v", h)
	}
	w.supply(w.b, voucher(w.a), 0)
	w.ok(memnet.Carry(w.b, w.a))
	w.balance(w.a, alice.Account, proofs.NativeAsset, before-memnet.Small(rc.Fee))
	w.ok(memnet.Exchange(w.a, w.b))
	w.ok(memnet.Exchange(w.b, w.a))
	w.balance(w.a, alice.Account, proofs.NativeAsset, before-memnet.Small(rc.Fee))
	if h := w.b.Heads()[0]; len(h.Outcomes) != 0 {
		t.Fatalf("outcomes are kept after the peer released them: %+v", h)
	}
}

func TestIdleLinkChangesNothing(t *testing.T) {
	w := linked(t)
	w.emit(10)
	w.ok(memnet.Exchange(w.a, w.b))
	w.ok(memnet.Exchange(w.a, w.b))
	w.step(w.a)
	root := w.b.State.Root()
	w.refused(w.b, memnet.SliceItem(w.a.Slice(w.b.ID(), 1, 10)), mesh.ErrNothing)
	w.step(w.b)
	if w.b.State.Root() != root {
		t.Fatal("an idle head changed the state")
	}
}
