//go:build cgo

package blstbackend

import (
	"slices"

	blst "github.com/supranational/blst/bindings/go"

	"github.com/isthmus-network/isthmus/proofs/bls/internal/backend"
)

// Sum is a running sum of points of G1, in Jacobian coordinates.
type Sum = blst.P1

var _ backend.Sums[G1, G2, Sum] = Backend{}

var generatorG2 = blst.P2Generator().ToAffine()

// HashG1 implements backend.Sums.
func (Backend) HashG1(msg, dst []byte) G1 { return *blst.HashToG1(msg, dst).ToAffine() }

// Scale implements backend.Sums. The library reads scalars little-endian.
func (Backend) Scale(p *G1, factor *[16]byte) (sum Sum) {
	le := *factor
	slices.Reverse(le[:])
	sum.FromAffine(p)
	sum.MultAssign(le[:])
	return sum
}

// Add implements backend.Sums.
func (Backend) Add(sum *Sum, p *G1) { sum.AddAssign(p) }

// Join implements backend.Sums.
func (Backend) Join(sum, other *Sum) { sum.AddAssign(other) }

// Affine implements backend.Sums.
func (Backend) Affine(sum *Sum) G1 { return *sum.ToAffine() }

// VerifyProduct implements backend.Sums. The pairing context runs eight Miller
// loops at a time on the calling goroutine; pairs with infinity are left out, as
// they contribute one.
func (b Backend) VerifyProduct(points []G1, keys []*G2, sig *G1) bool {
	right := blst.Fp12One()
	if !b.IsInfinityG1(sig) {
		right = *blst.Fp12MillerLoop(generatorG2, sig)
	}
	ctx, pairs := blst.PairingCtx(true, nil), 0
	for k := range points {
		if !b.IsInfinityG1(&points[k]) && !b.IsInfinityG2(keys[k]) {
			blst.PairingRawAggregate(ctx, keys[k], &points[k])
			pairs++
		}
	}
	if pairs == 0 {
		return b.IsInfinityG1(sig)
	}
	blst.PairingCommit(ctx)
	return blst.PairingFinalVerify(ctx, &right)
}
