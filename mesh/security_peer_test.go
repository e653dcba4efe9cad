package mesh_test

import (
	"slices"
	"testing"

	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/internal/memstate/memnet"
	"github.com/isthmus-network/isthmus/mesh"
	"github.com/isthmus-network/isthmus/proofs"
)

// What a peer as a whole can do: fork, sign twice, fall silent, or send what it
// wants.

func TestWrongIncarnation(t *testing.T) {
	w := three(t)
	s := w.head(func(h *proofs.QueueHead) { h.Incarnation = 2 })
	w.refused(w.b, memnet.SliceItem(s), proofs.ErrIncarnation)
	w.state(w.b, w.a, mesh.Active)
}

// head has a quorum of a certify, at the next height, a changed head for b.
func (w *world) head(change func(*proofs.QueueHead)) *proofs.Slice {
	w.t.Helper()
	w.step(w.a)
	w.b.Time = w.a.Time
	ch := w.a.Headers[w.a.Height]
	heads := slices.Clone(w.a.Heads())
	change(&heads[0])
	var err error
	ch.Header.OutboundRoot, err = proofs.OutboundRoot(w.a.ID(), ch.Header.ExecutedTime, heads)
	w.ok(err)
	proof, err := proofs.ProveHead(w.a.ID(), heads, w.b.ID())
	w.ok(err)
	ch = w.a.Certify(ch.Header)
	w.a.Headers[w.a.Height] = ch
	return &proofs.Slice{Header: ch, Proof: *proof}
}

func TestPeersForkRolledBack(t *testing.T) {
	for name, change := range map[string]func(*proofs.QueueHead){
		"ends below":  func(h *proofs.QueueHead) { h.End = 2 },
		"other peaks": func(h *proofs.QueueHead) { h.Root = proofs.Hash{1} },
		"acked unsent": func(h *proofs.QueueHead) {
			h.Acked = 9
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := three(t)
			w.accepted(w.b, memnet.SliceItem(w.slice(0, 3)))
			n := w.note(w.b, memnet.SliceItem(w.head(change)))
			if !n.Applied || n.Fault || n.Count != 0 {
				t.Fatalf("note %+v", n)
			}
			w.state(w.b, w.a, mesh.Diverged)
			x := w.b.Send(bob, w.a.ID(), alice.Account, proofs.NativeAsset, 1)
			if rc := w.send(x, w.b); rc.Code != proofs.CodePaused {
				t.Fatalf("send to a diverged peer: %s", rc.Code)
			}
			w.step(w.a)
			w.refused(w.b, memnet.SliceItem(w.slice(0, 3)), mesh.ErrState)
			w.balance(w.b, bob.Account, voucher(w.a), 60)
		})
	}
}

func TestEquivocation(t *testing.T) {
	w := three(t)
	first := w.slice(0, 3)
	w.accepted(w.b, memnet.SliceItem(first))
	other := clone(t, first)
	other.Header.Header.CutRoot = proofs.Hash{7}
	fabricated := clone(t, other)
	fabricated.Header = w.a.Certify(other.Header.Header, 0, 1)
	b := w.b.Block()
	b.Items = append(b.Items, memnet.Ordered(3, memnet.SliceItem(fabricated)))
	_, err := w.b.Run(b)
	w.ok(err)
	w.state(w.b, w.a, mesh.Active)

	other.Header = w.a.Certify(other.Header.Header)
	n := w.refused(w.b, memnet.SliceItem(other), proofs.ErrEquivocation)
	if !n.Applied || n.Fault {
		t.Fatalf("note %+v", n)
	}
	w.state(w.b, w.a, mesh.Frozen)
	e, ok, err := mesh.ReadEvidence(w.b.State, w.a.ID())
	w.ok(err)
	if !ok || e.Height != first.Header.Header.Height || e.A.Header.ID() != first.Header.Header.ID() || e.B.Header.ID() != other.Header.Header.ID() {
		t.Fatalf("evidence %+v", e)
	}
	trust, _, err := w.b.Rules.Trust(w.b.State, w.a.ID())
	w.ok(err)
	for _, ch := range []proofs.CertifiedHeader{e.A, e.B} {
		if _, err := trust.VerifyHeader(&ch, proofs.Clock{Now: w.b.Time}); err != nil {
			t.Fatalf("evidence does not verify: %v", err)
		}
	}
}

