package types_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/chain/types/internal/typestest"
	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

func wantError(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got error %v, want %v", err, want)
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("got error %v, want none", err)
	}
}

func digest(i int) proofs.Hash { return merkle.LeafHash(fmt.Appendf(nil, "digest %d", i)) }

func external(key uint64) *types.External {
	x := &types.External{Network: typestest.Network, Salt: key, Expiry: 100, Transfer: types.Transfer{Network: typestest.Network, Amount: proofs.NewAmount(1)}}
	x.Sign(typestest.NodeKey(key))
	return x
}

// TestExternalBinds: the signature covers every field, and two signatures of one
// body are one body (row Polygon Plasma 2021).
func TestExternalBinds(t *testing.T) {
	for name, change := range map[string]func(x *types.External){
		"network":   func(x *types.External) { x.Network[0] ^= 1 },
		"salt":      func(x *types.External) { x.Salt++ },
		"expiry":    func(x *types.External) { x.Expiry++ },
		"max fee":   func(x *types.External) { x.MaxFee[15]++ },
		"to":        func(x *types.External) { x.Transfer.Network[0] ^= 1 },
		"recipient": func(x *types.External) { x.Transfer.Recipient[0] ^= 1 },
		"asset":     func(x *types.External) { x.Transfer.Asset[0] ^= 1 },
		"amount":    func(x *types.External) { x.Transfer.Amount[0] ^= 1 },
		"gas":       func(x *types.External) { x.Transfer.Gas++ },
		"deadline":  func(x *types.External) { x.Transfer.Deadline++ },
		"memo":      func(x *types.External) { x.Transfer.Memo = "x" },
		"signature": func(x *types.External) { x.Signature[40] ^= 1 },
	} {
		t.Run(name, func(t *testing.T) {
			x := external(1)
			ok(t, x.VerifySignature())
			body, id := x.Body(), x.ID()
			change(x)
			wantError(t, x.VerifySignature(), proofs.ErrSignature)
			if x.ID() == id || (x.Body() == body) != (name == "signature") {
				t.Error("the ids do not tell what changed")
			}
		})
	}
}

// smallOrder are the fourteen encodings of points of small order that ZIP-215
// decodes: eight canonical ones, and six with a coordinate of p or more or a
// needless sign.
var smallOrder = []string{
	"0100000000000000000000000000000000000000000000000000000000000000",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0000000000000000000000000000000000000000000000000000000000000080",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
	"0100000000000000000000000000000000000000000000000000000000000080",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
}

// TestEd25519Rules (row Ed25519 rules): the 196 small-order signatures of the
// ZIP-215 test suite have one verdict, alone and among others: valid. So have keys
// that are no point, and scalars that are not reduced: invalid.
func TestEd25519Rules(t *testing.T) {
	var xs []*types.External
	var want []bool
	add := func(valid bool, key, r string, s byte) {
		x := external(1)
		copy(x.Key[:], unhex(t, key))
		copy(x.Signature[:], unhex(t, r))
		clear(x.Signature[32:])
		x.Signature[63] = s
		xs, want = append(xs, x), append(want, valid)
	}
	for _, a := range smallOrder {
		for _, r := range smallOrder {
			add(true, a, r, 0)
		}
	}
	const noPoint = "0200000000000000000000000000000000000000000000000000000000000000"
	add(false, noPoint, smallOrder[0], 0)
	add(false, smallOrder[0], noPoint, 0)
	add(false, smallOrder[0], smallOrder[0], 0xff) // the scalar is not below the order
	for i := range uint64(40) {
		x := external(i)
		x.Signature[5] ^= byte(i % 3 / 2) // every third is spoilt
		xs, want = append(xs, x), append(want, i%3 != 2)
	}
	check := func(xs []*types.External, want []bool) {
		t.Helper()
		got := types.VerifyExternals(xs)
		for i, x := range xs {
			if single := x.VerifySignature() == nil; got[i] != want[i] || single != want[i] {
				t.Errorf("%d (key %x, R %x): got %v alone and %v among %d, want %v", i, x.Key, x.Signature[:32], single, got[i], len(xs), want[i])
			}
		}
	}
	check(xs, want)
	for i := range xs {
		if i%7 == 0 || !want[i] { // a batch of one, and of few
			check(xs[i:i+1], want[i:i+1])
			check(xs[max(0, i-3):i+1], want[max(0, i-3):i+1])
		}
	}
	if got := types.VerifyExternals(nil); len(got) != 0 {
		t.Errorf("no messages: got %v", got)
	}
}

func TestCutExtends(t *testing.T) {
	parent := types.NewCut(3)
	parent.Tips[1] = types.Tip{Lane: 1, Height: 4, Digest: digest(4)}
	for _, c := range []struct {
		name   string
		want   error
		change func(c *types.Cut)
	}{
		{"lane left out", proofs.ErrMalformed, func(c *types.Cut) { c.Tips = c.Tips[:2] }},
		{"lane too many", proofs.ErrMalformed, func(c *types.Cut) { c.Tips = append(c.Tips, types.Tip{Lane: 3}) }},
		{"lanes exchanged", proofs.ErrIndex, func(c *types.Cut) { c.Tips[0], c.Tips[1] = c.Tips[1], c.Tips[0] }},
		{"lane repeated", proofs.ErrIndex, func(c *types.Cut) { c.Tips[2].Lane = 1 }},
		{"tip lowered", proofs.ErrIndex, func(c *types.Cut) { c.Tips[1].Height = 3 }},
		{"tip replaced", proofs.ErrIndex, func(c *types.Cut) { c.Tips[1].Height = 4 }},
		{"height without digest", proofs.ErrIndex, func(c *types.Cut) { c.Tips[2].Height = 1 }},
		{"digest without height", proofs.ErrIndex, func(c *types.Cut) { c.Tips[2].Digest = digest(1) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			next := types.Cut{Tips: append([]types.Tip{}, parent.Tips...)}
			ok(t, next.Extends(&parent, 3))
			next.Tips[1] = types.Tip{Lane: 1, Height: 5, Digest: digest(5)}
			ok(t, next.Extends(&parent, 3))
			if next.Same(&parent) {
				t.Error("another tip is the same cut")
			}
			c.change(&next)
			wantError(t, next.Extends(&parent, 3), c.want)
		})
	}
}

