package mesh_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/isthmus-network/isthmus/internal/memstate/memnet"
	"github.com/isthmus-network/isthmus/mesh"
	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// The tests of this file are named after the rows of the table of known bridge
// failures: each attempts the attack against running networks.

// three has alice send three transfers that b has not seen yet, certified.
func three(t *testing.T) *world {
	t.Helper()
	w := linked(t)
	for _, v := range []uint64{10, 20, 30} {
		w.emit(v)
	}
	w.step(w.a)
	w.b.Time = w.a.Time
	return w
}

func (w *world) slice(start, count uint64) *proofs.Slice { return w.a.Slice(w.b.ID(), start, count) }

// clone is a deep copy, through the wire form.
func clone(t *testing.T, s *proofs.Slice) *proofs.Slice {
	t.Helper()
	c, err := proofs.DecodeSlice(s.MarshalCanoto())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// inject puts a message into a's queue past all rules, as a malicious quorum of a
// would, and certifies it.
func (w *world) inject(change func(*proofs.Message)) {
	w.t.Helper()
	log := mesh.OutLog(w.b.ID(), 1)
	info, err := w.a.State.LogInfo(log)
	w.ok(err)
	m := proofs.Message{
		Version: proofs.Version, Source: w.a.ID(), Destination: w.b.ID(), Incarnation: 1, Index: info.End(), Kind: proofs.KindTransfer,
		Sender: alice.Account, Recipient: bob.Account, Asset: voucher(w.a), Amount: proofs.NewAmount(5), Gas: 1000,
		Deadline: w.a.Time + 60_000, Emitted: w.a.Time,
	}
	change(&m)
	_, err = w.a.State.AppendLog(log, m.ID(), m.MarshalCanoto())
	w.ok(err)
	w.step(w.a) // executes: the head now covers it
	w.step(w.a) // certifies that
	w.b.Time = w.a.Time
}

func TestVerusAlteredValueFails(t *testing.T) {
	for name, change := range map[string]func(*proofs.Message){
		"amount":    func(m *proofs.Message) { m.Amount = proofs.NewAmount(11) },
		"recipient": func(m *proofs.Message) { m.Recipient = alice.Account },
		"asset":     func(m *proofs.Message) { m.Asset = proofs.NewAssetID(proofs.NetworkID{9}, proofs.Hash{}) },
		"sender":    func(m *proofs.Message) { m.Sender = bob.Account },
		"deadline":  func(m *proofs.Message) { m.Deadline++ },
		"payload":   func(m *proofs.Message) { m.Payload = []byte("x") },
	} {
		t.Run(name, func(t *testing.T) {
			w := three(t)
			s := w.slice(0, 3)
			forged := clone(t, s)
			change(&forged.Messages[1])
			if n := w.refused(w.b, memnet.SliceItem(forged), proofs.ErrRoot); !n.Fault {
				t.Fatal("the lane is not blamed")
			}
			w.balance(w.b, bob.Account, voucher(w.a), 0)
			b := w.b.Block()
			b.Items = append(b.Items, memnet.Ordered(1, memnet.SliceItem(s)))
			res, err := w.b.Run(b)
			w.ok(err)
			if !res.Notes[0].Applied {
				t.Fatalf("untouched, by another lane: %+v", res.Notes[0])
			}
		})
	}
}

func TestRangeOmission(t *testing.T) {
	cases := map[string]struct {
		want   error
		change func(*proofs.Slice)
	}{
		"gap":            {proofs.ErrGap, func(s *proofs.Slice) { s.Start, s.Messages = 1, s.Messages[1:] }},
		"truncated head": {proofs.ErrIndex, func(s *proofs.Slice) { s.Messages = s.Messages[1:] }},
		"truncated tail": {merkle.ErrNodeCount, func(s *proofs.Slice) { s.Messages = s.Messages[:2] }},
		"omitted middle": {proofs.ErrIndex, func(s *proofs.Slice) { s.Messages = slices.Delete(s.Messages, 1, 2) }},
		"reordered":      {proofs.ErrIndex, func(s *proofs.Slice) { s.Messages[0], s.Messages[1] = s.Messages[1], s.Messages[0] }},
		"duplicated":     {proofs.ErrIndex, func(s *proofs.Slice) { s.Messages = append(s.Messages, s.Messages[2]) }},
		"false empty":    {proofs.ErrBranch, func(s *proofs.Slice) { s.Messages, s.Proof.Head.End = nil, 0 }},
		"foreign right":  {merkle.ErrNodeCount, func(s *proofs.Slice) { s.Right = []proofs.Hash{{1}} }},
		"count":          {proofs.ErrRoot, func(s *proofs.Slice) { s.Proof.Count = 2 }},
		"zero root":      {proofs.ErrRoot, func(s *proofs.Slice) { s.Proof.Root = proofs.Hash{} }},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w := three(t)
			s := clone(t, w.slice(0, 3))
			c.change(s)
			w.refused(w.b, memnet.SliceItem(s), c.want)
			w.balance(w.b, bob.Account, voucher(w.a), 0)
		})
	}
	t.Run("untouched", func(t *testing.T) {
		w := three(t)
		w.accepted(w.b, memnet.SliceItem(w.slice(0, 3)))
		w.balance(w.b, bob.Account, voucher(w.a), 60)
	})
}

func TestPartsOfAQueue(t *testing.T) {
	w := three(t)
	w.accepted(w.b, memnet.SliceItem(w.slice(0, 2)))
	w.balance(w.b, bob.Account, voucher(w.a), 30)
	w.accepted(w.b, memnet.SliceItem(w.slice(1, 2))) // its first message is a stale prefix
	w.balance(w.b, bob.Account, voucher(w.a), 60)
}

