package bls

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"
)

// The three flag bits at the top of a serialized point, as in the Zcash
// encoding that both backends and the IETF draft (appendix A) follow.
const (
	flagCompressed = 1 << 7
	flagInfinity   = 1 << 6
	flagSign       = 1 << 5 // y is the larger of the two roots
	flagMask       = flagCompressed | flagInfinity | flagSign
	fieldSize      = 48 // bytes of one coordinate
)

// modulus is the base field's p, big-endian.
var modulus = [fieldSize]byte{
	0x1a, 0x01, 0x11, 0xea, 0x39, 0x7f, 0xe6, 0x9a, 0x4b, 0x1b, 0xa7, 0xb6, 0x43, 0x4b, 0xac, 0xd7,
	0x64, 0x77, 0x4b, 0x84, 0xf3, 0x85, 0x12, 0xbf, 0x67, 0x30, 0xd2, 0xa0, 0xf6, 0xb0, 0xf6, 0x24,
	0x1e, 0xab, 0xff, 0xfe, 0xb1, 0x53, 0xff, 0xff, 0xb9, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xaa, 0xab,
}

// two and minusTwo are the roots of the curve's constant 4 in that field.
var (
	two      = [fieldSize]byte{fieldSize - 1: 2}
	minusTwo = func() [fieldSize]byte {
		m := modulus
		m[fieldSize-1] -= 2
		return m
	}()
)

// order is the group order r, as big-endian words.
var order = [4]uint64{0x73eda753299d7d48, 0x3339d80809a1d805, 0x53bda402fffe5bfe, 0xffffffff00000001}

// checkLength compares the length of an input named what.
func checkLength(what string, b []byte, want int) error {
	if len(b) != want {
		return fmt.Errorf("%w: %s: got %d bytes, want %d", ErrLength, what, len(b), want)
	}
	return nil
}

// checkPoint checks the flags and the ranges of a serialized point that is
// compressed or not; len(b) is a multiple of 48. It answers ErrInfinity for the
// one encoding of infinity, ErrNonCanonical for anything that is neither that
// nor reduced coordinates.
func checkPoint(what string, b []byte, compressed bool) error {
	flags := b[0] & flagMask
	if got := flags&flagCompressed != 0; got != compressed {
		return fmt.Errorf("%w: %s: got compression flag %t, want %t", ErrNonCanonical, what, got, compressed)
	}
	rest := make([]byte, 0, PublicKeySize)
	rest = append(rest, b...)
	rest[0] &^= flagMask
	if flags&flagInfinity != 0 {
		if flags&flagSign != 0 || !allZero(rest) {
			return fmt.Errorf("%w: %s: infinity flag with other bits set", ErrNonCanonical, what)
		}
		return fmt.Errorf("%w: %s", ErrInfinity, what)
	}
	if !compressed && flags&flagSign != 0 {
		return fmt.Errorf("%w: %s: sign flag on an uncompressed point", ErrNonCanonical, what)
	}
	for i := 0; i < len(rest); i += fieldSize {
		if bytes.Compare(rest[i:i+fieldSize], modulus[:]) >= 0 {
			return fmt.Errorf("%w: %s: coordinate at byte %d is not below the modulus", ErrNonCanonical, what, i)
		}
	}
	return nil
}

// checkZeroX refuses the points of the curve under G1 with x = 0. There are
// two, (0, 2) and (0, −2); both have order three. One backend refuses to
// decode them and the other does not, so the verdict is given here. rest is
// what follows x: nothing, or y.
func checkZeroX(what string, x, rest []byte) error {
	if x[0]&^flagMask != 0 || !allZero(x[1:]) {
		return nil
	}
	if len(rest) > 0 && !bytes.Equal(rest, two[:]) && !bytes.Equal(rest, minusTwo[:]) {
		return fmt.Errorf("%w: %s", ErrNotOnCurve, what)
	}
	return fmt.Errorf("%w: %s: x is zero", ErrSubgroup, what)
}

func allZero(b []byte) bool {
	var or byte
	for _, v := range b {
		or |= v
	}
	return or == 0
}

// validScalar reports 0 < b < r without branching on the secret.
func validScalar(b *[SecretKeySize]byte) bool {
	var borrow, or uint64
	for i := len(order) - 1; i >= 0; i-- {
		w := binary.BigEndian.Uint64(b[8*i:])
		or |= w
		_, borrow = bits.Sub64(w, order[i], borrow)
	}
	nonzero := (or | -or) >> 63
	return borrow&nonzero == 1
}
