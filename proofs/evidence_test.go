package proofs_test

import (
	"strings"
	"testing"

	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/internal/prooftest"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// fork is a network of four that finalised two headers of one height.
func fork(t *testing.T) (n *prooftest.Network, e *proofs.Equivocation) {
	t.Helper()
	n = prooftest.NewNetwork("alpha", prooftest.Even(1, 4)...)
	a, b := n.Next(), n.Next()
	b.CutRoot[0] ^= 1
	return n, &proofs.Equivocation{A: n.Certify(a), B: n.Certify(b)}
}

func TestEvidenceOfEquivocation(t *testing.T) {
	n, e := fork(t)
	trust, now := n.Trust(), n.Clock().Now
	v, err := proofs.VerifyEquivocation(e, &trust, &trust, now)
	ok(t, err)
	if a, b := v.Headers(); v.Kind() != proofs.ErrEquivocation || v.Network() != n.ID() || a.ID() == b.ID() || !strings.Contains(v.String(), "two headers of height 1") {
		t.Errorf("got %v, %q", v.Kind(), v)
	}
	for _, c := range []struct {
		name   string
		want   error
		change func(e *proofs.Equivocation, now *uint64)
	}{
		{"the same header twice", proofs.ErrNoEvidence, func(e *proofs.Equivocation, _ *uint64) { e.B = e.A }},
		{"two certificates of one header", proofs.ErrNoEvidence, func(e *proofs.Equivocation, _ *uint64) {
			e.B = n.Certify(e.A.Header, 0, 1, 2)
		}},
		{"two heights", proofs.ErrNoEvidence, func(e *proofs.Equivocation, _ *uint64) {
			e.B.Header.Height++
			e.B = n.Certify(e.B.Header)
		}},
		{"two networks", proofs.ErrNoEvidence, func(e *proofs.Equivocation, _ *uint64) {
			e.B = prooftest.NewNetwork("beta", prooftest.Even(1, 4)...).Certify(e.B.Header)
			e.B.Header.Network[0] ^= 1
		}},
		{"notarized only", proofs.ErrSignature, func(e *proofs.Equivocation, _ *uint64) {
			e.B.Certificate = n.Statement(proofs.TypeNotarize, e.B.Header)
		}},
		{"half a quorum", proofs.ErrQuorum, func(e *proofs.Equivocation, _ *uint64) { e.A = n.Certify(e.A.Header, 0, 1) }},
		{"fabricated header", proofs.ErrSignature, func(e *proofs.Equivocation, _ *uint64) { e.B.Header.StateRoot[0] ^= 1 }},
		{"signed by somebody else", proofs.ErrSet, func(e *proofs.Equivocation, _ *uint64) {
			other := prooftest.NewNetwork("alpha", prooftest.Even(9, 4)...)
			e.B.Header.SetHash = other.Committee.Set.Hash()
			e.B = other.Certify(e.B.Header)
		}},
		{"past the trust period", proofs.ErrExpired, func(_ *proofs.Equivocation, now *uint64) { *now = prooftest.ZeroTime + prooftest.TrustPeriod + 1 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, e := fork(t)
			now := now
			_, err := proofs.VerifyEquivocation(e, &trust, &trust, now)
			ok(t, err)
			c.change(e, &now)
			v, err := proofs.VerifyEquivocation(e, &trust, &trust, now)
			wantError(t, err, c.want)
			if v != nil {
				t.Error("got evidence together with an error")
			}
		})
	}
}

// TestEquivocationOfAKeyBlock: the trust that a key block began does not look at
// its certificate, so that it is no witness of it.
func TestEquivocationOfAKeyBlock(t *testing.T) {
	n := prooftest.NewNetwork("alpha", prooftest.Even(1, 4)...)
	before := n.Trust()
	other := n.Certify(n.Next())
	kb := n.Rotate(prooftest.NewCommittee(prooftest.Even(2, 4)...))
	after, _, err := before.Advance(&kb, n.Clock())
	ok(t, err)
	e := &proofs.Equivocation{A: proofs.CertifiedHeader{Header: kb.Header, Certificate: kb.Certificate}, B: other}
	_, err = proofs.VerifyEquivocation(e, &before, &before, n.Clock().Now)
	ok(t, err)
	_, err = proofs.VerifyEquivocation(e, &after, &before, n.Clock().Now)
	wantError(t, err, proofs.ErrStale)
	e.A.Certificate = proofs.Certificate{}
	_, err = proofs.VerifyEquivocation(e, &after, &before, n.Clock().Now)
	wantError(t, err, proofs.ErrStale)
}

// rewritten is a network whose queue has earlier messages at first, and then the
// queue later.
type rewritten struct {
	net            *prooftest.Network
	reader         proofs.NetworkID
	earlier, later *prooftest.Queue
	evidence       proofs.Divergence
}

func rewrite(earlier, later int, fork bool) *rewritten {
	n := prooftest.NewNetwork("alpha", prooftest.Even(1, 4)...)
	r := &rewritten{net: n, reader: prooftest.Peer(0x22)}
	r.earlier, r.later = prooftest.NewQueue(n.ID(), r.reader, earlier), prooftest.NewQueue(n.ID(), r.reader, later)
	if fork {
		r.later.Messages[1].Payload = []byte("another")
	}
	show := func(q *prooftest.Queue) (proofs.CertifiedHeader, proofs.HeadProof) {
		n.Heads = []proofs.QueueHead{q.Head()}
		h := n.Next()
		n.Append(h)
		p, err := proofs.ProveHead(n.ID(), n.Heads, r.reader)
		if err != nil {
			panic(err)
		}
		return n.Certify(h), *p
	}
	d := &r.evidence
	d.Earlier, d.EarlierHead = show(r.earlier)
	d.Later, d.LaterHead = show(r.later)
	return r
}

// entries shows both messages at index.
func (r *rewritten) entries(t *testing.T, index int) {
	t.Helper()
	d := &r.evidence
	var err error
	d.Index, d.EarlierEntry, d.LaterEntry = uint64(index), r.earlier.Messages[index], r.later.Messages[index]
	d.EarlierBranch, err = merkle.Inclusion(r.earlier.Leaves(), d.Index)
	ok(t, err)
	d.LaterBranch, err = merkle.Inclusion(r.later.Leaves(), d.Index)
	ok(t, err)
}

func (r *rewritten) verify() error {
	trust := r.net.Trust()
	v, err := proofs.VerifyDivergence(&r.evidence, r.reader, &trust, &trust, r.net.Clock().Now)
	if err == nil && v.Kind() != proofs.ErrDiverged {
		panic("evidence of another kind")
	}
	return err
}

func TestEvidenceOfDivergence(t *testing.T) {
	ok(t, rewrite(5, 3, false).verify()) // ends below
	ok(t, rewrite(5, 5, true).verify())  // same end, another root
	grown := rewrite(4, 7, true)         // longer, and other messages
	wantError(t, grown.verify(), proofs.ErrNoEvidence)
	grown.entries(t, 1)
	ok(t, grown.verify())

	wantError(t, rewrite(4, 7, false).verify(), proofs.ErrNoEvidence)
	wantError(t, rewrite(4, 4, false).verify(), proofs.ErrNoEvidence)
	same := rewrite(4, 7, true)
	same.entries(t, 2) // the same message in both
	wantError(t, same.verify(), proofs.ErrNoEvidence)

	for _, c := range []struct {
		name   string
		want   error
		change func(r *rewritten)
	}{
		{"earlier and later exchanged", proofs.ErrNoEvidence, func(r *rewritten) {
			d := &r.evidence
			d.Earlier, d.Later, d.EarlierHead, d.LaterHead = d.Later, d.Earlier, d.LaterHead, d.EarlierHead
		}},
		{"message that was not sent", proofs.ErrBranch, func(r *rewritten) { r.evidence.EarlierEntry.Amount[15] ^= 1 }},
		{"message of another place", proofs.ErrNoEvidence, func(r *rewritten) { r.evidence.EarlierEntry.Index++ }},
		{"branch cut", proofs.ErrBranch, func(r *rewritten) { r.evidence.LaterBranch = r.evidence.LaterBranch[1:] }},
		{"head that was not certified", proofs.ErrBranch, func(r *rewritten) { r.evidence.LaterHead.Head.Root[0] ^= 1 }},
		{"below quorum", proofs.ErrQuorum, func(r *rewritten) { r.evidence.Later = r.net.Certify(r.evidence.Later.Header, 0, 1) }},
		{"another incarnation", proofs.ErrNoEvidence, func(r *rewritten) { r.evidence.LaterHead.Head.Incarnation++ }},
		{"heads for somebody else", proofs.ErrDestination, func(r *rewritten) { r.reader[0] ^= 1 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := rewrite(4, 7, true)
			r.entries(t, 1)
			ok(t, r.verify())
			c.change(r)
			wantError(t, r.verify(), c.want)
		})
	}
	needless := rewrite(5, 3, false)
	needless.entries(t, 1)
	wantError(t, needless.verify(), proofs.ErrNotCanon)
}

func TestConsumedDivergence(t *testing.T) {
	r := rewrite(5, 3, false)
	trust := r.net.Trust()
	v, err := trust.VerifyHeader(&r.evidence.Later, r.net.Clock())
	ok(t, err)
	head, err := v.VerifyHead(&r.evidence.LaterHead, r.reader)
	ok(t, err)
	since := r.evidence.Earlier.Header.Executed
	e, err := head.VerifyConsumed(r.earlier.Range(0, 5), 1, since)
	ok(t, err)
	if e.Kind() != proofs.ErrDiverged || !strings.Contains(e.String(), "[0, 5)") {
		t.Errorf("got %v, %q", e.Kind(), e)
	}
	other := rewrite(3, 3, true).later
	_, err = head.VerifyConsumed(other.Range(0, 3), 1, since) // same end, other messages
	ok(t, err)
	_, err = head.VerifyConsumed(r.later.Range(0, 3), 1, since)
	wantError(t, err, proofs.ErrNoEvidence)
	_, err = head.VerifyConsumed(r.later.Range(0, 2), 1, since)
	wantError(t, err, proofs.ErrNoEvidence)
	_, err = head.VerifyConsumed(r.earlier.Range(0, 5), 2, since)
	wantError(t, err, proofs.ErrNoEvidence)
	_, err = head.VerifyConsumed(r.earlier.Range(0, 5), 1, v.Header().Executed+1)
	wantError(t, err, proofs.ErrStale)
	_, err = head.VerifyConsumed(r.earlier.Range(1, 5), 1, since)
	wantError(t, err, merkle.ErrRange)
}

// TestStateEntries: typed reading of entries.
func TestStateEntries(t *testing.T) {
	b := prooftest.NewBook(1, false)
	b.HomeState["zero"], b.HomeState["short"], b.HomeState["log/odd"] = make([]byte, 16), []byte{1}, prooftest.Summary(9, b.Queue.Leaves())
	chain := b.Chain(b.Home)
	v, _, err := chain.Verify(b.Home.ID(), b.Reading())
	ok(t, err)
	entry := func(key string) *proofs.VerifiedEntry {
		t.Helper()
		e := prooftest.Entry(b.HomeState, []byte(key))
		got, err := v.VerifyEntry([]byte(key), &e)
		ok(t, err)
		return got
	}
	_, err = entry("zero").Amount()
	wantError(t, err, proofs.ErrMalformed)
	_, err = entry("short").Amount()
	wantError(t, err, proofs.ErrMalformed)
	_, err = entry("short").Log()
	wantError(t, err, proofs.ErrMalformed)
	_, err = entry("log/odd").Log()
	wantError(t, err, proofs.ErrMalformed)
	if a, err := entry("nothing").Amount(); err != nil || !a.IsZero() {
		t.Errorf("absent amount: got %v, %v", a, err)
	}
	if s, err := entry("nothing").Log(); err != nil || s.Range.End() != 0 {
		t.Errorf("absent log: got %v, %v", s, err)
	}
	log := entry(string(proofs.LogKey(proofs.OutLog(b.Abroad.ID(), 1))))
	s, err := log.Log()
	ok(t, err)
	if root, err := s.Root(); err != nil || root != merkle.Root(b.Queue.Leaves()) || s.Begin != 2 {
		t.Errorf("log: got [%d, %d), %x, %v", s.Begin, s.Range.End(), root, err)
	}
	e := prooftest.Entry(b.HomeState, proofs.FeesKey())
	_, err = v.VerifyEntry(make([]byte, proofs.MaxStateKey+1), &e)
	wantError(t, err, proofs.ErrTooLarge)
	own := proofs.NewAssetID(b.Home.ID(), proofs.Hash{})
	balance := prooftest.Entry(b.HomeState, proofs.BalanceKey(b.Holder, proofs.NativeAsset))
	got, err := v.VerifyBalance(b.Holder, own, &balance) // named as abroad: the same entry
	ok(t, err)
	if got.Amount() != proofs.NewAmount(4993) || got.Asset() != own || got.Account() != b.Holder || got.Header() != v {
		t.Errorf("balance: got %v", got.Amount())
	}
}
