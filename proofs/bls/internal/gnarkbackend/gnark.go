// Package gnarkbackend gives proofs/bls its curve from consensys/gnark-crypto,
// in pure Go: the backend of builds without cgo, and the oracle against which
// the other is tested. Only proofs/bls imports it.
//
// It is not constant time in secret scalars (gnark-crypto's scalar
// multiplication is not); a node whose timing others can measure signs with
// the other backend.
package gnarkbackend

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"math/big"

	bls12381 "github.com/consensys/gnark-crypto/ecc/bls12-381"
	"github.com/consensys/gnark-crypto/ecc/bls12-381/fr"

	"github.com/isthmus-network/isthmus/proofs/bls/internal/backend"
)

type (
	// G1 is an affine point of the curve under G1; the zero value is infinity.
	G1 = bls12381.G1Affine
	// G2 is an affine point of the curve under G2; the zero value is infinity.
	G2 = bls12381.G2Affine
)

// Backend implements backend.Backend.
type Backend struct{}

var _ backend.Backend[G1, G2] = Backend{}

// negatedGenerator is −g2, the fixed argument of every verification.
var negatedGenerator = func() (p G2) {
	_, _, _, g := bls12381.Generators()
	p.Neg(&g)
	return p
}()

// KeyGen implements backend.Backend: KeyGen of draft-irtf-cfrg-bls-signature-05
// section 2.3, with empty key_info.
func (Backend) KeyGen(ikm []byte) (scalar [32]byte) {
	const size = 48 // ceil(1.5·ceil(log2 r) / 8)
	if len(ikm) < 32 {
		return scalar
	}
	secret := append(bytes.Clone(ikm), 0)
	defer clear(secret)
	salt := sha256.Sum256([]byte("BLS-SIG-KEYGEN-SALT-"))
	for {
		prk, err := hkdf.Extract(sha256.New, secret, salt[:])
		if err != nil {
			return scalar
		}
		okm, err := hkdf.Expand(sha256.New, prk, string([]byte{0, size}), size)
		if err != nil {
			return scalar
		}
		var e fr.Element
		if e.SetBytes(okm); !e.IsZero() {
			return e.Bytes()
		}
		salt = sha256.Sum256(salt[:])
	}
}

// PublicKey implements backend.Backend.
func (Backend) PublicKey(scalar *[32]byte) (p G2) {
	p.ScalarMultiplicationBase(new(big.Int).SetBytes(scalar[:]))
	return p
}

// Sign implements backend.Backend. A dst over 255 bytes gives infinity.
func (Backend) Sign(scalar *[32]byte, msg, dst []byte) (p G1) {
	h, err := bls12381.HashToG1(msg, dst)
	if err != nil {
		return p
	}
	p.ScalarMultiplication(&h, new(big.Int).SetBytes(scalar[:]))
	return p
}

// DecodeG1 implements backend.Backend. It reads the coordinates itself: the
// library's decoder checks the subgroup and not the curve.
func (Backend) DecodeG1(b *[96]byte) (p G1, ok bool) {
	if p.X.SetBytesCanonical(b[:48]) != nil || p.Y.SetBytesCanonical(b[48:]) != nil {
		return G1{}, false
	}
	if p.X.IsZero() || !p.IsOnCurve() { // IsOnCurve takes (0, 0) for infinity
		return G1{}, false
	}
	return p, true
}

// DecompressG1 implements backend.Backend. A clear compression flag is refused
// here because the library would wait for the rest of an uncompressed point.
func (Backend) DecompressG1(b *[48]byte) (p G1, ok bool) {
	if b[0]&0x80 == 0 || decode(b[:], &p) != nil || p.X.IsZero() {
		return G1{}, false
	}
	return p, true
}

// DecompressG2 implements backend.Backend.
func (Backend) DecompressG2(b *[96]byte) (p G2, ok bool) {
	if b[0]&0x80 == 0 || decode(b[:], &p) != nil || p.IsInfinity() {
		return G2{}, false
	}
	return p, true
}

// decode reads one compressed point into p, without the subgroup check.
func decode(b []byte, p any) error {
	return bls12381.NewDecoder(bytes.NewReader(b), bls12381.NoSubgroupChecks()).Decode(p)
}

// EncodeG1 implements backend.Backend.
func (Backend) EncodeG1(p *G1) [96]byte { return p.RawBytes() }

// CompressG1 implements backend.Backend.
func (Backend) CompressG1(p *G1) [48]byte { return p.Bytes() }

// CompressG2 implements backend.Backend.
func (Backend) CompressG2(p *G2) [96]byte { return p.Bytes() }

// IsInfinityG1 implements backend.Backend.
func (Backend) IsInfinityG1(p *G1) bool { return p.IsInfinity() }

// IsInfinityG2 implements backend.Backend.
func (Backend) IsInfinityG2(p *G2) bool { return p.IsInfinity() }

// InSubgroupG1 implements backend.Backend.
func (Backend) InSubgroupG1(p *G1) bool { return p.IsInSubGroup() }

// InSubgroupG2 implements backend.Backend.
func (Backend) InSubgroupG2(p *G2) bool { return p.IsInSubGroup() }

// SumG1 implements backend.Backend.
func (Backend) SumG1(points []*G1) (out G1) {
	var sum bls12381.G1Jac // the zero value is infinity: Z = 0
	for _, p := range points {
		sum.AddMixed(p)
	}
	return *out.FromJacobian(&sum)
}

// SumG2 implements backend.Backend.
func (Backend) SumG2(points []*G2) (out G2) {
	var sum bls12381.G2Jac
	for _, p := range points {
		sum.AddMixed(p)
	}
	return *out.FromJacobian(&sum)
}

// Verify implements backend.Backend, as e(H(msg), pk)·e(sig, −g2) = 1.
func (Backend) Verify(pk *G2, msg, dst []byte, sig *G1) bool {
	h, err := bls12381.HashToG1(msg, dst)
	if err != nil {
		return false
	}
	ok, err := bls12381.PairingCheck([]G1{h, *sig}, []G2{*pk, negatedGenerator})
	return err == nil && ok
}
