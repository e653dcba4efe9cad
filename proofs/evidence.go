package proofs

//go:generate go tool -modfile=../tools/go.mod canoto --import=github.com/isthmus-network/isthmus/internal/canoto $GOFILE

import (
	"fmt"

	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// Equivocation is the claim that a network finalised two headers of one height.
type Equivocation struct {
	A CertifiedHeader `canoto:"value,1"`
	B CertifiedHeader `canoto:"value,2"`

	canotoData canotoData_Equivocation
}

// Divergence is the claim that a network's history changed under a reader: of two
// certified heads of its queue for one peer, the later is no continuation of the
// earlier. Where the later ends below the earlier, or at the same end with another
// root, the heads show it by themselves: Index is 0 and there is no leaf and no
// branch. Otherwise leaf and branch of each head show two messages in one place.
type Divergence struct {
	Earlier       CertifiedHeader `canoto:"value,1"`
	EarlierHead   HeadProof       `canoto:"value,2"`
	Later         CertifiedHeader `canoto:"value,3"`
	LaterHead     HeadProof       `canoto:"value,4"`
	Index         uint64          `canoto:"uint,5"`
	EarlierEntry  Message         `canoto:"value,6"`
	EarlierBranch []Hash          `canoto:"repeated fixed bytes,7"`
	LaterEntry    Message         `canoto:"value,8"`
	LaterBranch   []Hash          `canoto:"repeated fixed bytes,9"`

	canotoData canotoData_Divergence
}

// VerifiedEvidence is a proof that a quorum of a network contradicted itself: more
// than a third of its weight broke the rules. Only the verifiers below make it.
type VerifiedEvidence struct {
	kind Error
	what string
	a, b *VerifiedHeader
}

// Kind is ErrEquivocation or ErrDiverged.
func (e *VerifiedEvidence) Kind() Error { return e.kind }

// Network returns whose validators it convicts.
func (e *VerifiedEvidence) Network() NetworkID { return e.a.header.Network }

// Headers returns the two certified headers; they are the same if one head
// contradicts what was consumed.
func (e *VerifiedEvidence) Headers() (a, b *VerifiedHeader) { return e.a, e.b }

// String says what is proved.
func (e *VerifiedEvidence) String() string { return e.what }

// ErrNoEvidence says that two statements, however certified, do not contradict
// each other. It is a kind of bytes that can never be valid.
const ErrNoEvidence Error = "no contradiction"

// VerifyEquivocation checks both headers: each finally certified, under the set of
// its epoch, which ta and tb follow, within its trust period. A set that was
// released from its duty may sign anything: so historical reading is refused.
// Errors: ErrNoEvidence, ErrExpired, those of [Trust.VerifyHeader].
func VerifyEquivocation(e *Equivocation, ta, tb *Trust, now uint64) (*VerifiedEvidence, error) {
	a, b := &e.A.Header, &e.B.Header
	switch {
	case a.Network != b.Network:
		return nil, fmt.Errorf("equivocation: headers of %s and %s: %w", a.Network.Short(), b.Network.Short(), ErrNoEvidence)
	case a.Height != b.Height:
		return nil, fmt.Errorf("equivocation: headers of heights %d and %d: %w", a.Height, b.Height, ErrNoEvidence)
	case a.ID() == b.ID():
		return nil, fmt.Errorf("equivocation: header %d twice: %w", a.Height, ErrNoEvidence)
	}
	va, err := verifyEvidenceHeader(&e.A, ta, now)
	if err != nil {
		return nil, fmt.Errorf("equivocation: %w", err)
	}
	vb, err := verifyEvidenceHeader(&e.B, tb, now)
	if err != nil {
		return nil, fmt.Errorf("equivocation: %w", err)
	}
	what := fmt.Sprintf("network %s finalised two headers of height %d: %x and %x", a.Network, a.Height, va.id, vb.id)
	return &VerifiedEvidence{kind: ErrEquivocation, what: what, a: va, b: vb}, nil
}

// verifyEvidenceHeader verifies a header whose certificate is passed on: the key
// block that a trust begins with is verified under the trust before it.
func verifyEvidenceHeader(ch *CertifiedHeader, t *Trust, now uint64) (*VerifiedHeader, error) {
	if t.isKeyBlock(&ch.Header) {
		return nil, fmt.Errorf("header %d: the trust of its own epoch is wanted: %w", ch.Header.Height, ErrStale)
	}
	return t.VerifyHeader(ch, Clock{Now: now})
}

// VerifyDivergence checks two certified heads of one queue, under the trusts of
// their epochs, as of now. Later is the head of the higher Executed: which of two
// statements came first is never the carrier's to say. Errors: ErrNoEvidence,
// ErrExpired, those of [Trust.VerifyHeader], [VerifiedHeader.VerifyHead] and
// [VerifiedHead.VerifyMessage].
func VerifyDivergence(d *Divergence, reader NetworkID, earlier, later *Trust, now uint64) (*VerifiedEvidence, error) {
	a, b := &d.Earlier.Header, &d.Later.Header
	switch {
	case a.Network != b.Network:
		return nil, fmt.Errorf("divergence: headers of %s and %s: %w", a.Network.Short(), b.Network.Short(), ErrNoEvidence)
	case a.Executed > b.Executed:
		return nil, fmt.Errorf("divergence: earlier is of block %d, later of block %d: %w", a.Executed, b.Executed, ErrNoEvidence)
	case d.EarlierHead.Head.Incarnation != d.LaterHead.Head.Incarnation:
		return nil, fmt.Errorf("divergence: incarnations %d and %d: %w", d.EarlierHead.Head.Incarnation, d.LaterHead.Head.Incarnation, ErrNoEvidence)
	}
	if err := d.contradiction(); err != nil {
		return nil, err
	}
	va, ha, err := verifyEvidenceHead(&d.Earlier, &d.EarlierHead, reader, earlier, now)
	if err != nil {
		return nil, fmt.Errorf("divergence, earlier: %w", err)
	}
	vb, hb, err := verifyEvidenceHead(&d.Later, &d.LaterHead, reader, later, now)
	if err != nil {
		return nil, fmt.Errorf("divergence, later: %w", err)
	}
	if d.hasEntries() {
		if _, err := ha.VerifyMessage(&d.EarlierEntry, d.EarlierBranch); err != nil {
			return nil, fmt.Errorf("divergence, earlier: %w", err)
		}
		if _, err := hb.VerifyMessage(&d.LaterEntry, d.LaterBranch); err != nil {
			return nil, fmt.Errorf("divergence, later: %w", err)
		}
	}
	what := fmt.Sprintf("network %s certified its queue for %s, incarnation %d, up to %d with root %x after block %d, and up to %d with root %x after block %d",
		a.Network, reader, ha.head.Incarnation, ha.head.End, ha.head.Root, a.Executed, hb.head.End, hb.head.Root, b.Executed)
	return &VerifiedEvidence{kind: ErrDiverged, what: what, a: va, b: vb}, nil
}

func (d *Divergence) hasEntries() bool { return d.EarlierHead.Head.End < d.LaterHead.Head.End }

// contradiction reports whether the claims, if they are all true, contradict each
// other. It is arithmetic only.
func (d *Divergence) contradiction() error {
	a, b := &d.EarlierHead.Head, &d.LaterHead.Head
	if d.hasEntries() {
		if d.EarlierEntry.Index != d.Index || d.LaterEntry.Index != d.Index || d.EarlierEntry.ID() == d.LaterEntry.ID() {
			return fmt.Errorf("divergence: queue grew from %d to %d, messages %d and %d are no two in place %d: %w",
				a.End, b.End, d.EarlierEntry.Index, d.LaterEntry.Index, d.Index, ErrNoEvidence)
		}
		return nil
	}
	if a.End == b.End && a.Root == b.Root {
		return fmt.Errorf("divergence: both heads end at %d with root %x: %w", a.End, a.Root[:4], ErrNoEvidence)
	}
	if d.Index != 0 || len(d.EarlierBranch)+len(d.LaterBranch) != 0 || d.EarlierEntry.Version != 0 || d.LaterEntry.Version != 0 {
		return fmt.Errorf("divergence: the heads contradict each other, messages are wanted no more: %w", ErrNotCanon)
	}
	return nil
}

func verifyEvidenceHead(ch *CertifiedHeader, p *HeadProof, reader NetworkID, t *Trust, now uint64) (*VerifiedHeader, *VerifiedHead, error) {
	v, err := verifyEvidenceHeader(ch, t, now)
	if err != nil {
		return nil, nil, err
	}
	h, err := v.VerifyHead(p, reader)
	return v, h, err
}

// VerifyConsumed reports how head v contradicts what its reader has consumed:
// consumed is the compact range [0, n) of the head's incarnation, taken from heads
// of blocks up to since. It is for the reader, and for whoever takes consumed from
// a state that the reader's network certified. Errors: ErrNoEvidence; ErrStale for
// a head that is not newer than since, which naturally ends before n; merkle.ErrRange.
func (v *VerifiedHead) VerifyConsumed(consumed merkle.Range, incarnation, since uint64) (*VerifiedEvidence, error) {
	n, h := consumed.End(), &v.head
	root, err := consumed.Root()
	switch {
	case err != nil:
		return nil, fmt.Errorf("consumed: %w", err)
	case h.Incarnation != incarnation:
		return nil, fmt.Errorf("head of incarnation %d, consumed of %d: %w", h.Incarnation, incarnation, ErrNoEvidence)
	case v.header.header.Executed < since:
		return nil, fmt.Errorf("head after block %d, consumed from heads up to block %d: %w", v.header.header.Executed, since, ErrStale)
	case h.End > n || h.End == n && h.Root == root:
		return nil, fmt.Errorf("queue of %s ends at %d, consumed up to %d: %w", v.source.Short(), h.End, n, ErrNoEvidence)
	}
	what := fmt.Sprintf("network %s certified its queue for %s, incarnation %d, up to %d with root %x after block %d, of which [0, %d) with root %x was consumed",
		v.source, h.Peer, h.Incarnation, h.End, h.Root, v.header.header.Executed, n, root)
	return &VerifiedEvidence{kind: ErrDiverged, what: what, a: v.header, b: v.header}, nil
}
