// Package backend states what proofs/bls needs from a curve library.
//
// proofs/bls imports its backends and calls the concrete type that the build
// selects; this interface is what both are held to, and what a test runs side
// by side. Only packages below proofs/bls import it; it imports nothing.
package backend

// Backend is the group arithmetic of one library, G1 and G2 being its affine
// points. The zero value of a point is infinity. Methods are pure, safe for
// concurrent use, and start no goroutine.
//
// The caller has checked scalars (in [1, r)) and encodings (flags, ranges, not
// infinity). A backend may be given other bytes: it must then refuse or decode
// them, and never panic.
type Backend[G1, G2 any] interface {
	// KeyGen derives a scalar from at least 32 bytes of secret.
	KeyGen(ikm []byte) [32]byte
	// PublicKey multiplies the generator of G2.
	PublicKey(scalar *[32]byte) G2
	// Sign hashes msg to G1 under dst and multiplies.
	Sign(scalar *[32]byte, msg, dst []byte) G1

	// DecodeG1 reads an uncompressed point; ok means that it is on the curve,
	// neither infinity nor of x = 0. No subgroup check.
	DecodeG1(b *[96]byte) (p G1, ok bool)
	// DecompressG1 reads a compressed point, with the same meaning of ok.
	DecompressG1(b *[48]byte) (p G1, ok bool)
	// DecompressG2 reads a compressed point; ok means that it is on the curve
	// and not infinity. No subgroup check.
	DecompressG2(b *[96]byte) (p G2, ok bool)
	// EncodeG1 writes an uncompressed point.
	EncodeG1(p *G1) [96]byte
	// CompressG1 writes a compressed point.
	CompressG1(p *G1) [48]byte
	// CompressG2 writes a compressed point.
	CompressG2(p *G2) [96]byte

	IsInfinityG1(p *G1) bool
	IsInfinityG2(p *G2) bool
	InSubgroupG1(p *G1) bool
	InSubgroupG2(p *G2) bool
	// SumG1 adds points, equal and inverse ones too; of none it is infinity.
	SumG1(points []*G1) G1
	// SumG2 adds points, equal and inverse ones too; of none it is infinity.
	SumG2(points []*G2) G2

	// Verify reports e(sig, g2) = e(H(msg), pk). Both points are in their
	// subgroups and not infinity.
	Verify(pk *G2, msg, dst []byte, sig *G1) bool
}

// Sums is what verifying many signatures at once needs besides [Backend], S being
// a running sum of points of G1 in whatever coordinates add fastest. The zero
// value of a sum is infinity. The same rules hold: pure, safe for concurrent use,
// no goroutine; and nothing here sees a secret, so nothing is constant time.
type Sums[G1, G2, S any] interface {
	// HashG1 hashes msg to G1 under dst.
	HashG1(msg, dst []byte) G1
	// Scale returns factor·p; the factor is 16 bytes big-endian.
	Scale(p *G1, factor *[16]byte) S
	// Add adds a point to sum, an equal or inverse one too.
	Add(sum *S, p *G1)
	// Join adds another sum to sum, an equal or inverse one too, or sum itself.
	Join(sum, other *S)
	// Affine returns the point that sum is.
	Affine(sum *S) G1
	// VerifyProduct reports Π e(points[k], keys[k]) = e(sig, g2). All are in their
	// subgroups, any may be infinity, and there is at least one pair.
	VerifyProduct(points []G1, keys []*G2, sig *G1) bool
}
