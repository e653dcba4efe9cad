package bls

import "fmt"

const (
	// PublicKeySize is the length of a compressed public key in bytes.
	PublicKeySize = 96
	// OwnerSize is the length of the Ed25519 node key that a proof of
	// possession names, in bytes.
	OwnerSize = 32
)

// DST is the domain separation tag of signatures.
const DST = "BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_POP_"

// PossessionDST is the domain separation tag of proofs of possession.
const PossessionDST = "BLS_POP_BLS12381G1_XMD:SHA-256_SSWU_RO_POP_"

var (
	signDST       = []byte(DST)
	possessionDST = []byte(PossessionDST)
)

// PublicKey is a point of G2 that is on the curve, in the subgroup and not
// infinity. That its owner holds the secret key is another question, which
// [VerifyPossession] answers; aggregate only keys for which it was answered.
type PublicKey struct {
	point g2
}

// ParsePublicKey decodes a compressed public key, 96 bytes, and checks all of
// it (about 0.2 ms). Errors: ErrLength, ErrNonCanonical, ErrInfinity,
// ErrNotOnCurve, ErrSubgroup.
func ParsePublicKey(b []byte) (*PublicKey, error) {
	const what = "public key"
	if err := checkLength(what, b, PublicKeySize); err != nil {
		return nil, err
	}
	if err := checkPoint(what, b, true); err != nil {
		return nil, err
	}
	p, ok := curve.DecompressG2((*[PublicKeySize]byte)(b))
	if !ok {
		return nil, fmt.Errorf("%w: %s", ErrNotOnCurve, what)
	}
	if !curve.InSubgroupG2(&p) {
		return nil, fmt.Errorf("%w: %s", ErrSubgroup, what)
	}
	return &PublicKey{point: p}, nil
}

// Bytes returns the compressed form, the only encoding of a public key.
func (pk *PublicKey) Bytes() [PublicKeySize]byte { return curve.CompressG2(&pk.point) }

// Equal reports whether both are the same key. A nil key equals only nil.
func (pk *PublicKey) Equal(other *PublicKey) bool {
	if pk == nil || other == nil {
		return pk == other
	}
	return pk.Bytes() == other.Bytes()
}

// valid reports whether pk was made by this package. A nil key and the zero
// value count as infinity.
func (pk *PublicKey) valid() bool { return pk != nil && !curve.IsInfinityG2(&pk.point) }

// AggregateKeys adds public keys; their order does not matter. Errors:
// ErrEmpty; ErrInfinity if a key is nil or the sum is infinity, which inverse
// keys achieve.
func AggregateKeys(pks []*PublicKey) (*PublicKey, error) {
	if len(pks) == 0 {
		return nil, fmt.Errorf("%w: no public keys", ErrEmpty)
	}
	points := make([]*g2, len(pks))
	for i, pk := range pks {
		if !pk.valid() {
			return nil, fmt.Errorf("%w: public key %d", ErrInfinity, i)
		}
		points[i] = &pk.point
	}
	sum := curve.SumG2(points)
	if curve.IsInfinityG2(&sum) {
		return nil, fmt.Errorf("%w: sum of %d public keys", ErrInfinity, len(pks))
	}
	return &PublicKey{point: sum}, nil
}

// CheckKeySet refuses a set that holds a key twice or together with its
// inverse; whoever accepts a validator set calls it. Two such keys in one
// aggregate cancel, and a signer could not be told from an absent one
// ("splitting zero", Quan 2021). Larger subsets that cancel need all their
// secret keys in one hand, so a signer bitmap is still no proof against one
// signer alone. Errors: ErrEmpty, ErrInfinity, ErrDuplicateKey, ErrInverseKeys.
func CheckKeySet(pks []*PublicKey) error {
	if len(pks) == 0 {
		return fmt.Errorf("%w: no public keys", ErrEmpty)
	}
	type seen struct {
		index int
		flags byte
	}
	byX := make(map[[PublicKeySize]byte]seen, len(pks))
	for i, pk := range pks {
		if !pk.valid() {
			return fmt.Errorf("%w: public key %d", ErrInfinity, i)
		}
		x := pk.Bytes()
		flags := x[0] & flagMask
		x[0] &^= flagMask
		first, found := byX[x]
		switch {
		case !found:
			byX[x] = seen{index: i, flags: flags}
		case first.flags == flags:
			return fmt.Errorf("%w: numbers %d and %d", ErrDuplicateKey, first.index, i)
		default:
			return fmt.Errorf("%w: numbers %d and %d", ErrInverseKeys, first.index, i)
		}
	}
	return nil
}