// A key block beside an inducted one is signed by the set of the epoch before.
func TestEquivocationAtAKeyBlock(t *testing.T) {
	w := linked(t)
	kb, err := w.a.Rotate(memnet.NewValidators("alpha two", 4))
	w.ok(err)
	w.b.Time = w.a.Time
	w.accepted(w.b, memnet.KeyItem(kb))
	fork := memnet.NewValidators("alpha fork", 4)
	old := memnet.NewValidators("alpha", 4)
	h := kb.Header
	h.NextSetHash = fork.Set.Hash()
	other := proofs.KeyBlock{Header: h, Certificate: memnet.CertifyWith(old, h).Certificate, Next: old.Set.Delta(fork.Set)}
	if n := w.refused(w.b, memnet.KeyItem(other), proofs.ErrEquivocation); !n.Applied {
		t.Fatalf("note %+v", n)
	}
	w.state(w.b, w.a, mesh.Frozen)
}

func TestLongRangeUnbondedSet(t *testing.T) {
	w := three(t)
	s := w.slice(0, 3)
	w.b.Time += 601_000
	n := w.refused(w.b, memnet.SliceItem(s), proofs.ErrExpired)
	if !n.Applied || n.Fault {
		t.Fatalf("note %+v", n)
	}
	w.state(w.b, w.a, mesh.Expired)
	x := w.b.Send(bob, w.a.ID(), alice.Account, proofs.NativeAsset, 1)
	if rc := w.send(x, w.b); rc.Code != proofs.CodePaused {
		t.Fatalf("send to an expired peer: %s", rc.Code)
	}
}

func TestSkippedRotation(t *testing.T) {
	w := linked(t)
	old := w.a.Validators
	k1, err := w.a.Rotate(memnet.NewValidators("alpha two", 4))
	w.ok(err)
	k2, err := w.a.Rotate(memnet.NewValidators("alpha three", 5))
	w.ok(err)
	w.emit(10)
	w.step(w.a)
	w.b.Time = w.a.Time
	s := w.slice(0, 1)
	if n := w.refused(w.b, memnet.SliceItem(s), proofs.ErrEpoch); n.Fault {
		t.Fatal("a missing key block is nobody's fault")
	}
	w.refused(w.b, memnet.KeyItem(k2), proofs.ErrEpoch)
	// All of it in one block, in the worst order: key blocks come first.
	res := w.step(w.b, memnet.SliceItem(s), memnet.KeyItem(k2), memnet.KeyItem(k1))
	for _, n := range res.Notes {
		if !n.Applied {
			t.Fatalf("note %+v", n)
		}
	}
	w.balance(w.b, bob.Account, voucher(w.a), 10)
	w.refused(w.b, memnet.KeyItem(k1), proofs.ErrStale)
	// The old set signs once more, for its old epoch and for the new one.
	h := w.a.Headers[w.a.Height].Header
	h.Height, h.Time = h.Height+1, h.Time+1
	h.Epoch, h.SetHash = 0, old.Set.Hash()
	forged := clone(t, s)
	forged.Header = memnet.CertifyWith(old, h)
	forged.Header.Header.Executed = h.Executed + 1
	w.refused(w.b, memnet.SliceItem(forged), proofs.ErrStale)
	h.Epoch = 2
	forged.Header = memnet.CertifyWith(old, h)
	w.refused(w.b, memnet.SliceItem(forged), proofs.ErrSet)
}

func TestKeyBlockWithAForeignDelta(t *testing.T) {
	w := linked(t)
	kb, err := w.a.Rotate(memnet.NewValidators("alpha two", 4))
	w.ok(err)
	w.b.Time = w.a.Time
	forged := kb
	forged.Next = memnet.NewValidators("alpha", 4).Set.Delta(memnet.NewValidators("mallory", 4).Set)
	if n := w.refused(w.b, memnet.KeyItem(forged), proofs.ErrSet); !n.Fault {
		t.Fatal("the lane is not blamed")
	}
	b := w.b.Block()
	b.Items = append(b.Items, memnet.Ordered(1, memnet.KeyItem(kb)))
	res, err := w.b.Run(b)
	w.ok(err)
	if !res.Notes[0].Applied {
		t.Fatalf("untouched: %+v", res.Notes[0])
	}
}

