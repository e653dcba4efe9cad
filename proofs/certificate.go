package proofs

//go:generate go tool -modfile=../tools/go.mod canoto --import=github.com/isthmus-network/isthmus/internal/canoto $GOFILE

import (
	"fmt"

	"github.com/isthmus-network/isthmus/proofs/bls"
)

// Aggregate is one BLS signature of several members of a validator set: the
// bitmap of who signed and the sum of their signatures. Bit i (bit i%8, least
// significant first, of byte i/8) stands for member i; the bitmap has exactly
// ⌈n/8⌉ bytes and no bit beyond the set.
type Aggregate struct {
	Bitmap    []byte                  `canoto:"bytes,1"`
	Signature [bls.SignatureSize]byte `canoto:"fixed bytes,2"`

	canotoData canotoData_Aggregate
}

// NewBitmap returns an empty bitmap for a set of n members.
func NewBitmap(n int) []byte { return make([]byte, (n+7)/8) }

// SetBit marks member i.
func SetBit(bitmap []byte, i int) { bitmap[i/8] |= 1 << (i % 8) }

// HasBit reports whether member i is marked.
func HasBit(bitmap []byte, i int) bool { return bitmap[i/8]&(1<<(i%8)) != 0 }

// Signers lists the members in the bitmap and their weight, after checking that
// the bitmap is canonical for the set. It does no cryptography.
func (a *Aggregate) Signers(set *ValidatorSet) (signers []int, weight uint64, err error) {
	if want := (set.Len() + 7) / 8; len(a.Bitmap) != want {
		return nil, 0, fmt.Errorf("bitmap: got %d bytes, want %d: %w", len(a.Bitmap), want, ErrSigner)
	}
	for i := set.Len(); i < 8*len(a.Bitmap); i++ {
		if HasBit(a.Bitmap, i) {
			return nil, 0, fmt.Errorf("bitmap: bit %d set in a set of %d: %w", i, set.Len(), ErrSigner)
		}
	}
	for i := range set.Len() {
		if HasBit(a.Bitmap, i) {
			signers = append(signers, i)
			weight += set.members[i].Weight
		}
	}
	return signers, weight, nil
}

// Verify checks, in this order, the bitmap, that the signers weigh more than
// num/den of the set, and that their aggregate signature is over msg.
func (a *Aggregate) Verify(set *ValidatorSet, msg []byte, num, den uint32) error {
	return a.verify(set, msg, num, den, atOnce)
}

func (a *Aggregate) verify(set *ValidatorSet, msg []byte, num, den uint32, signed verifier) error {
	signers, weight, err := a.Signers(set)
	if err != nil {
		return err
	}
	if !set.Exceeds(weight, num, den) {
		return fmt.Errorf("certificate: got weight %d, want more than %d/%d of %d: %w", weight, num, den, set.total, ErrQuorum)
	}
	keys := make([]*bls.PublicKey, len(signers))
	for k, i := range signers {
		keys[k] = set.keys[i]
	}
	if err := signed(bls.Certificate{Keys: keys, Msg: msg, Sig: a.Signature}); err != nil {
		return fmt.Errorf("certificate: %w: %w", ErrSignature, err)
	}
	return nil
}

// verifier is asked about each signature after everything cheaper: [atOnce], or one
// that keeps it to be verified with others ([Walk]).
type verifier func(bls.Certificate) error

func atOnce(c bls.Certificate) error { return c.Verify() }

// Vote is what a validator signs about one view of its network's ordering. A
// nullification names no parent and no header.
type Vote struct {
	Kind       ObjectType // TypeNotarize, TypeNullify or TypeFinalize
	Epoch      uint64
	SetHash    Hash
	View       uint64
	ParentView uint64
	Header     Hash
}

// SigningBytes is the layout that the vote's signature covers:
// kind as the object type ‖ epoch ‖ set hash ‖ view, then, unless it nullifies,
// parent view ‖ header id.
func (v *Vote) SigningBytes(network NetworkID) []byte {
	l := NewLayout(network, v.Kind).U64(v.Epoch).Hash(v.SetHash).U64(v.View)
	if v.Kind != TypeNullify {
		l.U64(v.ParentView).Hash(v.Header)
	}
	return l.Bytes()
}

// Certificate is a quorum of finalize votes for a header: with the header it is
// all that a stranger needs to see. The epoch, the set and the header's id are
// taken from the header that it accompanies.
type Certificate struct {
	View       uint64    `canoto:"uint,1"`
	ParentView uint64    `canoto:"uint,2"`
	Quorum     Aggregate `canoto:"value,3"`

	canotoData canotoData_Certificate
}

// verify checks the certificate for header h, whose id is id, under set.
func (c *Certificate) verify(network NetworkID, h *Header, id Hash, set *ValidatorSet, signed verifier) error {
	if h.SetHash != set.hash {
		return fmt.Errorf("certificate: got set %x, want %x: %w", h.SetHash[:4], set.hash[:4], ErrSet)
	}
	v := Vote{Kind: TypeFinalize, Epoch: h.Epoch, SetHash: h.SetHash, View: c.View, ParentView: c.ParentView, Header: id}
	return c.Quorum.verify(set, v.SigningBytes(network), 2, 3, signed)
}