// TestEmptyCutDecodes: the first proposal of an epoch with the most lanes is
// mostly empty tips; the memory that they take must be granted.
func TestEmptyCutDecodes(t *testing.T) {
	for _, n := range []int{1, 100, 300, proofs.MaxValidators} {
		p := types.Proposal{View: 1, Block: types.Block{Cut: types.NewCut(n)}}
		var got types.Proposal
		ok(t, proofs.Decode(&got, p.MarshalCanoto(), types.MaxProposalBytes))
		if len(got.Block.Cut.Tips) != n {
			t.Errorf("got %d tips, want %d", len(got.Block.Cut.Tips), n)
		}
	}
}

// TestQuorumForms: a quorum keeps its statement in each form, and one that does
// not finalize proves nothing to strangers (row notarized, not final).
func TestQuorumForms(t *testing.T) {
	c := typestest.NewCommittee(1, 1, 1, 1)
	h := proofs.Header{
		Version: proofs.Version, Network: typestest.Network, SetHash: c.Set.Hash(), Height: 1, Time: 2000, ExecutedTime: 1000,
		StateRoot: digest(1), OutboundRoot: digest(2), ReceiptRoot: digest(3),
	}
	trust := proofs.Trust{Network: typestest.Network, Set: c.Set, Time: 1000, TrustPeriod: 10_000, MaxDrift: 1}
	quorum := func(kind proofs.ObjectType) types.Quorum {
		v := types.Vote{Kind: kind, View: 1, Header: h.ID()}
		statement := v.Statement(c.Set.Hash())
		q := types.Quorum{Kind: kind, View: 1, Header: h.ID(), Aggregate: c.Sign(statement.SigningBytes(typestest.Network), 0, 1, 2)}
		if q.Vote(c.Set.Hash()) != statement {
			t.Errorf("kind %x: the quorum's statement is not the vote's", kind)
		}
		return q
	}
	for kind, want := range map[proofs.ObjectType]error{
		proofs.TypeFinalize: nil, proofs.TypeNotarize: proofs.ErrSignature, proofs.TypeNullify: proofs.ErrSignature, proofs.TypeAct: proofs.ErrSignature,
	} {
		q := quorum(kind)
		_, err := trust.VerifyHeader(&proofs.CertifiedHeader{Header: h, Certificate: q.Certificate()}, proofs.Clock{Now: 2000})
		wantError(t, err, want)
	}
}

// TestKelp2026 (row Kelp 2026): an act below the policy's threshold, one of one
// included, is refused, and no threshold of zero lets it through.
func TestKelp2026(t *testing.T) {
	c := typestest.NewCommittee(1, 1, 1, 1)
	act := types.Act{Network: typestest.Network, Kind: types.ActPause}
	approve := func(who ...int) *types.CertifiedAct {
		return &types.CertifiedAct{Act: act, Approval: c.Sign(act.SigningBytes(), who...)}
	}
	ok(t, approve(0, 1, 2).Verify(c.Set, 2, 3))
	for _, threshold := range [][2]uint32{{2, 3}, {0, 1}, {1, 2}, {0, 0}, {1, 0}, {3, 4}} {
		wantError(t, approve(2).Verify(c.Set, threshold[0], threshold[1]), proofs.ErrQuorum)
	}
	wantError(t, approve(0, 1, 2).Verify(c.Set, 3, 4), proofs.ErrQuorum)
	ok(t, approve(0, 1, 2, 3).Verify(c.Set, 3, 4))
}

// TestMatches: a header carries the results of execution or it does not.
func TestMatches(t *testing.T) {
	e := types.Executed{Height: 4, Time: 9, StateRoot: digest(1), OutboundRoot: digest(2), ReceiptRoot: digest(3), ReceiptSize: 5}
	h := proofs.Header{Executed: 4, ExecutedTime: 9, StateRoot: e.StateRoot, OutboundRoot: e.OutboundRoot, ReceiptRoot: e.ReceiptRoot, ReceiptSize: 5}
	if !e.Matches(&h) {
		t.Fatal("equal results do not match")
	}
	for i, change := range []func(h *proofs.Header){
		func(h *proofs.Header) { h.Executed++ }, func(h *proofs.Header) { h.ExecutedTime++ }, func(h *proofs.Header) { h.StateRoot[0] ^= 1 },
		func(h *proofs.Header) { h.OutboundRoot[0] ^= 1 }, func(h *proofs.Header) { h.ReceiptRoot[0] ^= 1 }, func(h *proofs.Header) { h.ReceiptSize++ },
	} {
		changed := h
		change(&changed)
		if e.Matches(&changed) {
			t.Errorf("change %d still matches", i)
		}
	}
}
