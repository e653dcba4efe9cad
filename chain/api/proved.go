package api

import (
	"fmt"

	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// ProvedEntry is what the state holds under Key: Value if Present, nothing
// otherwise.
type ProvedEntry struct {
	Key     []byte
	Value   []byte
	Present bool
	Proof   merkle.TrieProof
}

// Verify checks every entry under a header that the caller verified: it must be
// the one of the proof. Errors: proofs.ErrLink, and those of merkle.
func (p *StateProof) Verify(v *proofs.VerifiedHeader) error {
	if id := p.Header.Header.ID(); id != v.ID() {
		return fmt.Errorf("state proof: header %x, want %x: %w", id[:4], head(v), proofs.ErrLink)
	}
	root := v.Header().StateRoot
	for i := range p.Entries {
		if err := p.Entries[i].verify(root); err != nil {
			return fmt.Errorf("state proof: key %q: %w", p.Entries[i].Key, err)
		}
	}
	return nil
}

func (e *ProvedEntry) verify(root merkle.Hash) error {
	if e.Present {
		return merkle.VerifyPresence(root, e.Key, e.Value, e.Proof)
	}
	return merkle.VerifyAbsence(root, e.Key, e.Proof)
}

// ReceiptPage is a run of the receipt log, [From, From+len(Receipts)), under
// Header, whose ReceiptSize is the size of the log. Left and Right are the
// compact ranges (merkle.RangeNodes) of what lies before and after the run.
type ReceiptPage struct {
	Header   proofs.CertifiedHeader
	From     uint64
	Receipts []proofs.Receipt
	Left     []proofs.Hash // [0, From)
	Right    []proofs.Hash // [From+len(Receipts), size)
}

// Size returns the number of receipts in the log.
func (p *ReceiptPage) Size() uint64 { return p.Header.Header.ReceiptSize }

// Verify recomputes the root of the receipt log under a header that the caller
// verified: it must be the one of the page. Errors: proofs.ErrLink,
// proofs.ErrRoot, and those of merkle.
func (p *ReceiptPage) Verify(v *proofs.VerifiedHeader) error {
	if id := p.Header.Header.ID(); id != v.ID() {
		return fmt.Errorf("receipts: header %x, want %x: %w", id[:4], head(v), proofs.ErrLink)
	}
	h := v.Header()
	r, err := merkle.ParseRange(0, p.From, p.Left)
	if err != nil {
		return fmt.Errorf("receipts before %d: %w", p.From, err)
	}
	for i := range p.Receipts {
		if err := r.Append(p.Receipts[i].Leaf(h.Network), nil); err != nil {
			return fmt.Errorf("receipt %d: %w", p.From+uint64(i), err)
		}
	}
	right, err := merkle.ParseRange(r.End(), h.ReceiptSize, p.Right)
	if err != nil {
		return fmt.Errorf("receipts from %d: %w", r.End(), err)
	}
	if err := r.Join(right, nil); err != nil {
		return fmt.Errorf("receipts: %w", err)
	}
	root, err := r.Root()
	if err != nil {
		return fmt.Errorf("receipts: %w", err)
	}
	if root != h.ReceiptRoot {
		return fmt.Errorf("receipts: got root %x, want %x: %w", root[:4], h.ReceiptRoot[:4], proofs.ErrRoot)
	}
	return nil
}

func head(v *proofs.VerifiedHeader) []byte {
	id := v.ID()
	return id[:4]
}
