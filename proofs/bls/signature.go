package bls

import "fmt"

const (
	// SignatureSize is the length of a compressed signature in bytes.
	SignatureSize = 48
	// VoteSize is the length of an uncompressed signature in bytes.
	VoteSize = 96
)

// Point is a vote: a point of the curve under G1, not infinity, and not known
// to be in the subgroup. The zero value counts as infinity and is refused
// wherever a Point is taken.
type Point struct {
	point g1
}

// ParseVote decodes an uncompressed signature, 96 bytes, without the subgroup
// check (under 1 µs). Errors: ErrLength, ErrNonCanonical, ErrInfinity,
// ErrNotOnCurve; ErrSubgroup only for x = 0, where it is plain to see.
func ParseVote(b []byte) (Point, error) {
	const what = "vote"
	if err := checkLength(what, b, VoteSize); err != nil {
		return Point{}, err
	}
	if err := checkPoint(what, b, false); err != nil {
		return Point{}, err
	}
	if err := checkZeroX(what, b[:fieldSize], b[fieldSize:]); err != nil {
		return Point{}, err
	}
	p, ok := curve.DecodeG1((*[VoteSize]byte)(b))
	if !ok {
		return Point{}, fmt.Errorf("%w: %s", ErrNotOnCurve, what)
	}
	return Point{point: p}, nil
}

// Bytes returns the uncompressed form, the bytes that [ParseVote] took.
func (v Point) Bytes() [VoteSize]byte { return curve.EncodeG1(&v.point) }

// Signature is a single or aggregate signature: on the curve, in the subgroup,
// not infinity. The zero value counts as infinity and verifies nothing.
type Signature struct {
	point g1
}

// ParseSignature decodes a compressed signature, 48 bytes, and checks all of
// it (about 0.1 ms). Errors: ErrLength, ErrNonCanonical, ErrInfinity,
// ErrNotOnCurve, ErrSubgroup.
func ParseSignature(b []byte) (Signature, error) {
	const what = "signature"
	if err := checkLength(what, b, SignatureSize); err != nil {
		return Signature{}, err
	}
	if err := checkPoint(what, b, true); err != nil {
		return Signature{}, err
	}
	if err := checkZeroX(what, b, nil); err != nil {
		return Signature{}, err
	}
	p, ok := curve.DecompressG1((*[SignatureSize]byte)(b))
	if !ok {
		return Signature{}, fmt.Errorf("%w: %s", ErrNotOnCurve, what)
	}
	if !curve.InSubgroupG1(&p) {
		return Signature{}, fmt.Errorf("%w: %s", ErrSubgroup, what)
	}
	return Signature{point: p}, nil
}

// Bytes returns the compressed form, the only encoding of a certificate's
// signature.
func (s Signature) Bytes() [SignatureSize]byte { return curve.CompressG1(&s.point) }

// Aggregate adds votes, in any order, and checks the sum: one subgroup check
// however many votes. The sum is not verified against any key. Errors: ErrEmpty;
// ErrInfinity if a vote or the sum is infinity; ErrSubgroup, in which case
// [FindInvalid] tells whose vote it was.
func Aggregate(votes []Point) (Signature, error) {
	if len(votes) == 0 {
		return Signature{}, fmt.Errorf("%w: no votes", ErrEmpty)
	}
	points := make([]*g1, len(votes))
	for i := range votes {
		if curve.IsInfinityG1(&votes[i].point) {
			return Signature{}, fmt.Errorf("%w: vote %d", ErrInfinity, i)
		}
		points[i] = &votes[i].point
	}
	sum := curve.SumG1(points)
	if curve.IsInfinityG1(&sum) {
		return Signature{}, fmt.Errorf("%w: sum of %d votes", ErrInfinity, len(votes))
	}
	if !curve.InSubgroupG1(&sum) {
		return Signature{}, fmt.Errorf("%w: sum of %d votes", ErrSubgroup, len(votes))
	}
	return Signature{point: sum}, nil
}

// Verify checks a single vote on msg: subgroup and pairing. Errors:
// ErrInfinity, ErrSubgroup, ErrSignature.
func Verify(pk *PublicKey, msg []byte, vote Point) error {
	sig, err := Aggregate([]Point{vote})
	if err != nil {
		return err
	}
	return verify(pk, msg, sig)
}

// VerifyAggregate checks that sig is the sum of one signature on msg from each
// of the keys: one addition for each key and one pairing check. The keys must
// have proved possession. Errors: ErrEmpty, ErrInfinity, ErrSignature.
func VerifyAggregate(pks []*PublicKey, msg []byte, sig Signature) error {
	pk, err := AggregateKeys(pks)
	if err != nil {
		return err
	}
	return verify(pk, msg, sig)
}

func verify(pk *PublicKey, msg []byte, sig Signature) error {
	if !pk.valid() {
		return fmt.Errorf("%w: public key", ErrInfinity)
	}
	if curve.IsInfinityG1(&sig.point) {
		return fmt.Errorf("%w: signature", ErrInfinity)
	}
	if !curve.Verify(&pk.point, msg, signDST, &sig.point) {
		return fmt.Errorf("%w: message of %d bytes", ErrSignature, len(msg))
	}
	return nil
}
