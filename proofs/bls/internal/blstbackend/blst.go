//go:build cgo

package blstbackend

import (
	blst "github.com/supranational/blst/bindings/go"

	"github.com/isthmus-network/isthmus/proofs/bls/internal/backend"
)

type (
	// G1 is an affine point of the curve under G1; the zero value is infinity.
	G1 = blst.P1Affine
	// G2 is an affine point of the curve under G2; the zero value is infinity.
	G2 = blst.P2Affine
)

// Backend implements backend.Backend. Secret scalars are handled in constant
// time.
type Backend struct{}

var _ backend.Backend[G1, G2] = Backend{}

// KeyGen implements backend.Backend.
func (Backend) KeyGen(ikm []byte) (scalar [32]byte) {
	sk := blst.KeyGen(ikm)
	if sk == nil { // fewer than 32 bytes
		return scalar
	}
	defer sk.Zeroize()
	return [32]byte(sk.Serialize())
}

// PublicKey implements backend.Backend. An invalid scalar gives infinity.
func (Backend) PublicKey(scalar *[32]byte) (p G2) {
	var sk blst.SecretKey
	if sk.Deserialize(scalar[:]) == nil {
		return p
	}
	defer sk.Zeroize()
	p.From(&sk)
	return p
}

// Sign implements backend.Backend. An invalid scalar gives infinity.
func (Backend) Sign(scalar *[32]byte, msg, dst []byte) (p G1) {
	var sk blst.SecretKey
	if sk.Deserialize(scalar[:]) == nil {
		return p
	}
	defer sk.Zeroize()
	p.Sign(&sk, msg, dst)
	return p
}

// DecodeG1 implements backend.Backend. A set compression flag is refused here
// because the library reads such bytes as a compressed point; it refuses x = 0.
func (b Backend) DecodeG1(in *[96]byte) (p G1, ok bool) {
	if in[0]&0x80 != 0 || p.Deserialize(in[:]) == nil || b.IsInfinityG1(&p) {
		return G1{}, false
	}
	return p, true
}

// DecompressG1 implements backend.Backend.
func (b Backend) DecompressG1(in *[48]byte) (p G1, ok bool) {
	if p.Uncompress(in[:]) == nil || b.IsInfinityG1(&p) {
		return G1{}, false
	}
	return p, true
}

// DecompressG2 implements backend.Backend.
func (b Backend) DecompressG2(in *[96]byte) (p G2, ok bool) {
	if p.Uncompress(in[:]) == nil || b.IsInfinityG2(&p) {
		return G2{}, false
	}
	return p, true
}

// EncodeG1 implements backend.Backend.
func (Backend) EncodeG1(p *G1) [96]byte { return [96]byte(p.Serialize()) }

// CompressG1 implements backend.Backend.
func (Backend) CompressG1(p *G1) [48]byte { return [48]byte(p.Compress()) }

// CompressG2 implements backend.Backend.
func (Backend) CompressG2(p *G2) [96]byte { return [96]byte(p.Compress()) }

// IsInfinityG1 implements backend.Backend.
func (Backend) IsInfinityG1(p *G1) bool { return *p == G1{} }

// IsInfinityG2 implements backend.Backend.
func (Backend) IsInfinityG2(p *G2) bool { return *p == G2{} }

// InSubgroupG1 implements backend.Backend.
func (Backend) InSubgroupG1(p *G1) bool { return p.InG1() }

// InSubgroupG2 implements backend.Backend.
func (Backend) InSubgroupG2(p *G2) bool { return p.InG2() }

// SumG1 implements backend.Backend.
func (Backend) SumG1(points []*G1) G1 {
	var sum blst.P1
	for _, p := range points {
		sum.AddAssign(p)
	}
	return *sum.ToAffine()
}

// SumG2 implements backend.Backend.
func (Backend) SumG2(points []*G2) G2 {
	var sum blst.P2
	for _, p := range points {
		sum.AddAssign(p)
	}
	return *sum.ToAffine()
}

// Verify implements backend.Backend: hash, Miller loops and final
// exponentiation on the calling goroutine.
func (Backend) Verify(pk *G2, msg, dst []byte, sig *G1) bool {
	const hash, groupChecked = true, false
	ctx := blst.PairingCtx(hash, dst)
	if blst.PairingAggregatePkInG2(ctx, pk, groupChecked, sig, groupChecked, msg) != 0 {
		return false
	}
	blst.PairingCommit(ctx)
	return blst.PairingFinalVerify(ctx)
}