func TestUnknownVersionLagsOnlyWhenCertified(t *testing.T) {
	w := three(t)
	s := clone(t, w.slice(0, 3))
	h := s.Header.Header
	h.Version = 2
	s.Header = w.a.Certify(h, 0, 1)
	w.refused(w.b, memnet.SliceItem(s), proofs.ErrQuorum)
	w.state(w.b, w.a, mesh.Active)
	s.Header = w.a.Certify(h)
	b := w.b.Block()
	b.Items = append(b.Items, memnet.Ordered(1, memnet.SliceItem(s)))
	_, err := w.b.Run(b)
	w.ok(err)
	w.state(w.b, w.a, mesh.Lagging)
	b = w.b.Block()
	b.Items = append(b.Items, memnet.Ordered(1, memnet.SliceItem(w.slice(0, 3))))
	_, err = w.b.Run(b)
	w.ok(err)
	w.state(w.b, w.a, mesh.Active)
	w.balance(w.b, bob.Account, voucher(w.a), 60)
}

// A malicious quorum of a peer puts what it wants into its queue: it reaches
// accounts only, and takes no more than was escrowed for it.
func TestPolyMaliciousPeer(t *testing.T) {
	for name, c := range map[string]struct {
		code   proofs.Code
		change func(w *world, m *proofs.Message)
	}{
		"untouched":    {proofs.CodeOK, func(*world, *proofs.Message) {}},
		"our asset":    {proofs.CodeClaim, func(w *world, m *proofs.Message) { m.Asset = voucher(w.b) }},
		"third asset":  {proofs.CodeAsset, func(_ *world, m *proofs.Message) { m.Asset = proofs.NewAssetID(proofs.NetworkID{9}, proofs.Hash{}) }},
		"no value":     {proofs.CodeMalformed, func(_ *world, m *proofs.Message) { m.Amount = proofs.Amount{} }},
		"no gas":       {proofs.CodeOutOfGas, func(_ *world, m *proofs.Message) { m.Gas = 999 }},
		"all the gas":  {proofs.CodeOK, func(_ *world, m *proofs.Message) { m.Gas = ^uint64(0) }},
		"late":         {proofs.CodeDeadline, func(_ *world, m *proofs.Message) { m.Deadline = 1 }},
		"no recipient": {proofs.CodeNoRecipient, func(_ *world, m *proofs.Message) { m.Recipient = proofs.AccountID{} }},
		"huge memo":    {proofs.CodeMalformed, func(_ *world, m *proofs.Message) { m.Payload = make([]byte, proofs.MaxMemo+1) }},
	} {
		t.Run(name, func(t *testing.T) {
			w := linked(t)
			w.inject(func(m *proofs.Message) { c.change(w, m) })
			res := w.step(w.b, memnet.SliceItem(w.slice(0, 1)))
			if len(res.Receipts) != 1 || res.Receipts[0].Code != c.code {
				t.Fatalf("notes %+v receipts %+v, want %s", res.Notes, res.Receipts, c.code)
			}
			want := uint64(5)
			if c.code != proofs.CodeOK {
				want = 0
			}
			w.balance(w.b, bob.Account, voucher(w.a), want)
			w.balance(w.b, bob.Account, proofs.NativeAsset, funds)
		})
	}
}

// What no message may be never enters the queue; the peer has stopped its own
// link.
func TestHuckleberryLookAlikes(t *testing.T) {
	for name, change := range map[string]func(*proofs.Message){
		"refund":     func(m *proofs.Message) { m.Kind = proofs.KindRefund },
		"home asset": func(m *proofs.Message) { m.Asset = proofs.NativeAsset },
	} {
		t.Run(name, func(t *testing.T) {
			w := linked(t)
			w.inject(change)
			w.refused(w.b, memnet.SliceItem(w.slice(0, 1)), proofs.ErrMalformed)
			if h := w.b.Heads()[0]; h.Acked != 0 {
				t.Fatalf("head %+v", h)
			}
		})
	}
}

