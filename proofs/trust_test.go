package proofs_test

import (
	"math"
	"testing"

	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/internal/prooftest"
)

// advance follows a key block that must hold.
func advance(t *testing.T, trust proofs.Trust, kb proofs.KeyBlock, n *prooftest.Network) proofs.Trust {
	t.Helper()
	next, v, err := trust.Advance(&kb, n.Clock())
	ok(t, err)
	if v.ID() != kb.Header.ID() || v.Header().Height != kb.Header.Height {
		t.Fatal("the verified header is not the key block's")
	}
	return next
}

// TestKeyBlockChain follows a network whose set changes in every way, from the
// zero-header to the newest header.
func TestKeyBlockChain(t *testing.T) {
	n := prooftest.NewNetwork("gamma", prooftest.Even(1, 4)...)
	trust := n.Trust()
	chain := [][]prooftest.Seat{
		prooftest.Even(1, 4),  // renewed
		prooftest.Even(2, 4),  // one goes, one comes
		prooftest.Even(10, 3), // all change
		append(prooftest.Even(10, 2), prooftest.Seat{Keys: 12, Weight: 5}), // a weight changes
		prooftest.Even(10, 2), // one goes
	}
	for i, seats := range chain {
		n.Extend()
		next := prooftest.NewCommittee(seats...)
		kb := n.Rotate(next)
		trust = advance(t, trust, kb, n)
		if trust.Epoch != uint64(i+1) || trust.Set.Hash() != next.Set.Hash() || trust.KeyHeight != kb.Header.Height ||
			trust.KeyID != kb.Header.ID() || trust.Time != kb.Header.Time {
			t.Fatalf("after key block %d: got %+v", i, trust)
		}
		ch := n.Extend()
		_, err := trust.VerifyHeader(&ch, n.Clock())
		ok(t, err)
	}
}

func TestSkippedRotation(t *testing.T) { // row skipped rotation, stale key block
	n := prooftest.NewNetwork("gamma", prooftest.Even(1, 4)...)
	trust := n.Trust()
	second := prooftest.NewCommittee(prooftest.Even(2, 4)...)
	first := n.Rotate(second)
	skipped := n.Rotate(prooftest.NewCommittee(prooftest.Even(3, 4)...))
	last := n.Rotate(prooftest.NewCommittee(prooftest.Even(4, 4)...))
	tip := n.Extend()

	after := advance(t, trust, first, n) // each link in turn is accepted
	after = advance(t, after, skipped, n)
	after = advance(t, after, last, n)
	_, err := after.VerifyHeader(&tip, n.Clock())
	ok(t, err)

	_, _, err = trust.Advance(&skipped, n.Clock())
	wantError(t, err, proofs.ErrEpoch)
	_, err = trust.VerifyHeader(&tip, n.Clock())
	wantError(t, err, proofs.ErrEpoch)
	_, _, err = after.Advance(&first, n.Clock())
	wantError(t, err, proofs.ErrStale)

	// The old set, asked to sign for the new epoch under the new set's name.
	n2 := prooftest.NewNetwork("gamma", prooftest.Even(1, 4)...)
	old := n2.Committee
	kb := n2.Rotate(second)
	followed := advance(t, trust, kb, n2)
	h := n2.Next()
	good := n2.Certify(h)
	_, err = followed.VerifyHeader(&good, n2.Clock())
	ok(t, err)
	n2.Committee = old
	forged := n2.Certify(h)
	_, err = followed.VerifyHeader(&forged, n2.Clock())
	wantError(t, err, proofs.ErrSignature)
	h.SetHash = old.Set.Hash()
	forged = n2.Certify(h)
	_, err = followed.VerifyHeader(&forged, n2.Clock())
	wantError(t, err, proofs.ErrSet)
}

func TestRotationBoundary(t *testing.T) { // row boundary of a rotation
	n := prooftest.NewNetwork("gamma", prooftest.Even(1, 4)...)
	before := n.Trust()
	lastOfOld := n.Extend()
	kb := n.Rotate(prooftest.NewCommittee(prooftest.Even(3, 4)...))
	firstOfNew := n.Extend()
	after := advance(t, before, kb, n)

	_, err := before.VerifyHeader(&lastOfOld, n.Clock())
	ok(t, err)
	_, err = after.VerifyHeader(&firstOfNew, n.Clock())
	ok(t, err)
	_, err = before.VerifyHeader(&firstOfNew, n.Clock())
	wantError(t, err, proofs.ErrEpoch)
	_, err = after.VerifyHeader(&lastOfOld, n.Clock())
	wantError(t, err, proofs.ErrStale)
}