func TestReplayAfterPrune(t *testing.T) {
	w := three(t)
	s := w.slice(0, 3)
	w.accepted(w.b, memnet.SliceItem(s))
	w.refused(w.b, memnet.SliceItem(s), proofs.ErrStale)
	w.ok(memnet.Exchange(w.b, w.a))
	w.ok(memnet.Exchange(w.a, w.b))
	if h := w.a.Heads()[0]; h.Begin != 3 {
		t.Fatalf("not pruned: %+v", h)
	}
	w.refused(w.b, memnet.SliceItem(s), proofs.ErrStale)
	w.balance(w.b, bob.Account, voucher(w.a), 60)
}

func TestDoubleInjection(t *testing.T) {
	w := three(t)
	it := memnet.SliceItem(w.slice(0, 3))
	b := w.b.Block(it, it, it)
	b.Items[1].Lane, b.Items[2].Lane = 1, 2
	_, err := w.b.Run(b)
	w.ok(err)
	w.balance(w.b, bob.Account, voucher(w.a), 60)
}

func TestCrossNetworkReplay(t *testing.T) {
	w := three(t)
	c := memnet.New(memnet.Parameters("gamma"), 4, funds, bob)
	w.ok(memnet.Link(w.a, c))
	w.emit(5)
	w.step(w.a)
	w.b.Time = w.a.Time
	s := clone(t, w.slice(0, 3))
	s.Proof = w.a.Slice(c.ID(), 0, 0).Proof
	w.refused(w.b, memnet.SliceItem(s), proofs.ErrDestination)
	// The same validators certify another network's header: it proves nothing here.
	h := w.a.Headers[w.a.Height].Header
	h.Network = c.ID()
	s = clone(t, w.slice(0, 3))
	s.Header = w.a.Certify(h)
	b := w.b.Block()
	b.Items = append(b.Items, memnet.Ordered(1, memnet.SliceItem(s)))
	res, err := w.b.Run(b)
	w.ok(err)
	if n := res.Notes[0]; n.Applied || !errors.Is(n.Err, mesh.ErrUnknown) {
		t.Fatalf("note %+v", n)
	}
}

func TestRoninKeysBelowQuorum(t *testing.T) {
	w := three(t)
	s := w.slice(0, 3)
	forged := clone(t, s)
	forged.Header = w.a.Certify(s.Header.Header, 0, 1)
	if n := w.refused(w.b, memnet.SliceItem(forged), proofs.ErrQuorum); !n.Fault {
		t.Fatal("the lane is not blamed")
	}
}

func TestChainSwapSelfChosenSigners(t *testing.T) {
	w := three(t)
	s := clone(t, w.slice(0, 3))
	s.Header = memnet.CertifyWith(memnet.NewValidators("mallory", 4), s.Header.Header)
	w.refused(w.b, memnet.SliceItem(s), proofs.ErrSignature)
}

func TestNomadZeroRoot(t *testing.T) {
	w := three(t)
	s := clone(t, w.slice(0, 3))
	h := s.Header.Header
	h.OutboundRoot = proofs.Hash{}
	s.Header = w.a.Certify(h)
	w.a.Headers[w.a.Height] = s.Header
	w.refused(w.b, memnet.SliceItem(s), proofs.ErrRoot)
}

func TestNotarizedNotFinal(t *testing.T) {
	w := three(t)
	s := clone(t, w.slice(0, 3))
	h := s.Header.Header
	vote := proofs.Vote{
		Kind: proofs.TypeNotarize, Epoch: h.Epoch, SetHash: h.SetHash, View: s.Header.Certificate.View,
		ParentView: s.Header.Certificate.ParentView, Header: h.ID(),
	}
	s.Header.Certificate.Quorum = w.a.Validators.Sign(vote.SigningBytes(h.Network))
	w.refused(w.b, memnet.SliceItem(s), proofs.ErrSignature)
	w.state(w.b, w.a, mesh.Active)
}

func TestRainbowFutureTime(t *testing.T) {
	w := three(t)
	s := clone(t, w.slice(0, 3))
	h := s.Header.Header
	h.Time = w.b.Time + 60_000
	s.Header = w.a.Certify(h)
	if n := w.refused(w.b, memnet.SliceItem(s), proofs.ErrClock); n.Fault {
		t.Fatal("a clock is nobody's fault")
	}
}

func TestJunkSlicesAreChargedAndBounded(t *testing.T) {
	w := three(t)
	good := memnet.SliceItem(w.slice(0, 3))
	bad := clone(t, w.slice(0, 3))
	bad.Header.Certificate.Quorum.Signature[40] ^= 1
	junk := memnet.SliceItem(bad)
	b := w.b.Block(junk, junk, good)
	b.Items = append(b.Items, memnet.Ordered(1, good))
	res, err := w.b.Run(b)
	w.ok(err)
	if len(res.Charges) != 1 || res.Charges[0].Lane != 0 {
		t.Fatalf("charges %+v", res.Charges)
	}
	applied := 0
	for _, n := range res.Notes {
		if n.Applied {
			applied++
			if n.Lane != 1 {
				t.Fatalf("lane %d is ignored and was heard", n.Lane)
			}
		}
	}
	if applied != 1 {
		t.Fatalf("notes %+v", res.Notes)
	}
	w.balance(w.b, bob.Account, voucher(w.a), 60)
	w.refused(w.b, good, mesh.ErrLane)
	w.b.Epoch++
	w.refused(w.b, good, proofs.ErrStale) // heard again
}