func TestVoucherOverflowFails(t *testing.T) {
	w := linked(t)
	var top proofs.Amount
	for i := range top {
		top[i] = 0xff
	}
	w.inject(func(m *proofs.Message) { m.Amount = top })
	w.accepted(w.b, memnet.SliceItem(w.slice(0, 1)))
	w.inject(func(*proofs.Message) {})
	res := w.step(w.b, memnet.SliceItem(w.slice(1, 1)))
	if len(res.Receipts) != 1 || res.Receipts[0].Code != proofs.CodeOverflow {
		t.Fatalf("receipts %+v", res.Receipts)
	}
}

func TestTwoRefunds(t *testing.T) {
	w := linked(t)
	start := w.a.Balance(alice.Account, proofs.NativeAsset)
	x := w.abroad(900)
	x.Transfer.Deadline = w.a.Time + 3000
	x.Sign(alice.Key)
	rc := w.send(x, w.a)
	back := start - memnet.Small(rc.Fee)
	// b lives past the deadline without the message, and proves it.
	w.b.Time = w.a.Time + 5000
	w.step(w.b)
	w.ok(memnet.Carry(w.b, w.a))
	w.balance(w.a, alice.Account, proofs.NativeAsset, back)
	// The same proof again, then the message itself, late, and its outcome.
	w.ok(memnet.Carry(w.b, w.a))
	w.ok(memnet.Carry(w.a, w.b))
	if h := w.b.Heads()[0]; len(h.Outcomes) != 1 || h.Outcomes[0].Code != proofs.CodeDeadline {
		t.Fatalf("head %+v", h)
	}
	w.ok(memnet.Exchange(w.b, w.a))
	w.balance(w.a, alice.Account, proofs.NativeAsset, back)
	w.balance(w.b, bob.Account, voucher(w.a), 0)
}

func TestPauseHoldsEverything(t *testing.T) {
	w := three(t)
	s := memnet.SliceItem(w.slice(0, 3))
	w.accepted(w.b, memnet.ActItem(w.b.Act(types.ActPause, w.a.ID())))
	w.state(w.b, w.a, mesh.Paused)
	w.refused(w.b, s, mesh.ErrState)
	if rc := w.send(w.b.Send(bob, w.a.ID(), alice.Account, proofs.NativeAsset, 1), w.b); rc.Code != proofs.CodePaused {
		t.Fatal(rc.Code)
	}
	w.accepted(w.b, memnet.ActItem(w.b.Act(types.ActResume, w.a.ID())))
	w.accepted(w.b, s)
	w.balance(w.b, bob.Account, voucher(w.a), 60)
}

// Defect of an older design: a registered peer with nothing behind it failed the
// local block.
func TestAPeersOutageIsNotOurs(t *testing.T) {
	w := linked(t)
	w.accepted(w.a, memnet.ActItem(w.a.Act(types.ActRegister, proofs.NetworkID{1, 2, 3})))
	w.emit(10)
	w.ok(memnet.Exchange(w.a, w.b))
	w.balance(w.b, bob.Account, voucher(w.a), 10)
}

func TestBothQueuesFull(t *testing.T) {
	w := linked(t)
	fill := func(n, to *memnet.Network, u memnet.User) {
		for {
			var items []types.Item
			for range 64 {
				items = append(items, memnet.External(n.Send(u, to.ID(), u.Account, proofs.NativeAsset, 1)))
			}
			rs := w.step(n, items...).Receipts
			if rs[len(rs)-1].Code == proofs.CodeWindowFull {
				return
			}
		}
	}
	fill(w.a, w.b, alice)
	fill(w.b, w.a, bob)
	w.ok(memnet.Exchange(w.a, w.b))
	w.balance(w.b, alice.Account, voucher(w.a), 256)
	w.balance(w.a, bob.Account, voucher(w.b), 256)
	for _, h := range []proofs.QueueHead{w.a.Heads()[0], w.b.Heads()[0]} {
		if h.Begin != h.End {
			t.Fatalf("did not drain: %+v", h)
		}
	}
}