func TestEpochJump(t *testing.T) {
	n := prooftest.NewNetwork("gamma", prooftest.Even(1, 4)...)
	trust, same := n.Trust(), n.Committee
	for range 3 {
		n.Rotate(same)
	}
	tip := n.Extend()
	v, err := trust.VerifyHeader(&tip, n.Clock())
	ok(t, err) // three epochs on, but the very same set
	moved := trust.Refresh(v)
	if moved.Epoch != 3 || moved.KeyHeight != 3 || moved.Time != tip.Header.Time {
		t.Errorf("refreshed: got epoch %d, key height %d, time %d", moved.Epoch, moved.KeyHeight, moved.Time)
	}
	kb := n.Rotate(prooftest.NewCommittee(prooftest.Even(2, 4)...))
	for name, from := range map[string]proofs.Trust{"from the zero-header": trust, "from the header": moved} {
		if got := advance(t, from, kb, n); got.Epoch != 4 || got.KeyHeight != kb.Header.Height {
			t.Errorf("%s: got epoch %d, key height %d", name, got.Epoch, got.KeyHeight)
		}
	}
}

// refusedHeader shows a header in the middle of epoch 1 accepted, and refused
// after change although the set signs it.
func refusedHeader(t *testing.T, name string, want error, change func(h *proofs.Header)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		n := prooftest.NewNetwork("gamma", prooftest.Even(1, 4)...)
		trust := n.Trust()
		n.Extend()
		kb := n.Rotate(n.Committee)
		trust = advance(t, trust, kb, n)
		h := n.Next()
		good := n.Certify(h)
		_, err := trust.VerifyHeader(&good, n.Clock())
		ok(t, err)
		change(&h)
		bad := n.Certify(h)
		_, err = trust.VerifyHeader(&bad, n.Clock())
		wantError(t, err, want)
	})
}

func TestHeightRegress(t *testing.T) { // row height regress
	refusedHeader(t, "height of the key block", proofs.ErrLink, func(h *proofs.Header) { h.Height, h.Executed, h.PreviousKeyHeight = 2, 1, 0 })
	refusedHeader(t, "height 0", proofs.ErrLink, func(h *proofs.Header) { h.Height = 0 })
	refusedHeader(t, "another key block before it", proofs.ErrLink, func(h *proofs.Header) { h.PreviousKeyHeight = 1 })
	refusedHeader(t, "key block of its own height", proofs.ErrLink, func(h *proofs.Header) { h.PreviousKeyHeight = h.Height })
	refusedHeader(t, "later epoch, no key block", proofs.ErrLink, func(h *proofs.Header) { h.Epoch = 2 })
	refusedHeader(t, "last epoch of all", proofs.ErrLink, func(h *proofs.Header) { h.Epoch, h.Height, h.PreviousKeyHeight = math.MaxUint64, 9, 8 })
	refusedHeader(t, "epoch left", proofs.ErrStale, func(h *proofs.Header) { h.Epoch = 0 })
	refusedHeader(t, "version", proofs.ErrVersion, func(h *proofs.Header) { h.Version = 2 })
}

