package gnarkbackend

import (
	"math/big"

	bls12381 "github.com/consensys/gnark-crypto/ecc/bls12-381"

	"github.com/isthmus-network/isthmus/proofs/bls/internal/backend"
)

// Sum is a running sum of points of G1, in Jacobian coordinates.
type Sum = bls12381.G1Jac

var _ backend.Sums[G1, G2, Sum] = Backend{}

// HashG1 implements backend.Sums. A dst over 255 bytes gives infinity.
func (Backend) HashG1(msg, dst []byte) G1 {
	h, err := bls12381.HashToG1(msg, dst)
	if err != nil {
		return G1{}
	}
	return h
}

// Scale implements backend.Sums.
func (Backend) Scale(p *G1, factor *[16]byte) (sum Sum) {
	sum.FromAffine(p)
	sum.ScalarMultiplication(&sum, new(big.Int).SetBytes(factor[:]))
	return sum
}

// Add implements backend.Sums.
func (Backend) Add(sum *Sum, p *G1) { sum.AddMixed(p) }

// Join implements backend.Sums. The copy lets a sum be added to itself.
func (Backend) Join(sum, other *Sum) {
	o := *other
	sum.AddAssign(&o)
}

// Affine implements backend.Sums.
func (Backend) Affine(sum *Sum) (p G1) { return *p.FromJacobian(sum) }

// VerifyProduct implements backend.Sums. The library leaves out pairs with
// infinity.
func (Backend) VerifyProduct(points []G1, keys []*G2, sig *G1) bool {
	ps, qs := make([]G1, 0, len(points)+1), make([]G2, 0, len(points)+1)
	for k := range points {
		ps, qs = append(ps, points[k]), append(qs, *keys[k])
	}
	ok, err := bls12381.PairingCheck(append(ps, *sig), append(qs, negatedGenerator))
	return err == nil && ok
}
