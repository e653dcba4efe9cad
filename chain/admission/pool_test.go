package admission_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/isthmus-network/isthmus/chain/admission"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

var network = proofs.NetworkID{4, 5, 6}

const (
	now    = 1_000_000_500 // ms
	second = now / 1000
)

func keyOf(name string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte(name))
	return ed25519.NewKeyFromSeed(seed[:])
}

func external(sender string, salt uint64) *types.External {
	x := &types.External{Network: network, Salt: salt, Expiry: second + 30}
	x.Transfer = types.Transfer{Network: network, Recipient: proofs.AccountID{1}, Amount: proofs.NewAmount(5)}
	x.Sign(keyOf(sender))
	return x
}

func newPool() *admission.Pool {
	return admission.New(admission.Config{Network: network, ExpiryWindow: 60,
		Limits: admission.Limits{PerSender: 3, Messages: 5, Bytes: 4096, Statuses: 8, Keep: 60_000}})
}

func admit(t *testing.T, p *admission.Pool, x *types.External) proofs.Hash {
	t.Helper()
	v, err := p.Admit(now, x.MarshalCanoto(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return v.ID()
}

func stage(t *testing.T, p *admission.Pool, id proofs.Hash) admission.Stage {
	t.Helper()
	s, ok := p.Status(id)
	if !ok {
		t.Fatalf("message %x is not known", id[:4])
	}
	return s.Stage
}

func TestRefusals(t *testing.T) {
	resign := func(x *types.External) { x.Sign(keyOf("alice")) }
	for name, c := range map[string]struct {
		change func(*types.External)
		kind   error
	}{
		"another network":     {func(x *types.External) { x.Network[0] ^= 1; resign(x) }, proofs.ErrNetwork},
		"amount 0":            {func(x *types.External) { x.Transfer.Amount = proofs.Amount{}; resign(x) }, proofs.ErrMalformed},
		"long memo":           {func(x *types.External) { x.Transfer.Memo = fmt.Sprintf("%257d", 1); resign(x) }, proofs.ErrTooLarge},
		"expires this second": {func(x *types.External) { x.Expiry = second; resign(x) }, admission.ErrExpired},
		"never expires":       {func(x *types.External) { x.Expiry = ^uint64(0); resign(x) }, admission.ErrTooFar},
		"one second too far":  {func(x *types.External) { x.Expiry = second + 61; resign(x) }, admission.ErrTooFar},
		"bad signature":       {func(x *types.External) { x.Signature[0] ^= 1 }, proofs.ErrSignature},
		"amount changed":      {func(x *types.External) { x.Transfer.Amount = proofs.NewAmount(6) }, proofs.ErrSignature},
	} {
		t.Run(name, func(t *testing.T) {
			x := external("alice", 1)
			admit(t, newPool(), x)
			c.change(x)
			p := newPool()
			if _, err := p.Admit(now, x.MarshalCanoto(), nil); !errors.Is(err, c.kind) {
				t.Fatalf("got %v, want %v", err, c.kind)
			}
			if n, _ := p.Waiting(); n != 0 {
				t.Fatal("refused, but waits")
			}
		})
	}
	for name, wire := range map[string][]byte{"empty": {}, "junk": []byte("junk"), "trailing": append(external("alice", 1).MarshalCanoto(), 0)} {
		if _, err := newPool().Admit(now, wire, nil); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := newPool().Admit(now, make([]byte, types.MaxExternalBytes+1), nil); !errors.Is(err, proofs.ErrTooLarge) {
		t.Errorf("large: got %v", err)
	}
}

func TestDuplicateIsJudgedOnTheBody(t *testing.T) {
	p := newPool()
	x := external("alice", 1)
	id := admit(t, p, x)
	// Another signature makes another id, not another body; it is refused before it is verified.
	x.Signature[0] ^= 1
	_, err := p.Admit(now, x.MarshalCanoto(), nil)
	var dup *admission.DuplicateError
	if !errors.As(err, &dup) || dup.ID != id || dup.Stage != admission.Received || !errors.Is(err, admission.ErrDuplicate) {
		t.Fatalf("got %v", err)
	}
	y := external("alice", 2)
	body := y.Body()
	executed := func(expiry uint64, b proofs.Hash) bool { return expiry == y.Expiry && b == body }
	if _, err := p.Admit(now, y.MarshalCanoto(), executed); !errors.As(err, &dup) || dup.ID != (proofs.Hash{}) || dup.Stage != admission.Executed {
		t.Fatalf("got %v", err)
	}
	// Between Check and Add another copy may come in.
	a, err := p.Check(now, y.MarshalCanoto(), nil)
	if err != nil {
		t.Fatal(err)
	}
	va, err := a.Verify()
	if err != nil || p.Add(now, va) != nil {
		t.Fatal(err)
	}
	if err := p.Add(now, va); !errors.Is(err, admission.ErrDuplicate) {
		t.Fatalf("got %v", err)
	}
}

func TestBounds(t *testing.T) {
	p := newPool()
	for i := range 3 {
		admit(t, p, external("alice", uint64(i)))
	}
	if _, err := p.Admit(now, external("alice", 3).MarshalCanoto(), nil); !errors.Is(err, admission.ErrBusy) {
		t.Fatalf("fourth of a sender: got %v", err)
	}
	admit(t, p, external("bob", 0))
	admit(t, p, external("carol", 0))
	if _, err := p.Admit(now, external("dave", 0).MarshalCanoto(), nil); !errors.Is(err, admission.ErrFull) {
		t.Fatalf("sixth message: got %v", err)
	}
	p.Executed(now, external("alice", 0).Body(), 1, proofs.CodeOK)
	admit(t, p, external("alice", 3))

	wide := newPool()
	for i := range 5 {
		x := external(fmt.Sprint(i), 0)
		x.Transfer.Memo = fmt.Sprintf("%256d", 1)
		x.Sign(keyOf(fmt.Sprint(i)))
		admit(t, wide, x)
	}
	ids, wires := wide.Take(900)
	if len(ids) != len(wires) || len(ids) == 0 || len(ids) == 5 {
		t.Fatalf("took %d", len(ids))
	}
	if one, _ := wide.Take(1); len(one) != 1 {
		t.Fatal("a message larger than the batch is stuck")
	}
}

func TestFollowedToTheEnd(t *testing.T) {
	p := newPool()
	x := external("alice", 1)
	id, batch := admit(t, p, x), proofs.Hash{9}
	ids, wires := p.Take(1 << 20)
	if !slices.Equal(ids, []proofs.Hash{id}) || !bytes.Equal(wires[0], x.MarshalCanoto()) {
		t.Fatal("takes something else")
	}
	if again, _ := p.Take(1 << 20); len(again) != 0 {
		t.Fatal("taken twice")
	}
	steps := []struct {
		do   func()
		want admission.Stage
	}{
		{func() {}, admission.Received},
		{func() { p.Batched(now+1, ids, batch) }, admission.Batched},
		{func() { p.Acknowledged(now+2, batch) }, admission.Acknowledged},
		{func() { p.Ordered(now+3, 7, batch) }, admission.Ordered},
		{func() { p.Acknowledged(now+9, batch) }, admission.Ordered},
		{func() { p.Executed(now+4, x.Body(), 8, proofs.CodeInsufficient) }, admission.Executed},
		{func() { p.Executed(now+9, x.Body(), 9, proofs.CodeOK) }, admission.Executed},
		{func() { p.Certified(now+5, 7, 9) }, admission.Executed},
		{func() { p.Certified(now+5, 8, 10) }, admission.Certified},
		{func() { p.Expire(now+40_000, now+40_000) }, admission.Certified},
	}
	for i, s := range steps {
		s.do()
		if got := stage(t, p, id); got != s.want {
			t.Fatalf("step %d: got %s, want %s", i, got, s.want)
		}
	}
	s, _ := p.StatusOfBody(x.Body())
	if s.Ordered != 7 || s.Executed != 8 || s.Certified != 10 || s.Code != proofs.CodeInsufficient || s.Times[admission.Ordered] != now+3 || s.Batch != batch {
		t.Fatalf("status %+v", s)
	}
	p.Expire(now+91_000, now)
	if _, ok := p.Status(id); ok {
		t.Fatal("kept for ever")
	}
}

func TestExpiry(t *testing.T) {
	p := newPool()
	waits, sent, short := admit(t, p, external("alice", 1)), proofs.Hash{}, external("bob", 1)
	short.Expiry = second + 40
	short.Sign(keyOf("bob"))
	sent = admit(t, p, short)
	ids, _ := p.Take(1 << 20)
	p.Batched(now, ids[1:], proofs.Hash{1})
	waits2 := admit(t, p, external("carol", 1))
	if got := p.Expire((second+30)*1000-1, (second+30)*1000-1); len(got) != 0 {
		t.Fatal("expired early")
	}
	// By the local clock only what still waits expires: the rest may be executed yet.
	if got := p.Expire((second+41)*1000, now); !slices.Equal(got, []proofs.Hash{waits2}) {
		t.Fatalf("expired %x", got)
	}
	if stage(t, p, sent) != admission.Batched || stage(t, p, waits) != admission.Received {
		t.Fatal("gave up what is on its way")
	}
	if got := p.Expire((second+41)*1000, (second+40)*1000); !slices.Equal(got, []proofs.Hash{waits, sent}) {
		t.Fatalf("expired %x", got)
	}
	p.Executed(now, short.Body(), 5, proofs.CodeOK)
	if stage(t, p, sent) != admission.Expired {
		t.Fatal("executed after its expiry")
	}
}

func TestStatusesAreBounded(t *testing.T) {
	p := newPool()
	var ids []proofs.Hash
	for i := range 20 {
		x := external("alice", uint64(i))
		ids = append(ids, admit(t, p, x))
		p.Executed(now, x.Body(), uint64(i), proofs.CodeOK)
	}
	for i, id := range ids {
		if _, ok := p.Status(id); ok != (i >= 12) {
			t.Fatalf("message %d: known %v", i, ok)
		}
	}
	if n, size := p.Waiting(); n != 0 || size != 0 {
		t.Fatalf("%d messages of %d bytes wait, though all are executed", n, size)
	}
	if taken, _ := p.Take(1 << 20); len(taken) != 0 {
		t.Fatal("hands out what is executed already")
	}
}

func TestRestore(t *testing.T) {
	p := newPool()
	x := external("alice", 1)
	if err := p.Restore(now, x.MarshalCanoto(), proofs.Hash{1}); err != nil {
		t.Fatal(err)
	}
	if stage(t, p, x.ID()) != admission.Batched {
		t.Fatal("not batched")
	}
	if _, err := p.Admit(now, x.MarshalCanoto(), nil); !errors.Is(err, admission.ErrDuplicate) {
		t.Fatalf("got %v", err)
	}
	p.Ordered(now, 3, proofs.Hash{1})
	if stage(t, p, x.ID()) != admission.Ordered {
		t.Fatal("not followed")
	}
}

func TestVerifyAll(t *testing.T) {
	p := newPool()
	var cs []*admission.Candidate
	for i := range 3 {
		x := external("alice", uint64(i))
		if i == 1 {
			x.Signature[5] ^= 1
		}
		c, err := p.Check(now, x.MarshalCanoto(), nil)
		if err != nil {
			t.Fatal(err)
		}
		cs = append(cs, c)
	}
	for i, v := range admission.VerifyAll(cs) {
		if (v == nil) != (i == 1) {
			t.Fatalf("candidate %d: got %v", i, v)
		}
	}
}

func TestReceipt(t *testing.T) {
	key := keyOf("node")
	good := admission.NewReceipt(external("alice", 1), proofs.NodeKey(key.Public().(ed25519.PublicKey)), now)
	good.Sign(key)
	wire := good.MarshalCanoto()
	if r, err := admission.DecodeReceipt(wire); err != nil || r.Verify(network) != nil {
		t.Fatalf("got %v", err)
	}
	for name, change := range map[string]func(*admission.Receipt){
		"message":   func(r *admission.Receipt) { r.Message[0] ^= 1 },
		"body":      func(r *admission.Receipt) { r.Body[0] ^= 1 },
		"node":      func(r *admission.Receipt) { r.Node = proofs.NodeKey(keyOf("x").Public().(ed25519.PublicKey)) },
		"time":      func(r *admission.Receipt) { r.Time++ },
		"expiry":    func(r *admission.Receipt) { r.Expiry++ },
		"signature": func(r *admission.Receipt) { r.Signature[0] ^= 1 },
	} {
		r, err := admission.DecodeReceipt(wire)
		if err != nil {
			t.Fatal(err)
		}
		change(r)
		if err := r.Verify(network); !errors.Is(err, proofs.ErrSignature) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if err := good.Verify(proofs.NetworkID{1}); !errors.Is(err, proofs.ErrNetwork) {
		t.Errorf("network: got %v", err)
	}
	if _, err := admission.DecodeReceipt(make([]byte, admission.MaxReceiptBytes+1)); !errors.Is(err, proofs.ErrTooLarge) {
		t.Errorf("large: got %v", err)
	}
}

func FuzzReceipt(f *testing.F) {
	key := keyOf("node")
	r := admission.NewReceipt(external("alice", 1), proofs.NodeKey(key.Public().(ed25519.PublicKey)), now)
	r.Sign(key)
	f.Add(r.MarshalCanoto())
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := admission.DecodeReceipt(b); err == nil && !bytes.Equal(r.MarshalCanoto(), b) {
			t.Fatal("a second encoding of one receipt")
		}
	})
}