func TestLinks(t *testing.T) {
	n := prooftest.NewNetwork("gamma", prooftest.Even(1, 4)...)
	trust := n.Trust()
	headers := []proofs.Header{}
	for range proofs.MaxLinks + 2 {
		h := n.Next()
		n.Append(h)
		headers = append(headers, h)
	}
	show := func(k int) proofs.CertifiedHeader {
		links := append([]proofs.Header{}, headers[1:k+1]...)
		return proofs.CertifiedHeader{Header: headers[0], Links: links, Certificate: n.Finalize(headers[k])}
	}
	for _, k := range []int{0, 1, proofs.MaxLinks} {
		ch := show(k)
		v, err := trust.VerifyHeader(&ch, n.Clock())
		ok(t, err)
		if v.ID() != headers[0].ID() {
			t.Errorf("%d links: the verified header is not the one shown", k)
		}
	}
	for _, c := range []struct {
		name   string
		want   error
		change func(ch *proofs.CertifiedHeader)
	}{
		{"too many", proofs.ErrTooLarge, func(ch *proofs.CertifiedHeader) { *ch = show(proofs.MaxLinks + 1) }},
		{"left out", proofs.ErrLink, func(ch *proofs.CertifiedHeader) { ch.Links = ch.Links[1:] }},
		{"reordered", proofs.ErrLink, func(ch *proofs.CertifiedHeader) { ch.Links[0], ch.Links[1] = ch.Links[1], ch.Links[0] }},
		{"cut short", proofs.ErrSignature, func(ch *proofs.CertifiedHeader) { ch.Links = ch.Links[:2] }},
		{"changed header", proofs.ErrLink, func(ch *proofs.CertifiedHeader) { ch.Header.StateRoot[0] ^= 1 }},
		{"changed last link", proofs.ErrSignature, func(ch *proofs.CertifiedHeader) { ch.Links[2].StateRoot[0] ^= 1 }},
		{"other parent", proofs.ErrLink, func(ch *proofs.CertifiedHeader) { ch.Links[0].Parent[0] ^= 1 }},
		{"other height", proofs.ErrLink, func(ch *proofs.CertifiedHeader) { ch.Links[2].Height++ }},
		{"time stands still", proofs.ErrLink, func(ch *proofs.CertifiedHeader) { ch.Links[2].Time = ch.Links[1].Time }},
		{"other epoch", proofs.ErrLink, func(ch *proofs.CertifiedHeader) { ch.Links[2].Epoch++ }},
		{"other set", proofs.ErrLink, func(ch *proofs.CertifiedHeader) { ch.Links[2].SetHash[0] ^= 1 }},
		{"other network", proofs.ErrLink, func(ch *proofs.CertifiedHeader) { ch.Links[2].Network[0] ^= 1 }},
		{"other version", proofs.ErrLink, func(ch *proofs.CertifiedHeader) { ch.Links[2].Version++ }},
		{"other key height", proofs.ErrLink, func(ch *proofs.CertifiedHeader) { ch.Links[2].PreviousKeyHeight++ }},
	} {
		t.Run(c.name, func(t *testing.T) {
			ch := show(3)
			_, err := trust.VerifyHeader(&ch, n.Clock())
			ok(t, err)
			c.change(&ch)
			_, err = trust.VerifyHeader(&ch, n.Clock())
			wantError(t, err, c.want)
		})
	}
}

// TestNothingFollowsKeyBlock: a key block is shown with its own certificate only.
func TestNothingFollowsKeyBlock(t *testing.T) {
	n := prooftest.NewNetwork("gamma", prooftest.Even(1, 4)...)
	trust := n.Trust()
	kb := n.KeyBlock(n.Committee)
	_, _, err := trust.Advance(&kb, n.Clock())
	ok(t, err)
	n.Append(kb.Header)
	after := n.Next()
	ch := proofs.CertifiedHeader{Header: kb.Header, Links: []proofs.Header{after}, Certificate: n.Finalize(after)}
	_, err = trust.VerifyHeader(&ch, n.Clock())
	wantError(t, err, proofs.ErrLink)
}

func TestKeyBlockRefused(t *testing.T) {
	for _, c := range []struct {
		name   string
		want   error
		change func(n *prooftest.Network, kb *proofs.KeyBlock)
	}{
		{"no key block", proofs.ErrLink, func(n *prooftest.Network, kb *proofs.KeyBlock) {
			kb.Header.NextSetHash = proofs.Hash{}
			kb.Certificate = n.Finalize(kb.Header)
		}},
		{"delta left out", proofs.ErrSet, func(_ *prooftest.Network, kb *proofs.KeyBlock) { kb.Next = proofs.SetDelta{} }},
		{"weight in the delta", proofs.ErrSet, func(_ *prooftest.Network, kb *proofs.KeyBlock) { kb.Next.Upserted[0].Weight++ }},
		{"possession in the delta", proofs.ErrPossession, func(_ *prooftest.Network, kb *proofs.KeyBlock) {
			kb.Next.Upserted[0].Possession[47] ^= 1
		}},
		{"next set changed", proofs.ErrSignature, func(_ *prooftest.Network, kb *proofs.KeyBlock) { kb.Header.NextSetHash[0] ^= 1 }},
		{"below quorum", proofs.ErrQuorum, func(n *prooftest.Network, kb *proofs.KeyBlock) {
			kb.Certificate = n.Finalize(kb.Header, 0, 1)
		}},
		{"notarized only", proofs.ErrSignature, func(n *prooftest.Network, kb *proofs.KeyBlock) {
			kb.Certificate = n.Statement(proofs.TypeNotarize, kb.Header)
		}},
		{"the next set's certificate", proofs.ErrSignature, func(n *prooftest.Network, kb *proofs.KeyBlock) {
			n.Committee = prooftest.NewCommittee(prooftest.Even(3, 4)...)
			kb.Certificate = n.Finalize(kb.Header)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := prooftest.NewNetwork("gamma", prooftest.Even(1, 4)...)
			trust := n.Trust()
			kb := n.KeyBlock(prooftest.NewCommittee(prooftest.Even(3, 4)...))
			_, _, err := trust.Advance(&kb, n.Clock())
			ok(t, err)
			c.change(n, &kb)
			next, v, err := trust.Advance(&kb, n.Clock())
			wantError(t, err, c.want)
			if next.Set != nil || v != nil {
				t.Error("got a trust together with an error")
			}
		})
	}
}

