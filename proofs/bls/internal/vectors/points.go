package vectors

import (
	"bytes"

	bls12381 "github.com/consensys/gnark-crypto/ecc/bls12-381"
	"github.com/consensys/gnark-crypto/ecc/bls12-381/fp"
)

// Torsion returns (0, 2): a point of order three on y² = x³ + 4, outside G1.
func Torsion() (p bls12381.G1Affine) {
	p.Y.SetUint64(2)
	return p
}

// OutsideG1 returns a point of the curve outside G1 and of large order: the
// first at x = 1, 2, 3, …
func OutsideG1() (p bls12381.G1Affine) {
	for x := uint64(1); ; x++ {
		p.X.SetUint64(x)
		if y2 := cubePlusFour(&p.X); p.Y.Sqrt(&y2) != nil && !p.IsInSubGroup() {
			return p
		}
	}
}

// cubePlusFour is the right-hand side of the curve equation.
func cubePlusFour(x *fp.Element) (y2 fp.Element) {
	var four fp.Element
	four.SetUint64(4)
	y2.Square(x).Mul(&y2, x)
	return *y2.Add(&y2, &four)
}

// OutsideG2 returns a point of the twist outside G2: the first found at
// x = 1, 2, 3, …; only one in about 2^381 points there is inside.
func OutsideG2() (p bls12381.G2Affine) {
	b := twistB()
	for x := uint64(1); ; x++ {
		p.X.A0.SetUint64(x)
		var y2 bls12381.E2
		y2.Square(&p.X).Mul(&y2, &p.X).Add(&y2, &b)
		if y2.Legendre() != 1 {
			continue
		}
		p.Y.Sqrt(&y2)
		if !p.IsInSubGroup() {
			return p
		}
	}
}

// twistB is 4(1+u), computed as y² − x³ at the generator.
func twistB() (b bls12381.E2) {
	_, _, _, g := bls12381.Generators()
	var x3 bls12381.E2
	x3.Square(&g.X).Mul(&x3, &g.X)
	b.Square(&g.Y)
	return *b.Sub(&b, &x3)
}

// Vote returns the point that serializes to the 96 bytes b, wherever on the
// curve it lies.
func Vote(b [96]byte) (p bls12381.G1Affine) {
	p.X.SetBytes(b[:48])
	p.Y.SetBytes(b[48:])
	return p
}

// Plus returns the 96 bytes of the sum of a vote and a point.
func Plus(vote [96]byte, q bls12381.G1Affine) [96]byte {
	p := Vote(vote)
	p.Add(&p, &q)
	return p.RawBytes()
}

// Negated returns the 96 bytes of the inverse of a vote.
func Negated(vote [96]byte) [96]byte {
	p := Vote(vote)
	p.Neg(&p)
	return p.RawBytes()
}

// withoutRoot1 is the smallest x for which x³ + 4 has no square root,
// compressed as a point of G1.
func withoutRoot1() []byte {
	for x := uint64(1); ; x++ {
		var e fp.Element
		e.SetUint64(x)
		if y2 := cubePlusFour(&e); y2.Legendre() == -1 {
			b := e.Bytes()
			b[0] |= 0x80
			return b[:]
		}
	}
}

// withoutRoot2 is the same for G2.
func withoutRoot2() []byte {
	b := twistB()
	for x := uint64(1); ; x++ {
		var e, y2 bls12381.E2
		e.A0.SetUint64(x)
		y2.Square(&e).Mul(&y2, &e).Add(&y2, &b)
		if y2.Legendre() == -1 {
			out := make([]byte, 96)
			low := e.A0.Bytes()
			copy(out[48:], low[:])
			out[0] |= 0x80
			return out
		}
	}
}

// patched returns a copy of b with f applied.
func patched(b []byte, f func(b []byte)) []byte {
	c := bytes.Clone(b)
	f(c)
	return c
}

// modulusAt overwrites the coordinate at offset with p, keeping the flags.
func modulusAt(b []byte, offset int) []byte {
	return patched(b, func(b []byte) {
		flags := b[0] & 0xe0
		m := fp.Modulus().FillBytes(make([]byte, fp.Bytes))
		if offset == 0 {
			m[0] |= flags
		}
		copy(b[offset:], m)
	})
}

// plusModulus adds p to the coordinate at offset, so that the number is the
// same modulo p. It needs a coordinate small enough for the sum to fit.
func plusModulus(b []byte, offset int) []byte {
	return patched(b, func(b []byte) {
		m := fp.Modulus().FillBytes(make([]byte, fp.Bytes))
		carry := 0
		for i := fp.Bytes - 1; i >= 0; i-- {
			carry += int(b[offset+i]) + int(m[i])
			b[offset+i] = byte(carry)
			carry >>= 8
		}
	})
}