func TestRefresh(t *testing.T) {
	n := prooftest.NewNetwork("gamma", prooftest.Even(1, 4)...)
	trust := n.Trust()
	ch := n.Extend()
	v, err := trust.VerifyHeader(&ch, n.Clock())
	ok(t, err)
	if got := trust.Refresh(v); got.Time != ch.Header.Time || got.Epoch != 0 || got.KeyID != trust.KeyID {
		t.Errorf("got time %d, epoch %d, want %d and 0", got.Time, got.Epoch, ch.Header.Time)
	}
	// A set that signs after its epoch does not prolong the next one's trust.
	late := n.Next()
	late.Time += prooftest.Epoch
	lateHeader := n.Certify(late)
	lateVerified, err := trust.VerifyHeader(&lateHeader, proofs.Clock{Now: late.Time})
	ok(t, err)
	kb := n.Rotate(prooftest.NewCommittee(prooftest.Even(3, 4)...))
	after := advance(t, trust, kb, n)
	if got := after.Refresh(lateVerified); got != after {
		t.Errorf("refreshed by an older epoch: got %+v, want %+v", got, after)
	}
	other := prooftest.NewNetwork("delta", prooftest.Even(1, 4)...)
	och := other.Extend()
	otherTrust := other.Trust()
	ov, err := otherTrust.VerifyHeader(&och, other.Clock())
	ok(t, err)
	if got := trust.Refresh(ov); got != trust {
		t.Errorf("refreshed by another network: got %+v, want %+v", got, trust)
	}
}

func TestEquivocation(t *testing.T) { // row equivocation
	n := prooftest.NewNetwork("gamma", prooftest.Even(1, 4)...)
	trust := n.Trust()
	verify := func(ch proofs.CertifiedHeader) *proofs.VerifiedHeader {
		v, err := trust.VerifyHeader(&ch, n.Clock())
		ok(t, err)
		return v
	}
	h := n.Next()
	twin := h
	twin.CutRoot[0] ^= 1
	a, again, b := verify(n.Certify(h)), verify(n.Certify(h, 0, 1, 2)), verify(n.Certify(twin))
	ok(t, proofs.Conflict(a, again))
	wantError(t, proofs.Conflict(a, b), proofs.ErrEquivocation)
	n.Append(h)
	ok(t, proofs.Conflict(a, verify(n.Certify(n.Next()))))
	fabricated := proofs.CertifiedHeader{Header: twin, Certificate: n.Finalize(h)}
	_, err := trust.VerifyHeader(&fabricated, n.Clock())
	wantError(t, err, proofs.ErrSignature) // fabricated evidence never gets as far
}

// TestNewestHeaderIsKeyBlock: an idle network's newest header is the key block
// that its followers have just taken.
func TestNewestHeaderIsKeyBlock(t *testing.T) {
	n := prooftest.NewNetwork("gamma", prooftest.Even(1, 4)...)
	before := n.Trust()
	kb := n.Rotate(prooftest.NewCommittee(prooftest.Even(3, 4)...))
	trust := advance(t, before, kb, n)
	ch := proofs.CertifiedHeader{Header: kb.Header, Certificate: kb.Certificate}
	v, err := trust.VerifyHeader(&ch, n.Clock())
	ok(t, err)
	if v.ID() != trust.KeyID || v.Header().StateRoot != kb.Header.StateRoot {
		t.Error("the verified header is not the key block's")
	}
	if got := trust.Refresh(v); got != trust {
		t.Errorf("refreshed by its own key block: got %+v, want %+v", got, trust)
	}
	late := proofs.Clock{Now: trust.Time + prooftest.TrustPeriod + 1}
	_, err = trust.VerifyHeader(&ch, late)
	wantError(t, err, proofs.ErrExpired)
	late.Historical = true
	_, err = trust.VerifyHeader(&ch, late)
	ok(t, err)
	next, _, err := trust.Advance(&kb, n.Clock())
	wantError(t, err, proofs.ErrStale)
	if next.Set != nil {
		t.Error("got a trust together with an error")
	}
	ch.Header.StateRoot[0] ^= 1 // another header of that height
	_, err = trust.VerifyHeader(&ch, n.Clock())
	wantError(t, err, proofs.ErrStale)
	ch.Header = kb.Header
	unknown := trust
	unknown.KeyID = proofs.Hash{} // a trust that took its key height from a later header
	_, err = unknown.VerifyHeader(&ch, n.Clock())
	wantError(t, err, proofs.ErrStale)
}
